import type { Shape } from "../../src/base/index.ts";
import {
  type Attributes,
  filled,
  float,
  floatTensor,
  int,
  ints,
  intTensor,
  type Node,
  node,
  type Tensor,
  text,
} from "../../src/onnx/index.ts";

/** A node in an old or fused form, what feeds it, and the operators it should become. */
export interface Variant {
  readonly op: string;
  readonly note?: string;
  readonly opset: number;
  readonly domain?: string;
  /** Inputs with values from a normal distribution. */
  readonly in: Readonly<Record<string, Shape>>;
  /** Further inputs, constant; all inputs are given to the node in this order. */
  readonly constants?: Readonly<Record<string, Tensor>>;
  readonly attributes?: Attributes;
  /** Outputs; `y` unless more are wanted. */
  readonly out?: readonly string[];
  readonly becomes: readonly string[];
}

const numbers = (...values: number[]): Tensor => floatTensor([values.length], values);
const floats = (...value: number[]) => ({ kind: "floats", value }) as const;
const X = { x: [2, 3, 4] };
const image = { x: [1, 2, 4, 6] };
const microsoft = { opset: 13, domain: "com.microsoft" };

const reduction = (op: string, opset: number): Variant => ({
  op,
  opset,
  in: X,
  attributes: { axes: ints([1]), keepdims: int(0) },
  becomes: [op],
});

const pairs = { scale: numbers(1, 2), bias: numbers(3, -4), mean: numbers(0.5, 0), variance: numbers(1, 4) };

export const variants: readonly Variant[] = [
  { op: "Squeeze", opset: 11, in: { x: [1, 3, 1] }, attributes: { axes: ints([0, 2]) }, becomes: ["Squeeze"] },
  { op: "Squeeze", note: "all axes", opset: 7, in: { x: [1, 3, 1] }, becomes: ["Squeeze"] },
  { op: "Unsqueeze", opset: 9, in: X, attributes: { axes: ints([0, 2]) }, becomes: ["Unsqueeze"] },
  reduction("ReduceSum", 11),
  ...["ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare"].map((op) =>
    reduction(op, 13),
  ),
  reduction("ReduceLogSumExp", 7),
  {
    op: "Slice",
    opset: 9,
    in: X,
    attributes: { starts: ints([1, -3]), ends: ints([Number.MAX_SAFE_INTEGER, -1]), axes: ints([1, 2]) },
    becomes: ["Slice"],
  },
  {
    op: "Slice",
    note: "no axes",
    opset: 7,
    in: X,
    attributes: { starts: ints([1]), ends: ints([2]) },
    becomes: ["Slice"],
  },
  { op: "Clip", opset: 7, in: X, attributes: { min: float(-0.5), max: float(0.25) }, becomes: ["Clip"] },
  { op: "Clip", note: "from above", opset: 10, in: X, attributes: { max: float(0.25) }, becomes: ["Clip"] },
  { op: "Clip", note: "no bounds", opset: 7, in: X, becomes: ["Clip"] },
  {
    op: "Pad",
    opset: 7,
    in: { x: [2, 3] },
    attributes: { pads: ints([0, 1, 2, 0]), value: float(1.5) },
    becomes: ["Pad"],
  },
  {
    op: "Pad",
    note: "reflect",
    opset: 10,
    in: { x: [2, 3] },
    attributes: { pads: ints([0, 1, 0, 2]), mode: text("reflect") },
    becomes: ["Pad"],
  },
  { op: "Split", opset: 7, in: { x: [4, 2] }, out: ["y", "z"], becomes: ["Split"] },
  {
    op: "Split",
    note: "uneven",
    opset: 11,
    in: { x: [2, 4] },
    attributes: { axis: int(1), split: ints([1, 3]) },
    out: ["y", "z"],
    becomes: ["Split"],
  },
  { op: "Split", note: "opset 13", opset: 13, in: { x: [4, 2] }, out: ["y", "z"], becomes: ["Split"] },
  { op: "Dropout", opset: 7, in: X, attributes: { ratio: float(0.3) }, becomes: ["Identity"] },
  { op: "Dropout", note: "with mask", opset: 12, in: X, out: ["y", "mask"], becomes: ["Identity"] },
  {
    op: "Dropout",
    note: "training is false",
    opset: 12,
    in: X,
    constants: { ratio: floatTensor([], [0.5]), training: { type: "bool", shape: [], data: Uint8Array.of(0) } },
    becomes: ["Identity"],
  },
  {
    op: "Upsample",
    note: "nearest",
    opset: 7,
    in: image,
    attributes: { scales: floats(1, 1, 2, 3), mode: text("nearest") },
    becomes: ["Resize"],
  },
  {
    op: "Upsample",
    note: "linear",
    opset: 9,
    in: image,
    constants: { scales: numbers(1, 1, 2, 2) },
    attributes: { mode: text("linear") },
    becomes: ["Resize"],
  },
  { op: "Resize", note: "up", opset: 10, in: image, constants: { scales: numbers(1, 1, 2, 2) }, becomes: ["Resize"] },
  {
    op: "Resize",
    note: "down",
    opset: 10,
    in: image,
    constants: { scales: numbers(1, 1, 0.6, 0.6) },
    becomes: ["Resize"],
  },
  {
    op: "Resize",
    note: "down, linear",
    opset: 10,
    in: image,
    constants: { scales: numbers(1, 1, 0.6, 0.6) },
    attributes: { mode: text("linear") },
    becomes: ["Resize"],
  },
  ...(["Softmax", "LogSoftmax", "Hardmax"] as const).flatMap((op): Variant[] => [
    { op, note: "last axis", opset: 9, in: { x: [2, 5] }, becomes: [op] },
    { op, note: "only one long axis", opset: 11, in: { x: [2, 5, 1, 1] }, becomes: [op] },
    { op, note: "several axes as one", opset: 7, in: X, becomes: ["Flatten", op, "Reshape"] },
    { op, note: "axis from the right", opset: 11, in: X, attributes: { axis: int(-1) }, becomes: [op] },
  ]),
  { op: "BatchNormalization", opset: 7, in: { x: [2, 2, 3] }, constants: pairs, becomes: ["BatchNormalization"] },
  {
    op: "BatchNormalization",
    note: "momentum, opset 9",
    opset: 9,
    in: { x: [2, 2, 3] },
    constants: pairs,
    attributes: { momentum: float(0.5), epsilon: float(0.1) },
    becomes: ["BatchNormalization"],
  },
  { op: "TopK", opset: 9, in: X, attributes: { k: int(2), axis: int(1) }, out: ["y", "i"], becomes: ["TopK"] },
  {
    op: "Scatter",
    opset: 9,
    in: X,
    constants: { i: intTensor([1, 0], [1, 1, 2]), u: floatTensor([1, 1, 2], [5, 6]) },
    attributes: { axis: int(1) },
    becomes: ["ScatterElements"],
  },
  {
    op: "RoiAlign",
    opset: 10,
    in: { x: [1, 2, 6, 6] },
    constants: { rois: floatTensor([1, 4], [0, 1, 4, 5]), batch: intTensor([0]) },
    attributes: { output_height: int(2), output_width: int(2) },
    becomes: [...["Reshape", "MatMul", "Reshape", "Transpose"], ...["Reshape", "MatMul", "Reshape", "Transpose"]],
  },
  {
    op: "GroupNormalization",
    note: "factors for groups",
    opset: 18,
    in: { x: [2, 4, 3, 2] },
    constants: { scale: numbers(1, 2), bias: numbers(3, -4) },
    attributes: { num_groups: int(2) },
    becomes: ["Reshape", "InstanceNormalization", "Reshape"],
  },
  {
    op: "GroupNormalization",
    note: "factors for channels",
    opset: 21,
    in: { x: [2, 4, 3, 2] },
    constants: { scale: numbers(1, 2, 3, 4), bias: numbers(3, -4, 0, 1) },
    attributes: { num_groups: int(2) },
    becomes: ["Reshape", "InstanceNormalization", "Reshape", "Reshape", "Mul", "Add", "Reshape"],
  },
  { op: "LRN", opset: 7, in: { x: [1, 5, 2, 2] }, attributes: { size: int(3) }, becomes: ["LRN"] },
  { op: "Flatten", opset: 7, in: X, attributes: { axis: int(2) }, becomes: ["Flatten"] },
  { op: "Concat", opset: 7, in: { x: [2, 3], z: [2, 1] }, attributes: { axis: int(1) }, becomes: ["Concat"] },

  { ...microsoft, op: "Gelu", in: X, becomes: ["Mul", "Erf", "Mul", "Add", "Mul"] },
  { ...microsoft, op: "BiasGelu", in: { x: [2, 3], b: [3] }, becomes: ["Add", "Mul", "Erf", "Mul", "Add", "Mul"] },
  {
    ...microsoft,
    op: "FastGelu",
    in: { x: [2, 3], b: [3] },
    becomes: ["Add", "Mul", "Mul", "Mul", "Add", "Mul", "Tanh", "Mul", "Add", "Mul"],
  },
  {
    ...microsoft,
    op: "QuickGelu",
    in: X,
    attributes: { alpha: float(1.5) },
    becomes: ["Mul", "Sigmoid", "Mul"],
  },
  {
    ...microsoft,
    op: "FusedConv",
    note: "LeakyRelu",
    in: { x: [1, 2, 4, 4], w: [3, 2, 2, 2], b: [3] },
    attributes: { activation: text("LeakyRelu"), activation_params: floats(0.1), strides: ints([2, 2]) },
    becomes: ["Conv", "LeakyRelu"],
  },
  {
    ...microsoft,
    op: "FusedConv",
    note: "with a summand",
    in: { x: [1, 2, 4, 4], w: [3, 2, 2, 2], b: [3], z: [1, 3, 3, 3] },
    attributes: { activation: text("Relu") },
    becomes: ["Conv", "Add", "Relu"],
  },
  {
    ...microsoft,
    op: "FusedConv",
    note: "Clip",
    in: { x: [1, 2, 4, 4], w: [3, 2, 2, 2] },
    attributes: { activation: text("Clip"), activation_params: floats(-0.5, 0.5) },
    becomes: ["Conv", "Clip"],
  },
  {
    ...microsoft,
    op: "FusedGemm",
    in: { x: [2, 3], w: [4, 3], b: [4] },
    attributes: { transB: int(1), activation: text("Sigmoid") },
    becomes: ["Gemm", "Sigmoid"],
  },
  {
    ...microsoft,
    op: "FusedMatMul",
    in: { x: [2, 4, 3], w: [2, 5, 4] },
    attributes: { transA: int(1), transB: int(1), alpha: float(0.5) },
    becomes: ["Transpose", "Transpose", "MatMul", "Mul"],
  },
  {
    ...microsoft,
    op: "SkipLayerNormalization",
    in: { x: [1, 2, 4], skip: [1, 2, 4] },
    constants: { gamma: numbers(1, 2, 3, 4), beta: numbers(0, 1, 0, -1), bias: numbers(1, 1, 2, 2) },
    attributes: { epsilon: float(1e-5) },
    becomes: ["Add", "Add", "LayerNormalization"],
  },
  {
    ...microsoft,
    op: "SkipLayerNormalization",
    note: "with its sum",
    in: { x: [1, 2, 4], skip: [1, 2, 4] },
    constants: { gamma: numbers(1, 2, 3, 4), beta: numbers(0, 1, 0, -1) },
    out: ["y", "", "", "sum"],
    becomes: ["Add", "LayerNormalization"],
  },
  {
    ...microsoft,
    op: "SkipSimplifiedLayerNormalization",
    in: { x: [1, 2, 4], skip: [1, 2, 4] },
    constants: { gamma: numbers(1, 2, 3, 4) },
    attributes: { epsilon: float(1e-5) },
    becomes: ["Add", "Mul", "ReduceMean", "Add", "Sqrt", "Div", "Mul"],
  },
  {
    op: "SimplifiedLayerNormalization",
    opset: 13,
    in: X,
    constants: { scale: numbers(1, 2, 3, 4) },
    attributes: { axis: int(2), epsilon: float(1e-5), stash_type: int(1) },
    becomes: ["Mul", "ReduceMean", "Add", "Sqrt", "Div", "Mul"],
  },
  {
    op: "LayerNormalization",
    note: "before it was standard",
    opset: 13,
    in: X,
    constants: { scale: numbers(1, 2, 3, 4), bias: filled([4], 0.5) },
    becomes: ["LayerNormalization"],
  },
  {
    op: "RMSNormalization",
    opset: 23,
    in: X,
    constants: { scale: filled([3, 4], 2) },
    attributes: { axis: int(-2) },
    becomes: ["Mul", "ReduceMean", "Add", "Sqrt", "Div", "Mul"],
  },
];

/** The node of a variant. */
export const variantNode = (row: Variant): Node =>
  node({
    op: row.op,
    name: "old",
    domain: row.domain,
    inputs: [...Object.keys(row.in), ...Object.keys(row.constants ?? {})],
    outputs: row.out ?? ["y"],
    attributes: row.attributes,
  });
