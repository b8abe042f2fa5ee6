import { float, int, ints } from "../build.ts";
import type { Node } from "../model.ts";
import { without } from "../rewrite.ts";
import { type FloatWriter, read } from "./float-writer.ts";
import { type Codes, codesAt, integerProducts } from "./integer-products.ts";
import { dynamicParameters, type FloatRewriting, linearQuantization, quantize } from "./linear.ts";

const MICROSOFT = "com.microsoft";

/** The numbers that codes stand for. */
function valuesOf(w: FloatWriter, { codes, scale, zero }: Codes): string {
  return w.add("Mul", [w.centred(codes, zero, -1), w.broadcastAlong(scale, codes, -1)]);
}

/** Rounds numbers to codes with a scale and a zero point, as the first output of a node. */
function toCodes(w: FloatWriter, node: Node, x: string, scale: string, zero: string, like: string): void {
  const type = w.typeOf(zero) ?? w.typeOf(like) ?? "uint8";
  const [output = ""] = node.outputs;
  const offset = zero === "" ? "" : w.broadcastAlong(zero, x, -1);
  quantize(w, x, w.broadcastAlong(scale, x, -1), offset, type, output);
}

/** An operator of one tensor: its numbers, through operators of floats, and back to codes. */
const throughFloats =
  (compute: (w: FloatWriter, x: string, node: Node) => string, first = 0): FloatRewriting =>
  (w, node) => {
    const x = codesAt(node, first);
    const [scale = "", zero = ""] = node.inputs.slice(first + 3);
    toCodes(w, node, compute(w, valuesOf(w, x), node), scale, zero, x.codes);
  };

/** An operator of two tensors. */
const ofBoth =
  (op: string): FloatRewriting =>
  (w, node) => {
    const [a, b] = [codesAt(node, 0), codesAt(node, 3)];
    const [scale = "", zero = ""] = node.inputs.slice(6);
    toCodes(w, node, w.add(op, [valuesOf(w, a), valuesOf(w, b)]), scale, zero, a.codes);
  };

/** Images whose channels are last, through an operator of those whose channels are second. */
function channelsFirst(w: FloatWriter, x: string, node: Node, compute: (x: string) => string): string {
  if (read(node).int("channels_last", 0) === 0) return compute(x);
  const rank = (read(node).ints("kernel_shape")?.length ?? 2) + 2;
  const spatial = Array.from({ length: rank - 2 }, (_, axis) => axis);
  const first = w.add("Transpose", [x], { perm: ints([0, rank - 1, ...spatial.map((axis) => axis + 1)]) });
  return w.add("Transpose", [compute(first)], { perm: ints([0, ...spatial.map((axis) => axis + 2), 1]) });
}

const averagePool = throughFloats((w, x, node) =>
  channelsFirst(w, x, node, (image) => w.add("AveragePool", [image], without(node.attributes, "channels_last"))),
);

const globalAveragePool = throughFloats((w, x, node) =>
  channelsFirst(w, x, node, (image) => w.add("GlobalAveragePool", [image])),
);

const nhwcMaxPool: FloatRewriting = (w, node) => {
  const [x = ""] = node.inputs;
  const type = w.typeOf(x) ?? "uint8";
  const rank = (read(node).ints("kernel_shape")?.length ?? 2) + 2;
  const spatial = Array.from({ length: rank - 2 }, (_, axis) => axis);
  const first = w.add("Transpose", [w.float(x)], { perm: ints([0, rank - 1, ...spatial.map((axis) => axis + 1)]) });
  const pooled = w.add("MaxPool", [first], node.attributes);
  const [output = ""] = node.outputs;
  w.add("Transpose", [pooled], { perm: ints([0, ...spatial.map((axis) => axis + 2), 1]) }, output);
  w.hold(output, type);
};

const concat: FloatRewriting = (w, node) => {
  const [scale = "", zero = ""] = node.inputs;
  const count = (node.inputs.length - 2) / 3;
  const parts = Array.from({ length: count }, (_, i) => valuesOf(w, codesAt(node, 2 + 3 * i)));
  const whole = w.add("Concat", parts, { axis: int(read(node).int("axis", 0)) });
  toCodes(w, node, whole, scale, zero, node.inputs[2] ?? "");
};

const where: FloatRewriting = (w, node) => {
  const [condition = ""] = node.inputs;
  const [a, b] = [codesAt(node, 1), codesAt(node, 4)];
  const [scale = "", zero = ""] = node.inputs.slice(7);
  toCodes(w, node, w.add("Where", [condition, valuesOf(w, a), valuesOf(w, b)]), scale, zero, a.codes);
};

/** The product of codes, times their scales, plus a bias. The scale and zero point of B may lie along its columns. */
function scaledProduct(w: FloatWriter, a: Codes, b: Codes, bias: string, output: string): void {
  const left = w.centred(a.codes, a.zero, -1);
  const right = w.centred(b.codes, b.zero, -1);
  const factor = w.add("Mul", [w.broadcastAlong(a.scale, a.codes, -1), w.broadcastAlong(b.scale, b.codes, -1)]);
  const product = w.add("MatMul", [left, right]);
  if (bias === "") w.add("Mul", [product, factor], {}, output);
  else w.add("Add", [w.add("Mul", [product, factor]), bias], {}, output);
}

const matMulIntegerToFloat: FloatRewriting = (w, node) => {
  const [a = "", b = "", aScale = "", bScale = "", aZero = "", bZero = "", bias = ""] = node.inputs;
  const left = { codes: a, scale: aScale, zero: aZero };
  scaledProduct(w, left, { codes: b, scale: bScale, zero: bZero }, bias, node.outputs[0]!);
};

const dynamicQuantizeMatMul: FloatRewriting = (w, node) => {
  const [a = "", b = "", bScale = "", bZero = "", bias = ""] = node.inputs;
  const { scale, zero } = dynamicParameters(w, a);
  const codes = w.name("codes");
  quantize(w, a, scale, w.float(zero), "uint8", codes);
  scaledProduct(w, { codes, scale, zero }, { codes: b, scale: bScale, zero: bZero }, bias, node.outputs[0]!);
};

/** alpha · op(A) · op(B) + C, where C is in units of the product of the scales of A and B. */
const qGemm: FloatRewriting = (w, node) => {
  const [a, b] = [codesAt(node, 0), codesAt(node, 3)];
  const [bias = "", yScale = "", yZero = ""] = node.inputs.slice(6);
  const attributes = read(node);
  const along = attributes.int("transB", 0) === 0 ? 1 : 0;
  const operands = [w.centred(a.codes, a.zero, -1), w.centred(b.codes, b.zero, along)];
  const gemm = { transA: int(attributes.int("transA", 0)), transB: int(attributes.int("transB", 0)) };
  const sums = w.add("Gemm", bias === "" ? operands : [...operands, w.float(bias)], gemm);
  const alpha = attributes.float("alpha", 1);
  const factors = alpha === 1 ? [a.scale, b.scale] : [a.scale, b.scale, w.number("alpha", alpha)];
  const [output = ""] = node.outputs;
  if (yScale === "") {
    w.add("Mul", [sums, w.broadcastAlong(w.ratio(factors, ""), sums, -1)], {}, output);
    return;
  }
  const scaled = w.add("Mul", [sums, w.broadcastAlong(w.ratio(factors, yScale), sums, -1)]);
  toCodes(w, node, scaled, w.number("one", 1), yZero, a.codes);
};

/** The attention of floats with what input and weight stand for. */
const qAttention: FloatRewriting = (w, node) => {
  const [
    x = "",
    weight = "",
    bias = "",
    xScale = "",
    weightScale = "",
    mask = "",
    xZero = "",
    weightZero = "",
    past = "",
  ] = node.inputs;
  const input = valuesOf(w, { codes: x, scale: xScale, zero: xZero });
  const matrix = valuesOf(w, { codes: weight, scale: weightScale, zero: weightZero });
  w.push({ ...node, op: "Attention", inputs: [input, matrix, bias, mask, past] });
};

/** The normalized sum of embeddings, whose tables and parameters are codes. */
const qEmbedLayerNormalization: FloatRewriting = (w, node) => {
  const { inputs } = node;
  const tables = Array.from({ length: 5 }, (_, i) => {
    const codes = inputs[2 + i] ?? "";
    return codes === "" ? "" : valuesOf(w, { codes, scale: inputs[8 + i] ?? "", zero: inputs[13 + i] ?? "" });
  });
  w.push({ ...node, op: "EmbedLayerNormalization", inputs: [...inputs.slice(0, 2), ...tables, inputs[7] ?? ""] });
};

/** Products of whole numbers, entry by entry. */
const mulInteger: FloatRewriting = (
  w,
  { inputs: [a = "", aZero = "", b = "", bZero = ""], outputs: [output = ""] },
) => {
  w.add("Mul", [w.centred(a, aZero, -1), w.centred(b, bZero, -1)], {}, output);
  w.hold(output, "int32");
};

const reduceSumInteger: FloatRewriting = (w, node) => {
  const [x = ""] = node.inputs;
  const [output = ""] = node.outputs;
  const sum = w.reduce("ReduceSum", w.float(x), read(node).ints("axes"), read(node).int("keepdims", 1));
  w.add("Identity", [sum], {}, output);
  w.hold(output, w.typeOf(x) === "uint8" ? "uint32" : "int32");
};

/** The operators of quantized numbers of ONNX Runtime. */
export const microsoftQuantization: Readonly<Record<string, FloatRewriting>> = Object.fromEntries(
  Object.entries({
    DequantizeLinear: linearQuantization.DequantizeLinear!,
    DynamicQuantizeMatMul: dynamicQuantizeMatMul,
    MatMulInteger16: integerProducts.MatMulInteger!,
    MatMulIntegerToFloat: matMulIntegerToFloat,
    MulInteger: mulInteger,
    NhwcMaxPool: nhwcMaxPool,
    QAttention: qAttention,
    QEmbedLayerNormalization: qEmbedLayerNormalization,
    QGemm: qGemm,
    QLinearAdd: ofBoth("Add"),
    QLinearAveragePool: averagePool,
    QLinearConcat: concat,
    QLinearConv: integerProducts.QLinearConv!,
    QLinearGlobalAveragePool: globalAveragePool,
    QLinearLeakyRelu: throughFloats((w, x, node) =>
      w.add("LeakyRelu", [x], { alpha: float(read(node).float("alpha", 0.01)) }),
    ),
    QLinearMul: ofBoth("Mul"),
    QLinearReduceMean: throughFloats((w, x, node) =>
      w.reduce("ReduceMean", x, read(node).ints("axes"), read(node).int("keepdims", 1)),
    ),
    QLinearSigmoid: throughFloats((w, x) => w.add("Sigmoid", [x])),
    QLinearSoftmax: throughFloats((w, x, node) => w.add("Softmax", [x], { axis: int(read(node).int("axis", -1)) })),
    QLinearWhere: where,
    QuantizeLinear: linearQuantization.QuantizeLinear!,
    ReduceSumInteger: reduceSumInteger,
  }).map(([op, rewriting]) => [`${MICROSOFT}:${op}`, rewriting]),
);
