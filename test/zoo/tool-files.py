"""Writes small networks, and what the tools of ONNX Runtime make of them, into a folder, and prints what each file is as JSON."""

import json
import logging
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import quantization as quant
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

logging.disable(logging.CRITICAL)
folder = Path(sys.argv[1])
rng = np.random.default_rng(0)
WIDTH, HEADS = 16, 2


def weight(*shape):
    """Normal numbers that keep the size of what they multiply."""
    return (rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]) if len(shape) > 1 else 4)).astype(np.float32)


class Net:
    """A graph that is written node by node, in the order of its exporter."""

    def __init__(self, opset):
        self.nodes, self.weights, self.opset = [], [], opset

    def hold(self, value):
        self.weights.append(numpy_helper.from_array(np.asarray(value), f"w{len(self.weights)}"))
        return self.weights[-1].name

    def add(self, op, *inputs, **attributes):
        names = [one if isinstance(one, str) else self.hold(one) for one in inputs]
        out = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, names, [out], **attributes))
        return out

    def save(self, name, inputs, output, shape):
        self.nodes.append(helper.make_node("Identity", [output], ["y"]))
        info = helper.make_tensor_value_info
        graph = helper.make_graph(
            self.nodes, name, [info(*one) for one in inputs], [info("y", TensorProto.FLOAT, shape)], self.weights
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, folder / f"{name}.onnx")


def convnet():
    net = Net(17)
    x = net.add("Conv", "x", weight(8, 3, 3, 3), weight(8), pads=[1] * 4)
    x = net.add("BatchNormalization", x, 1 + weight(8), weight(8), weight(8), (1 + weight(8)) ** 2)
    x = net.add("MaxPool", net.add("Relu", x), kernel_shape=[2, 2], strides=[2, 2])
    x = net.add("Clip", net.add("Conv", x, weight(8, 4, 3, 3), weight(8), group=2), np.float32(-0.5), np.float32(6))
    x = net.add("Flatten", net.add("GlobalAveragePool", net.add("Add", x, weight(1, 8, 1, 1))))
    x = net.add("Concat", net.add("Gemm", x, weight(6, 8), weight(6), transB=1), x, axis=1)
    x = net.add("MatMul", net.add("Sigmoid", net.add("LeakyRelu", x)), 3 * weight(14, 5))
    net.save("convnet", [("x", TensorProto.FLOAT, ["N", 3, 10, 10])], net.add("Softmax", x, axis=-1), ["N", 5])


def normalized(net, x):
    """A layer normalization as older exporters write it."""
    centred = net.add("Sub", x, net.add("ReduceMean", x, axes=[-1]))
    variance = net.add("ReduceMean", net.add("Pow", centred, np.float32(2)), axes=[-1])
    x = net.add("Div", centred, net.add("Sqrt", net.add("Add", variance, np.float32(1e-5))))
    return net.add("Add", net.add("Mul", x, 1 + weight(WIDTH)), weight(WIDTH))


def encoder():
    net = Net(14)
    four, three = np.array([0, -1, HEADS, WIDTH // HEADS]), np.array([0, -1, WIDTH])
    mask = net.add("Cast", net.add("Unsqueeze", "mask", np.array([1, 2])), to=TensorProto.FLOAT)
    mask = net.add("Mul", net.add("Sub", np.float32(1), mask), np.float32(-30))
    x = "x"
    parts = []
    for perm in ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]):
        part = net.add("Add", weight(WIDTH), net.add("MatMul", x, weight(WIDTH, WIDTH)))
        parts.append(net.add("Transpose", net.add("Reshape", part, four), perm=perm))
    scores = net.add("Div", net.add("MatMul", parts[0], parts[1]), np.float32(np.sqrt(WIDTH // HEADS)))
    scores = net.add("Softmax", net.add("Add", scores, mask), axis=-1)
    heads = net.add("Transpose", net.add("MatMul", scores, parts[2]), perm=[0, 2, 1, 3])
    out = net.add("MatMul", net.add("Reshape", heads, three), weight(WIDTH, WIDTH))
    x = normalized(net, net.add("Add", net.add("Add", weight(WIDTH), out), x))
    wide = net.add("Add", weight(32), net.add("MatMul", x, weight(WIDTH, 32)))
    erf = net.add("Add", net.add("Erf", net.add("Div", wide, np.float32(np.sqrt(2)))), np.float32(1))
    wide = net.add("Mul", net.add("Mul", wide, erf), np.float32(0.5))
    y = normalized(net, net.add("Add", net.add("Add", weight(WIDTH), net.add("MatMul", wide, weight(32, WIDTH))), x))
    inputs = [("x", TensorProto.FLOAT, ["N", "S", WIDTH]), ("mask", TensorProto.INT64, ["N", "S"])]
    net.save("encoder", inputs, y, ["N", "S", WIDTH])


def recurrent():
    net = Net(17)
    net.nodes.append(
        helper.make_node(
            "LSTM",
            ["x", net.hold(weight(2, 32, 6)), net.hold(weight(2, 32, 8)), net.hold(weight(2, 64))],
            ["states"],
            hidden_size=8,
            direction="bidirectional",
        )
    )
    x = net.add("Reshape", net.add("Transpose", "states", perm=[0, 2, 1, 3]), np.array([0, 0, -1]))
    y = net.add("Add", net.add("MatMul", x, weight(16, 5)), weight(5))
    net.save("recurrent", [("x", TensorProto.FLOAT, [5, "N", 6])], y, [5, "N", 5])


MASK = np.array([[1, 1, 1, 1, 0]])
DRAWS = {
    "convnet": lambda: {"x": rng.standard_normal((1, 3, 10, 10), dtype=np.float32)},
    "encoder": lambda: {"x": rng.standard_normal((1, 5, WIDTH), dtype=np.float32), "mask": MASK},
    "recurrent": lambda: {"x": rng.standard_normal((5, 1, 6), dtype=np.float32)},
}


class Calibration(quant.CalibrationDataReader):
    """Inputs that reach farther than others, so that those lie inside of the ranges, where tangents pass."""

    def __init__(self, name):
        self.inputs = iter([{**inputs, "x": 2 * inputs["x"]} for inputs in (DRAWS[name]() for _ in range(8))])

    def get_next(self):
        return next(self.inputs, None)


def static(name, out, fmt=quant.QuantFormat.QDQ, activations="QUInt8", weights="QInt8", **options):
    quant.quantize_static(
        folder / f"{name}.onnx",
        out,
        Calibration(name),
        quant_format=fmt,
        activation_type=quant.QuantType[activations],
        weight_type=quant.QuantType[weights],
        **options,
    )


def nbits(name, out, **options):
    quantizer = MatMulNBitsQuantizer(onnx.load(folder / f"{name}.onnx"), **options)
    quantizer.process()
    onnx.save(quantizer.model.model, out)


def optimized(name, out, level):
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.optimized_model_filepath = str(out)
    options.graph_optimization_level = level
    ort.InferenceSession(str(folder / f"{name}.onnx"), options, providers=["CPUExecutionProvider"])


def fused(name, out, half=False):
    from onnxruntime.transformers.optimizer import optimize_model

    model = optimize_model(str(folder / f"{name}.onnx"), "bert", num_heads=HEADS, hidden_size=WIDTH, opt_level=0)
    if half:
        model.convert_float_to_float16(keep_io_types=True)
    onnx.save(model.model, out)


def half(name, out):
    from onnxruntime.transformers.float16 import convert_float_to_float16

    onnx.save(convert_float_to_float16(onnx.load(folder / f"{name}.onnx"), keep_io_types=True), out)


QOPERATOR = quant.QuantFormat.QOperator
SYMMETRIC = {"ActivationSymmetric": True, "WeightSymmetric": True}
EXTENDED = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
made = []


def make(network, how, file, within, of=None, **options):
    """`within` is how far J may be from that of the network, relative: what the tool rounds changes it by less than half as much."""
    out = folder / f"{network}-{file}.onnx"
    how(of or network, out, **options)
    made.append({"file": out.name, "network": network, "within": within})


BYTES, WORDS, NIBBLES, HALF, SINGLE = 0.3, 0.02, 0.5, 5e-3, 1e-5
convnet()
encoder()
recurrent()
make("convnet", static, "qdq", BYTES)
make("convnet", static, "operators", BYTES, fmt=QOPERATOR)
make("convnet", static, "nibbles", NIBBLES, weights="QInt4")
make("convnet", optimized, "optimized", BYTES, of="convnet-qdq", level=EXTENDED)
make("encoder", static, "channels", BYTES, activations="QInt8", per_channel=True, extra_options=SYMMETRIC)
make("encoder", static, "words", WORDS, activations="QUInt16", weights="QInt16")
make("encoder", nbits, "4-bits", NIBBLES, bits=4, block_size=16, is_symmetric=False)
make("encoder", nbits, "8-bits", BYTES, bits=8, block_size=16, is_symmetric=True)
qdq = quant.QuantFormat.QDQ
make("convnet", nbits, "4-bits-qdq", NIBBLES, bits=4, block_size=16, is_symmetric=True, quant_format=qdq)
make("encoder", optimized, "extended", SINGLE, level=EXTENDED)
make("encoder", fused, "fused", SINGLE)
make("encoder", fused, "fused-half", HALF, half=True)
make("recurrent", static, "qdq", BYTES)
for network in ("convnet", "encoder", "recurrent"):
    make(network, lambda name, out: quant.quantize_dynamic(folder / f"{name}.onnx", out), "dynamic", BYTES)
    make(network, half, "half", HALF)
print(json.dumps(made))
