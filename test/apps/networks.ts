import { createRng, gaussianArray, type Shape, sizeOf } from "../../src/base/index.ts";
import {
  buildModel,
  floatTensor,
  int,
  ints,
  node,
  type OnnxModel,
  type Tensor,
  valueInfo,
  writeModel,
} from "../../src/onnx/index.ts";
import { decodeModel, EXTERNAL, encodeModel } from "../../src/onnx/proto.ts";

interface ConvnetOptions {
  /** Height and width of the picture, even; one channel. */
  readonly size?: number;
  readonly seed?: number;
}

/** Random weights of a shape, of variance 1 / fan-in. */
function weights(shape: Shape, ...seed: readonly (number | string)[]): Tensor {
  const fanIn = sizeOf(shape.slice(1));
  return floatTensor(
    shape,
    gaussianArray(createRng(...seed), sizeOf(shape)).map((value) => value / Math.sqrt(fanIn)),
  );
}

const same = { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]) };

/** A small convolutional network of random weights: conv1 → relu1 → pool1 → conv2 → relu2 → logits. */
export function convnet({ size = 12, seed = 0 }: ConvnetOptions = {}): OnnxModel {
  const features = 6 * (size / 2) ** 2;
  return buildModel({
    name: "convnet",
    inputs: [valueInfo("picture", "float32", [1, 1, size, size])],
    outputs: [valueInfo("logits", "float32", [1, 10])],
    nodes: [
      node({ op: "Conv", inputs: ["picture", "w1"], outputs: ["conv1"], attributes: same }),
      node({ op: "Relu", inputs: ["conv1"], outputs: ["relu1"] }),
      node({
        op: "MaxPool",
        inputs: ["relu1"],
        outputs: ["pool1"],
        attributes: { kernel_shape: ints([2, 2]), strides: ints([2, 2]) },
      }),
      node({ op: "Conv", inputs: ["pool1", "w2"], outputs: ["conv2"], attributes: same }),
      node({ op: "Relu", inputs: ["conv2"], outputs: ["relu2"] }),
      node({ op: "Flatten", inputs: ["relu2"], outputs: ["flat"] }),
      node({ op: "MatMul", inputs: ["flat", "w3"], outputs: ["logits"] }),
    ],
    initializers: new Map([
      ["w1", weights([4, 1, 3, 3], seed, "w1")],
      ["w2", weights([6, 4, 3, 3], seed, "w2")],
      ["w3", weights([features, 10], seed, "w3")],
    ]),
  });
}

/** Two residual blocks: stem → (a1, a2, sum1) → (b1, b2, sum2); a cut is a stem, a sum or the output of one. */
export function residualNet(): OnnxModel {
  const conv = (from: string, to: string) =>
    node({ op: "Conv", inputs: [from, `w_${to}`], outputs: [to], attributes: same });
  const branches = ["stem", "a1", "a2", "b1", "b2"];
  return buildModel({
    name: "residual",
    inputs: [valueInfo("picture", "float32", [1, 2, 6, 6])],
    outputs: [valueInfo("out", "float32", [1, 2, 6, 6])],
    nodes: [
      conv("picture", "stem"),
      conv("stem", "a1"),
      node({ op: "Tanh", inputs: ["a1"], outputs: ["bent"] }),
      conv("bent", "a2"),
      node({ op: "Add", inputs: ["stem", "a2"], outputs: ["sum1"] }),
      conv("sum1", "b1"),
      node({ op: "Relu", inputs: ["b1"], outputs: ["clipped"] }),
      conv("clipped", "b2"),
      node({ op: "Add", inputs: ["sum1", "b2"], outputs: ["sum2"] }),
      node({ op: "Sigmoid", inputs: ["sum2"], outputs: ["out"] }),
    ],
    initializers: new Map(branches.map((name) => [`w_${name}`, weights([2, 2, 3, 3], name)])),
  });
}

/** y = B·A·x of rank 3, from 8 numbers to 12. */
export function lowRankNet(): OnnxModel {
  return buildModel({
    name: "low-rank",
    inputs: [valueInfo("x", "float32", [1, 8])],
    outputs: [valueInfo("y", "float32", [1, 12])],
    nodes: [
      node({ op: "MatMul", inputs: ["x", "a"], outputs: ["three"] }),
      node({ op: "MatMul", inputs: ["three", "b"], outputs: ["y"] }),
    ],
    initializers: new Map([
      ["a", weights([8, 3], "a")],
      ["b", weights([3, 12], "b")],
    ]),
  });
}

/**
 * y = B·log(A·x), from 4 numbers to 2. Near x = (1, 1, 1, 1), A·x is positive. If both negative entries of A stand in one column, it is
 * not, and y is not finite.
 */
export function logNet(): OnnxModel {
  return buildModel({
    name: "log",
    inputs: [valueInfo("x", "float32", [1, 4])],
    outputs: [valueInfo("y", "float32", [1, 2])],
    nodes: [
      node({ op: "MatMul", inputs: ["x", "a"], outputs: ["sums"] }),
      node({ op: "Log", inputs: ["sums"], outputs: ["logs"] }),
      node({ op: "MatMul", inputs: ["logs", "b"], outputs: ["y"] }),
    ],
    initializers: new Map([
      ["a", floatTensor([4, 3], Float32Array.of(1, 1, 1, 1, 1.25, 1.5, 1, 1, 1, -2, -2, 2))],
      ["b", weights([3, 2], "b")],
    ]),
  });
}

/** A linear layer and a ReLU before a recurrent cell, for whose weights no control can be matched. */
export function recurrentNet(): OnnxModel {
  return buildModel({
    name: "recurrent",
    inputs: [valueInfo("x", "float32", [3, 1, 4])],
    outputs: [valueInfo("y", "float32", [3, 1, 1, 2])],
    nodes: [
      node({ op: "MatMul", inputs: ["x", "a"], outputs: ["sums"] }),
      node({ op: "Relu", inputs: ["sums"], outputs: ["relu"] }),
      node({ op: "LSTM", inputs: ["relu", "w", "r"], outputs: ["y"], attributes: { hidden_size: int(2) } }),
    ],
    initializers: new Map([
      ["a", weights([4, 5], "a")],
      ["w", weights([1, 8, 5], "w")],
      ["r", weights([1, 8, 2], "r")],
    ]),
  });
}

/** A model whose weights w2 and w3 lie in another file, and that file, with padding that nothing refers to. */
export function withWeightsApart(location: string): { model: Uint8Array; data: Uint8Array } {
  const message = decodeModel(writeModel(convnet()));
  const graph = message.graph!;
  const chunks: Uint8Array[] = [];
  let offset = 0;
  const initializer = graph.initializer!.map((tensor) => {
    if (tensor.name === "w1") return tensor;
    const bytes = tensor.rawData!;
    const at = offset;
    chunks.push(bytes, new Uint8Array(64));
    offset += bytes.length + 64;
    const { name, dims, dataType } = tensor;
    const entries = { location, offset: String(at), length: String(bytes.length) };
    const externalData = Object.entries(entries).map(([key, value]) => ({ key, value }));
    return { name, dims, dataType, dataLocation: EXTERNAL, externalData };
  });
  return { model: encodeModel({ ...message, graph: { ...graph, initializer } }), data: Buffer.concat(chunks) };
}
