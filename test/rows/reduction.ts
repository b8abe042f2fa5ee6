import { floatTensor, intTensor } from "../../src/onnx/index.ts";
import type { OpRow, Row, Sampler } from "./row.ts";

const reduced = (op: string, from: Sampler): OpRow[] => [
  { op, in: { X: [2, 3, 4] }, from, note: "over everything" },
  { op, in: { X: [2, 3, 4], axes: intTensor([1]) }, from },
  { op, in: { X: [2, 3, 4], axes: intTensor([-1, 0]) }, from, attrs: { keepdims: 0 } },
  { op, in: { X: [1, 3, 2, 2], axes: intTensor([2, 3]) }, from, attrs: { keepdims: 0 } },
  { op, in: { X: [1, 3, 4], axes: intTensor([0]) }, from, attrs: { keepdims: 0 }, note: "an axis of one" },
  { op, in: { X: [3, 4], axes: intTensor([0]) }, from },
  { op, in: { X: [2, 3], axes: intTensor([0, 1]) }, from, attrs: { keepdims: 0 } },
  { op, in: { X: [1, 6] }, from, attrs: { keepdims: 0 } },
  { op, in: { X: [2, 3] }, from, attrs: { noop_with_empty_axes: 1 }, note: "over no axis" },
];

const chosen = (op: string): OpRow => ({ op, in: { X: [2, 3] }, from: "distinct", attrs: { axis: 1 } });
const running = (attrs: OpRow["attrs"], axis: number, shape = [2, 3, 4]): OpRow => ({
  op: "CumSum",
  in: { X: shape, axis: intTensor([axis], []) },
  ...(attrs && { attrs }),
});

export const reductionRows: readonly Row[] = [
  ...reduced("ReduceSum", "gaussian"),
  ...reduced("ReduceMean", "gaussian"),
  ...reduced("ReduceL1", "away-from-kinks"),
  ...reduced("ReduceL2", "gaussian"),
  ...reduced("ReduceSumSquare", "gaussian"),
  ...reduced("ReduceLogSum", "positive"),
  ...reduced("ReduceLogSumExp", "gaussian"),
  ...reduced("ReduceProd", "away-from-kinks"),
  ...reduced("ReduceMax", "distinct"),
  ...reduced("ReduceMin", "distinct"),
  {
    op: "ReduceProd",
    in: { X: floatTensor([3, 3], [2, 0, 3, 0, 5, 0, -1, 2, 0.5]), axes: intTensor([1]) },
    note: "one zero, two zeros, none",
  },
  {
    op: "ReduceSum",
    in: { X: [2, 3], axes: intTensor([]) },
    attrs: { noop_with_empty_axes: 1 },
    note: "no axes: as it is",
  },
  { op: "ReduceMean", in: { X: [2, 3], axes: intTensor([]) }, note: "no axes: over everything" },
  running(undefined, 1),
  running({ exclusive: 1 }, -1),
  running({ reverse: 1 }, 0),
  running({ exclusive: 1, reverse: 1 }, 2, [1, 2, 4]),
  running(undefined, 0, [5]),
  chosen("ArgMax"),
  chosen("ArgMin"),
];
