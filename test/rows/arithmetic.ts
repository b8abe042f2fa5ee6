import { floatTensor, intTensor } from "../../src/onnx/index.ts";
import type { OpRow, Row, Sampler } from "./row.ts";

const broadcastings: readonly Pick<OpRow, "in" | "by" | "weights">[] = [
  { in: { A: [2, 3, 4], B: [2, 3, 4] }, by: ["A", "B"] },
  { in: { A: [2, 3, 4], B: [3, 1] }, by: ["A", "B"], weights: ["B"] },
  { in: { A: [4], B: [2, 3, 4] }, by: ["A", "B"] },
  { in: { A: [2, 1, 4], B: [3, 1] }, by: ["A", "B"] },
  { in: { A: [1, 3, 2, 2], B: [3, 1, 1] }, by: ["A"], weights: ["B"] },
  { in: { A: [1, 3], B: [2, 3] }, by: ["A"] },
  { in: { A: [], B: [1, 3] }, by: ["A", "B"] },
  { in: { A: [2, 3], B: [] }, by: ["B"] },
];
const broadcast = (op: string, from: Sampler): OpRow[] => broadcastings.map((row) => ({ op, from, ...row }));

const variadic = (op: string, from: Sampler): OpRow[] => [
  { op, in: { A: [2, 3] }, from, note: "a single input" },
  { op, in: { A: [2, 3], B: [3], C: [2, 1] }, by: ["A", "B", "C"], from },
  { op, in: { A: [1, 3], B: [4, 3], C: [1, 1] }, by: ["A", "C"], from, weights: ["C"] },
];

const unary = (op: string, from: Sampler): OpRow => ({ op, in: { X: [2, 3, 4] }, from });
const still = (op: string): OpRow => ({ op, in: { X: [2, 3] }, from: "away-from-kinks" });
const compared = (op: string): OpRow => ({ op, in: { A: [2, 3], B: [3] }, from: "distinct", by: ["A", "B"] });

export const arithmeticRows: readonly Row[] = [
  ...broadcast("Add", "gaussian"),
  ...broadcast("Sub", "gaussian"),
  ...broadcast("Mul", "gaussian"),
  ...broadcast("Div", "positive"),
  ...broadcast("Pow", "positive"),
  { op: "Pow", in: { A: [2, 3], B: floatTensor([], [2]) }, note: "square of either sign" },
  { op: "Pow", in: { A: [2, 3], B: intTensor([3, 2, -1]) }, from: "away-from-kinks", note: "integer exponents" },
  { op: "Pow", in: { A: [2, 3], B: floatTensor([3], [3, -1, 1]) }, from: "away-from-kinks" },
  { op: "Pow", in: { A: [2, 3], B: floatTensor([3], [0, 2, 0]) }, note: "exponents of zero" },
  {
    op: "Pow",
    in: { A: floatTensor([2], [0, 1.5]), B: { shape: [2], from: "above-one" } },
    by: ["B"],
    note: "powers of zero",
  },
  ...broadcastings.map((row): OpRow => ({ op: "Mod", from: "distinct", attrs: { fmod: 1 }, ...row })),
  { op: "Mod", in: { A: [2, 3], B: floatTensor([], [-0.7]) }, attrs: { fmod: 1 }, from: "away-from-kinks" },
  { op: "BitCast", in: { X: [2, 3] }, attrs: { to: 1 }, opset: 26 },
  ...variadic("Sum", "gaussian"),
  ...variadic("Mean", "gaussian"),
  ...variadic("Max", "distinct"),
  ...variadic("Min", "distinct"),
  { op: "Max", in: { A: [2, 3], B: floatTensor([], [0]) }, from: "away-from-kinks", note: "with a constant" },
  unary("Neg", "gaussian"),
  unary("Identity", "gaussian"),
  unary("Abs", "away-from-kinks"),
  unary("Reciprocal", "away-from-kinks"),
  unary("Sqrt", "positive"),
  unary("Exp", "gaussian"),
  unary("Log", "positive"),
  unary("Erf", "gaussian"),
  unary("Sin", "gaussian"),
  unary("Cos", "gaussian"),
  unary("Tan", "unit"),
  unary("Asin", "unit"),
  unary("Acos", "unit"),
  unary("Atan", "gaussian"),
  unary("Sinh", "gaussian"),
  unary("Cosh", "gaussian"),
  unary("Asinh", "gaussian"),
  unary("Acosh", "above-one"),
  unary("Atanh", "unit"),
  { op: "Cast", in: { X: [2, 3] }, attrs: { to: 1 }, note: "float to float" },
  { op: "Cast", in: { X: [2, 3] }, from: "away-from-kinks", attrs: { to: 7 }, note: "to integers" },
  { op: "Cast", in: { X: [2, 3] }, from: "away-from-kinks", attrs: { to: 9 }, note: "to truth values" },
  { op: "CastLike", in: { X: [2, 3], like: [1] } },
  { op: "Clip", in: { X: [2, 3, 4], low: floatTensor([], [-1]), high: floatTensor([], [1]) }, from: "away-from-kinks" },
  { op: "Clip", in: { X: [2, 3, 4], low: floatTensor([], [0]) }, from: "away-from-kinks", note: "only min" },
  {
    op: "Clip",
    in: { X: [1, 3, 4], low: null, high: floatTensor([], [1]) },
    from: "away-from-kinks",
    note: "only max",
  },
  { op: "Clip", in: { X: [2, 3] }, note: "no limits" },
  { op: "Clip", in: { X: [2, 3], low: [] }, by: ["X", "low"], from: "distinct", note: "only min, which varies" },
  {
    op: "Clip",
    in: { X: [2, 3], low: null, high: [] },
    by: ["X", "high"],
    from: "distinct",
    note: "only max, which varies",
  },
  {
    op: "Clip",
    in: { X: [2, 3, 4], low: { shape: [], from: "unit" }, high: { shape: [], from: "above-one" } },
    by: ["X", "low", "high"],
    from: "distinct",
    note: "limits that vary",
  },
  {
    op: "Clip",
    in: { X: [2, 3], low: { shape: [], from: "above-one" }, high: { shape: [], from: "unit" } },
    by: ["X", "low", "high"],
    from: "distinct",
    note: "min above max",
  },
  {
    op: "Where",
    in: { C: { type: "bool", shape: [2, 3], data: Uint8Array.of(1, 0, 0, 1, 1, 0) }, A: [2, 3], B: [2, 3] },
    by: ["A", "B"],
  },
  {
    op: "Where",
    in: { C: { type: "bool", shape: [3, 1], data: Uint8Array.of(1, 0, 1) }, A: [1, 4], B: [2, 1, 1] },
    by: ["A", "B"],
    note: "everything broadcast",
  },
  {
    nodes: [
      { op: "Greater", in: ["X", "zero"], out: ["C"] },
      { op: "Where", in: ["C", "X", "B"], out: ["Y"] },
    ],
    in: { X: [1, 3, 4], zero: floatTensor([], [0]), B: [4] },
    by: ["X", "B"],
    from: "away-from-kinks",
    targets: ["Y"],
    note: "a condition that depends on the input",
  },
  {
    nodes: [
      { op: "Mul", in: ["X", "X"], out: ["S"] },
      { op: "Add", in: ["S", "X"], out: ["Y"] },
    ],
    in: { X: [2, 3] },
    targets: ["Y", "S", "X"],
    note: "one tensor used many times; several targets, the source among them",
  },
  ...["Sign", "Floor", "Ceil", "Round", "IsNaN", "IsInf"].map(still),
  ...["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"].map(compared),
];
