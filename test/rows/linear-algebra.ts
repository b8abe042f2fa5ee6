import type { OpRow, Row } from "./row.ts";

const product = (a: number[], b: number[], weights: string[] = []): OpRow => ({
  op: "MatMul",
  in: { A: a, B: b },
  by: ["A", "B"],
  weights,
});

const transposes = [0, 1].flatMap((transA) => [0, 1].map((transB) => ({ transA, transB })));
const gemm = (row: Partial<OpRow>, { transA, transB }: { transA: number; transB: number }, rows = 2): OpRow => ({
  op: "Gemm",
  in: { A: transA ? [4, rows] : [rows, 4], B: transB ? [3, 4] : [4, 3], C: [3] },
  attrs: { transA, transB },
  weights: ["B", "C"],
  ...row,
});

export const linearAlgebraRows: readonly Row[] = [
  { op: "MatMul", in: { A: [1, 4], B: [4, 3] }, weights: ["B"] },
  { op: "MatMul", in: { A: [2, 4], B: [4, 3] }, weights: ["B"] },
  { op: "MatMul", in: { A: [1, 5, 4], B: [4, 3] }, weights: ["B"] },
  { op: "MatMul", in: { A: [1, 4], B: [4, 3] }, by: ["B"], weights: ["B"] },
  { op: "MatMul", in: { A: [5, 4], B: [2, 4, 3] }, by: ["A"], weights: ["B"] },
  { op: "MatMul", in: { A: [5, 4], B: [2, 4, 3] }, by: ["B"], weights: ["A"] },
  product([2, 4], [4, 3]),
  product([4], [4]),
  product([4], [4, 3]),
  product([2, 4], [4]),
  product([4], [2, 4, 3]),
  product([2, 5, 4], [4]),
  product([2, 5, 4], [2, 4, 3]),
  product([2, 5, 4], [4, 3], ["B"]),
  product([5, 4], [2, 4, 3]),
  product([2, 1, 2, 4], [3, 4, 2]),
  product([1, 2, 4], [3, 4, 2]),
  product([3, 2, 4], [1, 4, 2]),
  product([1, 2, 2, 4], [1, 2, 4, 2]),
  product([1, 4], [4, 1]),
  ...transposes.map((how) => gemm({}, how)),
  ...transposes.map((how) => gemm({}, how, 1)),
  ...transposes.map((how) => gemm({ by: ["A", "B", "C"] }, how)),
  ...transposes.map((how) =>
    gemm({ by: ["B"], attrs: { ...how, alpha: 0.5, beta: 1.5 }, note: "by the weight" }, how, 1),
  ),
  { op: "Gemm", in: { A: [2, 4], B: [4, 3], C: [2, 1] }, by: ["A", "C"], attrs: { alpha: -2, beta: 0.5 } },
  { op: "Gemm", in: { A: [2, 4], B: [4, 3], C: [] }, by: ["C"], attrs: { beta: 0.5 } },
  { op: "Gemm", in: { A: [2, 4], B: [4, 3], C: [1, 3] }, by: ["C", "B"], attrs: { beta: 0 } },
  { op: "Gemm", in: { A: [2, 4], B: [4, 3] }, by: ["A", "B"], note: "without C" },
];
