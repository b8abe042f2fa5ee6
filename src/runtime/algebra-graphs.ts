import { type Attributes, buildModel, castTo, int, intTensor, node, valueInfo } from "../onnx/index.ts";

const step = (op: string, inputs: string[], output: string, attributes: Attributes = {}) =>
  node({ op, inputs, outputs: [output], attributes });

/** A range of columns in float64. */
const castColumns = (name: string) => [
  step("Slice", [name, "from", "to", "axis"], `${name}_part`),
  step("Cast", [`${name}_part`], `${name}_exact`, castTo("float64")),
];
const rangeInputs = [valueInfo("from", "int64", [1]), valueInfo("to", "int64", [1])];
const rangeAxis = new Map([["axis", intTensor([1])]]);

const a = valueInfo("a", "float32", ["r", "n"]);
const b = valueInfo("b", "float32", ["s", "n"]);
const q = valueInfo("q", "float32", ["p", "n"]);
const x = valueInfo("x", "float32", ["r", "n"]);
const positions = valueInfo("positions", "int32", ["l"]);
const w = valueInfo("w", "float32", ["r", "n"]);
const c = valueInfo("c", "float32", ["r", "p"]);

/** y = A·Bᵀ */
export const gramModel = buildModel({
  name: "A·Bᵀ",
  inputs: [a, b],
  outputs: [valueInfo("y", "float32", ["r", "s"])],
  initializers: new Map(),
  nodes: [step("Gemm", ["a", "b"], "y", { transB: int(1) })],
});

/** y = A·Bᵀ over some columns, in float64 */
export const exactGramModel = buildModel({
  name: "A·Bᵀ over some columns, in float64",
  inputs: [a, b, ...rangeInputs],
  outputs: [valueInfo("y", "float64", ["r", "s"])],
  initializers: rangeAxis,
  nodes: [...castColumns("a"), ...castColumns("b"), step("Gemm", ["a_exact", "b_exact"], "y", { transB: int(1) })],
});

/** y = A[first:]·Aᵀ over some columns, in float64 */
export const exactSelfGramModel = buildModel({
  name: "A[first:]·Aᵀ over some columns, in float64",
  inputs: [a, valueInfo("first", "int64", [1]), valueInfo("last", "int64", [1]), ...rangeInputs],
  outputs: [valueInfo("y", "float64", ["p", "r"])],
  initializers: new Map([...rangeAxis, ["rows", intTensor([0])]]),
  nodes: [
    ...castColumns("a"),
    step("Slice", ["a_exact", "first", "last", "rows"], "panel"),
    step("Gemm", ["panel", "a_exact"], "y", { transB: int(1) }),
  ],
});

/** y = C·Q */
export const combineModel = buildModel({
  name: "C·Q",
  inputs: [c, q],
  outputs: [valueInfo("y", "float32", ["r", "n"])],
  initializers: new Map(),
  nodes: [step("MatMul", ["c", "q"], "y")],
});

/** y = C·Q over some columns, summed in float64 */
export const exactCombineModel = buildModel({
  name: "C·Q over some columns, summed in float64",
  inputs: [valueInfo("c", "float64", ["r", "p"]), q, ...rangeInputs],
  outputs: [valueInfo("y", "float32", ["r", "l"])],
  initializers: rangeAxis,
  nodes: [
    ...castColumns("q"),
    step("MatMul", ["c", "q_exact"], "y_exact"),
    step("Cast", ["y_exact"], "y", castTo("float32")),
  ],
});

/** y = W − C·Q */
export const subtractModel = buildModel({
  name: "W − C·Q",
  inputs: [w, c, q],
  outputs: [valueInfo("y", "float32", ["r", "n"])],
  initializers: new Map(),
  nodes: [step("MatMul", ["c", "q"], "projection"), step("Sub", ["w", "projection"], "y")],
});

/** y = wa·A + wb·B + wc·C */
export const mixModel = buildModel({
  name: "wa·A + wb·B + wc·C",
  inputs: [
    a,
    valueInfo("b", "float32", ["r", "n"]),
    valueInfo("c", "float32", ["r", "n"]),
    valueInfo("wa", "float32", []),
    valueInfo("wb", "float32", []),
    valueInfo("wc", "float32", []),
  ],
  outputs: [valueInfo("y", "float32", ["r", "n"])],
  initializers: new Map(),
  nodes: [
    step("Mul", ["wa", "a"], "a_scaled"),
    step("Mul", ["wb", "b"], "b_scaled"),
    step("Mul", ["wc", "c"], "c_scaled"),
    step("Add", ["a_scaled", "b_scaled"], "two"),
    step("Add", ["two", "c_scaled"], "y"),
  ],
});

/** y = A·B in float64 */
export const multiplyModel = buildModel({
  name: "A·B in float64",
  inputs: [valueInfo("a", "float64", ["r", "p"]), valueInfo("b", "float64", ["p", "s"])],
  outputs: [valueInfo("y", "float64", ["r", "s"])],
  initializers: new Map(),
  nodes: [step("MatMul", ["a", "b"], "y")],
});

/** y = Σ (A − diag(s)·B)² along rows, in float64 */
export const differenceModel = buildModel({
  name: "Σ (A − diag(s)·B)² along rows, in float64",
  inputs: [a, valueInfo("s", "float64", ["r", 1]), valueInfo("b", "float32", ["r", "n"])],
  outputs: [valueInfo("y", "float64", ["r"])],
  initializers: new Map([["last", intTensor([-1])]]),
  nodes: [
    step("Cast", ["a"], "a_exact", castTo("float64")),
    step("Cast", ["b"], "b_exact", castTo("float64")),
    step("Mul", ["s", "b_exact"], "scaled"),
    step("Sub", ["a_exact", "scaled"], "difference"),
    step("ReduceSumSquare", ["difference", "last"], "y", { keepdims: int(0) }),
  ],
});

/** y = Σ A·B along rows, in float64 */
export const dotsModel = buildModel({
  name: "Σ A·B along rows, in float64",
  inputs: [a, valueInfo("b", "float32", ["r", "n"])],
  outputs: [valueInfo("y", "float64", ["r"])],
  initializers: new Map([["last", intTensor([-1])]]),
  nodes: [
    step("Cast", ["a"], "a_exact", castTo("float64")),
    step("Cast", ["b"], "b_exact", castTo("float64")),
    step("Mul", ["a_exact", "b_exact"], "products"),
    step("ReduceSum", ["products", "last"], "y", { keepdims: int(0) }),
  ],
});

/** y = X */
export const copyModel = buildModel({
  name: "X",
  inputs: [x],
  outputs: [valueInfo("y", "float32", ["r", "n"])],
  initializers: new Map(),
  nodes: [step("Identity", ["x"], "y")],
});

/** y = the columns of X at some positions */
export const selectModel = buildModel({
  name: "the columns of X at some positions",
  inputs: [x, positions],
  outputs: [valueInfo("y", "float32", ["r", "l"])],
  initializers: new Map(),
  nodes: [step("Gather", ["x", "positions"], "y", { axis: int(1) })],
});

/** y = the columns of X and one column of zeros, which has position n, at some positions */
export const scatterModel = buildModel({
  name: "the columns of X and one column of zeros, which has position n, at some positions",
  inputs: [x, positions],
  outputs: [valueInfo("y", "float32", ["r", "l"])],
  initializers: new Map([["pads", intTensor([0, 0, 0, 1])]]),
  nodes: [step("Pad", ["x", "pads"], "padded"), step("Gather", ["padded", "positions"], "y", { axis: int(1) })],
});
