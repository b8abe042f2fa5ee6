import { createRng, gaussianArray, type Shape, sizeOf } from "../../src/base/index.ts";
import {
  type Attributes,
  buildModel,
  float,
  floatTensor,
  int,
  ints,
  intTensor,
  type Node,
  node,
  type OnnxModel,
  type Tensor,
  text,
  valueInfo,
} from "../../src/onnx/index.ts";

/** Random weights, small enough that tanh does not saturate behind a sum of so many terms. */
const weight = (name: string, shape: Shape, terms: number): Tensor =>
  floatTensor(
    shape,
    gaussianArray(createRng("weight", name), sizeOf(shape)).map((value) => value / Math.sqrt(terms)),
  );

const step = (op: string, inputs: readonly string[], output: string, attributes: Attributes = {}): Node =>
  node({ op, inputs, outputs: [output], attributes });

/** What follows the first convolution of a network: nodes from `c` [1, 4, 4, 4] to `o`, of so many entries. */
interface Middle {
  readonly nodes: readonly Node[];
  readonly entries: number;
  readonly weights?: Readonly<Record<string, Tensor>>;
}

const one = (op: string, attributes: Attributes = {}, weights: Readonly<Record<string, Tensor>> = {}): Middle => ({
  nodes: [step(op, ["c", ...Object.keys(weights)], "o", attributes)],
  entries: 64,
  weights,
});
const pooled = (op: string): Middle => ({
  ...one(op, { kernel_shape: ints([3, 3]), strides: ints([2, 2]), pads: ints([1, 1, 0, 0]) }),
  entries: 16,
});
const channels = (name: string) => weight(name, [4], 1);

/** The operators whose second derivatives are held against differences. */
export const operators: Readonly<Record<string, Middle>> = {
  Conv: {
    nodes: [
      step("Tanh", ["c"], "t"),
      step("Conv", ["t", "U", "b"], "o", { strides: ints([2, 2]), pads: ints([1, 1, 1, 1]) }),
    ],
    entries: 20,
    weights: { U: weight("U", [5, 4, 3, 3], 36), b: weight("b", [5], 1) },
  },
  ConvTranspose: {
    nodes: [step("Tanh", ["c"], "t"), step("ConvTranspose", ["t", "U"], "o", { strides: ints([2, 2]) })],
    entries: 2 * 9 * 9,
    weights: { U: weight("U", [4, 2, 3, 3], 36) },
  },
  LRN: one("LRN", { size: int(3), alpha: float(0.9), beta: float(0.75), bias: float(1) }),
  MaxPool: pooled("MaxPool"),
  AveragePool: pooled("AveragePool"),
  Softmax: one("Softmax", { axis: int(1) }),
  LayerNormalization: one(
    "LayerNormalization",
    { axis: int(1) },
    { scale: weight("scale", [4, 4, 4], 1), bias: weight("bias", [4, 4, 4], 1) },
  ),
  InstanceNormalization: one("InstanceNormalization", {}, { scale: channels("scale"), bias: channels("bias") }),
  BatchNormalization: one(
    "BatchNormalization",
    {},
    {
      scale: channels("scale"),
      bias: channels("bias"),
      mean: channels("mean"),
      variance: floatTensor([4], [0.5, 1, 1.5, 2]),
    },
  ),
  Gelu: one("Gelu"),
  "Gelu by tanh": one("Gelu", { approximate: text("tanh") }),
  Relu: one("Relu"),
};

/** y = tanh(V · middle(x * W)) with inputs x [1, 2, 6, 6] and y [1, 4]. */
export function networkWith({ nodes, entries, weights = {} }: Middle): OnnxModel {
  return buildModel(
    {
      inputs: [valueInfo("x", "float32", [1, 2, 6, 6])],
      outputs: [valueInfo("y", "float32", [1, 4])],
      nodes: [
        step("Conv", ["x", "W"], "c"),
        ...nodes,
        step("Reshape", ["o", "flat"], "f"),
        step("MatMul", ["f", "V"], "z"),
        step("Tanh", ["z"], "y"),
      ],
      initializers: new Map([
        ["W", weight("W", [4, 2, 3, 3], 18)],
        ["V", weight("V", [entries, 4], entries)],
        ["flat", intTensor([1, entries])],
        ...Object.entries(weights),
      ]),
    },
    20,
  );
}

/** A block of attention with one head: x [1, 5, 6], of which W makes the queries, with a sum, a normalization, and y [1, 4]. */
export const attentionBlock: OnnxModel = buildModel(
  {
    inputs: [valueInfo("x", "float32", [1, 5, 6])],
    outputs: [valueInfo("y", "float32", [1, 4])],
    nodes: [
      step("MatMul", ["x", "W"], "q"),
      step("MatMul", ["x", "K"], "k"),
      step("MatMul", ["x", "A"], "v"),
      step("Transpose", ["k"], "kt", { perm: ints([0, 2, 1]) }),
      step("MatMul", ["q", "kt"], "qk"),
      step("Mul", ["qk", "width"], "scores"),
      step("Softmax", ["scores"], "p", { axis: int(-1) }),
      step("MatMul", ["p", "v"], "mixed"),
      step("Add", ["x", "mixed"], "sum"),
      step("LayerNormalization", ["sum", "scale", "bias"], "n"),
      step("Reshape", ["n", "flat"], "f"),
      step("MatMul", ["f", "V"], "y"),
    ],
    initializers: new Map([
      ["W", weight("W", [6, 6], 6)],
      ["K", weight("K", [6, 6], 6)],
      ["A", weight("A", [6, 6], 6)],
      ["V", weight("V", [30, 4], 30)],
      ["width", floatTensor([], [1 / Math.sqrt(6)])],
      ["scale", weight("scale", [6], 1)],
      ["bias", weight("bias", [6], 1)],
      ["flat", intTensor([1, 30])],
    ]),
  },
  20,
);

/** y = tanh(xA)·B, with h = tanh(xA): x [1, 5], y [1, 3]. */
export const smoothNet: OnnxModel = buildModel({
  inputs: [valueInfo("x", "float32", [1, 5])],
  outputs: [valueInfo("y", "float32", [1, 3])],
  nodes: [step("MatMul", ["x", "A"], "z"), step("Tanh", ["z"], "h"), step("MatMul", ["h", "B"], "y")],
  initializers: new Map([
    ["A", weight("A", [5, 7], 5)],
    ["B", weight("B", [7, 3], 7)],
  ]),
});
