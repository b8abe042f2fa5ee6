import { type Attributes, buildModel, int, ints, intTensor, node, valueInfo } from "../onnx/index.ts";

const step = (op: string, inputs: string[], output: string, attributes: Attributes = {}) =>
  node({ op, inputs, outputs: [output], attributes });

/** Columns `from` to `to` of a block, multiplied by a factor, with zeros behind them, in pieces. */
const pieces = (name: string, output: string) => [
  step("Slice", [name, "from", "to", "columns"], `${name}_range`),
  step("Mul", [`${name}_range`, `${name}_factor`], `${name}_scaled`),
  step("Pad", [`${name}_scaled`, "pads"], `${name}_whole`),
  step("Reshape", [`${name}_whole`, "shape"], output),
];
const a = valueInfo("a", "float32", ["r", "n"]);
const factor = (name: string) => valueInfo(`${name}_factor`, "float32", [1]);
const range = [valueInfo("from", "int64", [1]), valueInfo("to", "int64", [1])];
const layout = [valueInfo("pads", "int64", [4]), valueInfo("shape", "int64", [3])];
const columns = new Map([["columns", intTensor([1])]]);
const last = new Map([["last", intTensor([-1])]]);

/** y = A·Bᵀ, one for each piece of the columns */
export const gramModel = buildModel({
  name: "A·Bᵀ in pieces",
  inputs: [a, factor("a"), valueInfo("b", "float32", ["s", "n"]), factor("b"), ...range, ...layout],
  outputs: [valueInfo("y", "float32", ["pieces", "r", "s"])],
  initializers: columns,
  nodes: [
    ...pieces("a", "a_pieces"),
    ...pieces("b", "b_pieces"),
    step("Transpose", ["a_pieces"], "left", { perm: ints([1, 0, 2]) }),
    step("Transpose", ["b_pieces"], "right", { perm: ints([1, 2, 0]) }),
    step("MatMul", ["left", "right"], "y"),
  ],
});

/** Sums of the pieces of rows. */
const sums = (name: string) => [
  step("Pad", [name, "pads"], "whole"),
  step("Reshape", ["whole", "shape"], "in_pieces"),
  step("ReduceSum", ["in_pieces", "last"], "y", { keepdims: int(0) }),
];

/** y = Σ A·B along each piece of each row */
export const dotsModel = buildModel({
  name: "Σ A·B in pieces",
  inputs: [a, factor("a"), valueInfo("b", "float32", ["r", "n"]), factor("b"), ...layout],
  outputs: [valueInfo("y", "float32", ["r", "pieces"])],
  initializers: last,
  nodes: [
    step("Mul", ["a", "a_factor"], "a_scaled"),
    step("Mul", ["b", "b_factor"], "b_scaled"),
    step("Mul", ["a_scaled", "b_scaled"], "products"),
    ...sums("products"),
  ],
});

/** y = Σ (factor · (A − diag(s + rest)·B))² along each piece of each row */
export const differenceModel = buildModel({
  name: "Σ (A − SB)² in pieces",
  inputs: [
    a,
    factor("a"),
    valueInfo("s", "float32", ["r", 1]),
    valueInfo("rest", "float32", ["r", 1]),
    valueInfo("b", "float32", ["r", "n"]),
    ...layout,
  ],
  outputs: [valueInfo("y", "float32", ["r", "pieces"])],
  initializers: last,
  nodes: [
    step("Mul", ["s", "b"], "scaled"),
    step("Sub", ["a", "scaled"], "first"),
    step("Mul", ["rest", "b"], "correction"),
    step("Sub", ["first", "correction"], "difference"),
    step("Mul", ["difference", "a_factor"], "difference_scaled"),
    step("Mul", ["difference_scaled", "difference_scaled"], "squares"),
    ...sums("squares"),
  ],
});

/** y = the largest absolute value */
export const magnitudeModel = buildModel({
  name: "max |A|",
  inputs: [a],
  outputs: [valueInfo("y", "float32", [1, 1])],
  initializers: new Map(),
  nodes: [step("Abs", ["a"], "absolute"), step("ReduceMax", ["absolute"], "y")],
});
