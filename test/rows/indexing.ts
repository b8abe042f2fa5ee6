import { floatTensor, intTensor, type Tensor } from "../../src/onnx/index.ts";
import type { GraphRow, OpRow, Row, RowAttributes } from "./row.ts";

const ints = (...values: readonly number[]) => intTensor(values);
const bools = (...values: readonly number[]): Tensor => ({
  type: "bool",
  shape: [values.length],
  data: Uint8Array.from(values),
});

const gatherElements = (X: number[], indices: Tensor, axis: number, row: Partial<OpRow> = {}): OpRow => ({
  op: "GatherElements",
  in: { X, indices },
  attrs: { axis },
  ...row,
});

const gatherND = (X: number[], indices: Tensor, batch_dims = 0, row: Partial<OpRow> = {}): OpRow => ({
  op: "GatherND",
  in: { X, indices },
  attrs: batch_dims === 0 ? {} : { batch_dims },
  ...row,
});

/** A scattering with each set of inputs that may vary. */
const scatter = (op: string, data: number[], indices: Tensor, updates: number[], attrs: RowAttributes): OpRow[] =>
  [["data", "updates"], ["data"], ["updates"]].map((by) => ({
    op,
    in: { data, indices, updates },
    attrs,
    by,
    from: attrs.reduction === "max" || attrs.reduction === "min" ? "distinct" : "away-from-kinks",
  }));

const reductions = ["add", "mul", "max", "min"];
/** Two updates meet at one place, in different rows of the second. */
const meeting = intTensor([0, 1, 2, 0, -2, 2], [2, 3]);

const scatterRows: readonly OpRow[] = [
  ...scatter("ScatterElements", [3, 3], intTensor([1, 0, 2, 0, 2, 1], [2, 3]), [2, 3], {}),
  ...scatter("ScatterElements", [1, 5], intTensor([1, -2], [1, 2]), [1, 2], { axis: 1 }),
  ...scatter("ScatterElements", [2, 3, 2], intTensor([2, 0, 1, -1], [2, 1, 2]), [2, 1, 2], { axis: -2 }),
  ...reductions.flatMap((reduction) => [
    ...scatter("ScatterElements", [3, 3], meeting, [2, 3], { axis: 1, reduction }),
    ...scatter("ScatterElements", [4], ints(1, 1, 3, 1), [4], { reduction }),
  ]),
  ...scatter("ScatterND", [4, 3], intTensor([3, -4], [2, 1]), [2, 3], {}),
  ...scatter("ScatterND", [2, 3, 2], intTensor([0, 1, 1, -1], [2, 2]), [2, 2], {}),
  ...scatter("ScatterND", [1, 6], intTensor([0, 4, 0, 1, 0, 3], [3, 2]), [3], {}),
  ...scatter("ScatterND", [3, 2], intTensor([2, 0, 1, 1], [2, 1, 2]), [2, 1], {}),
  ...reductions.flatMap((reduction) => [
    ...scatter("ScatterND", [4, 3], intTensor([1, 3, 1], [3, 1]), [3, 3], { reduction }),
    ...scatter("ScatterND", [2, 3], intTensor([0, 1, 1, 2, 0, 1], [3, 2]), [3], { reduction }),
  ]),
  {
    op: "ScatterElements",
    in: {
      data: floatTensor([4], [0, 2, 0, 3]),
      indices: ints(0, 1, 1, 2, 2),
      updates: floatTensor([5], [3, 0, 5, 0, 4]),
    },
    attrs: { reduction: "mul" },
    by: ["data", "updates"],
    note: "one and several factors of zero",
  },
];

/** Indices that the input decides. */
const byInput: readonly GraphRow[] = [
  {
    nodes: [
      { op: "ArgMax", in: ["X"], out: ["I"], attrs: { axis: 1 } },
      { op: "GatherElements", in: ["X", "I"], out: ["Y"], attrs: { axis: 1 } },
    ],
    in: { X: [3, 4] },
    from: "distinct",
    targets: ["Y"],
    note: "of the input itself",
  },
  {
    nodes: [
      { op: "ArgMax", in: ["X"], out: ["I"], attrs: { axis: 1 } },
      { op: "GatherND", in: ["X", "I"], out: ["Y"], attrs: { batch_dims: 1 } },
    ],
    in: { X: [3, 4] },
    from: "distinct",
    targets: ["Y"],
    note: "of the input itself",
  },
  ...["none", "max"].map(
    (reduction): GraphRow => ({
      nodes: [
        { op: "ArgMax", in: ["X"], out: ["I"], attrs: { axis: 1 } },
        { op: "ScatterElements", in: ["X", "I", "U"], out: ["Y"], attrs: { axis: 1, reduction } },
        { op: "ScatterND", in: ["Y", "I", "V"], out: ["Z"], attrs: { reduction } },
      ],
      in: { X: [3, 3], U: [3, 1], V: [3, 3] },
      by: ["X", "U", "V"],
      from: "distinct",
      targets: ["Y", "Z"],
      note: `written at places that the input decides, ${reduction}`,
    }),
  ),
  {
    nodes: [
      { op: "ReduceSum", in: ["X", "axes"], out: ["s"], attrs: { keepdims: 0 } },
      { op: "Greater", in: ["s", "low"], out: ["C"] },
      { op: "Compress", in: ["X", "C"], out: ["Y"], attrs: { axis: 1 } },
    ],
    in: { X: [2, 3], axes: ints(0), low: floatTensor([], [-100]) },
    targets: ["Y"],
    note: "a condition that the input decides",
  },
  {
    nodes: [
      { op: "ArgMax", in: ["X"], out: ["I"], attrs: { axis: 0, keepdims: 0 } },
      { op: "ReverseSequence", in: ["X", "I"], out: ["Y"] },
    ],
    in: { X: [4, 3] },
    by: ["X"],
    from: "distinct",
    targets: ["Y"],
    note: "lengths that the input decides",
  },
  {
    nodes: [
      { op: "ArgMax", in: ["X"], out: ["I"], attrs: { axis: 1, keepdims: 0 } },
      { op: "OneHot", in: ["I", "depth", "values"], out: ["Y"] },
      { op: "Mul", in: ["X", "Y"], out: ["Z"] },
    ],
    in: { X: [3, 4], depth: ints(4), values: [2] },
    by: ["X", "values"],
    from: "distinct",
    targets: ["Z"],
    note: "the largest entry of each row",
  },
  {
    nodes: [
      { op: "ArgMax", in: ["X"], out: ["I"], attrs: { axis: 1, keepdims: 0 } },
      { op: "ReduceMax", in: ["I"], out: ["k"], attrs: { keepdims: 0 } },
      { op: "Trilu", in: ["X", "k"], out: ["Y"] },
    ],
    in: { X: [3, 4] },
    from: "distinct",
    targets: ["Y"],
    note: "a diagonal that the input decides",
  },
  {
    nodes: [
      { op: "MaxPool", in: ["X"], out: ["p", "I"], attrs: { kernel_shape: [2, 2], strides: [2, 2] } },
      { op: "Tanh", in: ["p"], out: ["t"] },
      { op: "MaxUnpool", in: ["t", "I"], out: ["Y"], attrs: { kernel_shape: [2, 2], strides: [2, 2] } },
    ],
    in: { X: [1, 2, 4, 4] },
    from: "distinct",
    targets: ["Y"],
    note: "pooled and unpooled",
  },
  {
    nodes: [
      { op: "MaxPool", in: ["X"], out: ["p", "I"], attrs: { kernel_shape: [3, 3], strides: [1, 1] } },
      { op: "MaxUnpool", in: ["p", "I"], out: ["Y"], attrs: { kernel_shape: [3, 3], strides: [1, 1] } },
    ],
    in: { X: [1, 1, 4, 5] },
    from: "distinct",
    targets: ["Y"],
    note: "overlapping windows that take one entry",
  },
  {
    nodes: [
      { op: "TopK", in: ["X", "k"], out: ["V", "I"], attrs: { axis: 0 } },
      { op: "GatherElements", in: ["W", "I"], out: ["Y"], attrs: { axis: 0 } },
    ],
    in: { X: [5, 2], k: ints(3), W: [5, 2] },
    by: ["X", "W"],
    from: "distinct",
    targets: ["V", "Y"],
    note: "entries of another tensor in the order of the first",
  },
];

const topK = (X: number[], k: number, attrs: RowAttributes = {}, row: Partial<OpRow> = {}): OpRow => ({
  op: "TopK",
  in: { X, k: ints(k) },
  attrs,
  from: "distinct",
  outputs: 2,
  ...row,
});

const col2Im = (X: number[], image: number[], block: number[], attrs: RowAttributes = {}): OpRow => ({
  op: "Col2Im",
  in: { X, image: intTensor(image), block: intTensor(block) },
  attrs,
});

export const indexingRows: readonly Row[] = [
  gatherElements([3, 3], intTensor([1, 2, 0, -1, 0, 0], [2, 3]), 0),
  gatherElements([2, 3, 2], intTensor([2, -1, 0, 1], [2, 1, 2]), 1),
  gatherElements([1, 4], intTensor([3, 3, 0], [1, 3]), -1),
  gatherElements([4], ints(-4, 3, 3), 0),
  { op: "GatherElements", in: { X: [3, 2], indices: intTensor([2, 0], [1, 2]) }, note: "along the first axis" },
  gatherND([2, 2], intTensor([0, 0, 1, 1, -1, 0], [3, 2])),
  gatherND([3, 2, 2], intTensor([1, -3], [2, 1]), 0, { note: "whole slices" }),
  gatherND([1, 4], intTensor([0, -1, 0, 1], [2, 2])),
  gatherND([2, 3, 2], intTensor([1, -1], [2, 1]), 1),
  gatherND([2, 2, 3, 2], intTensor([1, 0, 2, 2, 0, -1, 1, 1], [2, 2, 2, 1]), 2),
  gatherND([2, 3], intTensor([0, 1, 1, 2], [2, 1, 2]), 0, { note: "tuples in a table" }),
  ...scatterRows,
  ...byInput,
  { op: "Compress", in: { X: [3, 2], condition: bools(0, 1, 1) }, attrs: { axis: 0 } },
  { op: "Compress", in: { X: [3, 4], condition: bools(1, 0, 1) }, attrs: { axis: -1 }, note: "a shorter condition" },
  { op: "Compress", in: { X: [3, 2], condition: bools(0, 1, 0, 0, 1) } },
  { op: "Compress", in: { X: [1, 4], condition: bools(1, 0, 0, 1) }, attrs: { axis: 1 } },
  topK([3, 4], 2),
  topK([3, 4], 4, { axis: 1, largest: 0 }),
  topK([4, 2, 2], 2, { axis: 0 }),
  topK([1, 5], 3, { axis: -1, largest: 0, sorted: 1 }),
  topK([2, 2, 3], 2, {}, { note: "along the last axis" }),
  topK([5], 1, { axis: 0, largest: 1, sorted: 1 }),
  { op: "Unique", in: { X: [6] }, from: "distinct", outputs: 4 },
  { op: "Unique", in: { X: [2, 3] }, from: "distinct", attrs: { sorted: 0 } },
  { op: "Unique", in: { X: [3, 2, 2] }, from: "distinct", attrs: { axis: 1 }, outputs: 4 },
  { op: "Unique", in: { X: [1, 4] }, from: "distinct", attrs: { axis: -1, sorted: 0 }, outputs: 2 },
  { op: "ReverseSequence", in: { X: [4, 3], lengths: ints(2, 4, 1) } },
  { op: "ReverseSequence", in: { X: [3, 4, 2], lengths: ints(4, 1, 3) }, attrs: { batch_axis: 0, time_axis: 1 } },
  { op: "ReverseSequence", in: { X: [1, 5], lengths: ints(3) }, attrs: { batch_axis: 0, time_axis: 1 } },
  { op: "OneHot", in: { indices: ints(0, 3, -1), depth: ints(4), values: [2] }, by: ["values"] },
  {
    op: "OneHot",
    in: { indices: intTensor([0, 2, 1, 1], [2, 2]), depth: ints(3), values: [2] },
    by: ["values"],
    note: "along a new last axis",
  },
  {
    op: "OneHot",
    in: { indices: intTensor([0, 2, 5, 1], [2, 2]), depth: ints(3), values: [2] },
    by: ["values"],
    attrs: { axis: 1 },
    note: "an index out of range",
  },
  {
    op: "OneHot",
    in: { indices: floatTensor([2], [1, 2]), depth: floatTensor([], [3]), values: [2] },
    by: ["values"],
    attrs: { axis: 0 },
    note: "indices that are floats",
  },
  { op: "Trilu", in: { X: [3, 4] } },
  { op: "Trilu", in: { X: [2, 3, 3], k: intTensor([-1], []) }, attrs: { upper: 0 } },
  { op: "Trilu", in: { X: [4, 3], k: ints(1) }, attrs: { upper: 1 } },
  { op: "Trilu", in: { X: [1, 1, 4], k: intTensor([2], []) }, attrs: { upper: 0 } },
  { op: "CenterCropPad", in: { X: [7, 4], shape: ints(4, 7) } },
  { op: "CenterCropPad", in: { X: [1, 3, 6], shape: ints(1, 4, 3) } },
  { op: "CenterCropPad", in: { X: [5, 3, 2], shape: ints(8, 2) }, attrs: { axes: [1, 0] } },
  { op: "CenterCropPad", in: { X: [2, 5, 3], shape: ints(2, 5) }, attrs: { axes: [-2, -1] } },
  {
    op: "MaxUnpool",
    in: { X: [1, 1, 2, 2], I: intTensor([5, 7, 13, 15], [1, 1, 2, 2]) },
    attrs: { kernel_shape: [2, 2], strides: [2, 2] },
  },
  {
    op: "MaxUnpool",
    in: { X: [2, 1, 3], I: intTensor([0, 2, 5, 7, 8, 10], [2, 1, 3]) },
    attrs: { kernel_shape: [3], strides: [2], pads: [1, 0] },
  },
  {
    op: "MaxUnpool",
    in: { X: [1, 1, 2, 2], I: intTensor([6, 8, 16, 18], [1, 1, 2, 2]), shape: ints(1, 1, 5, 5) },
    attrs: { kernel_shape: [2, 2], strides: [2, 2] },
    note: "with the shape of the output",
  },
  col2Im([1, 4, 4], [3, 3], [2, 2]),
  col2Im([2, 12, 4], [4, 5], [3, 2], { strides: [1, 3] }),
  col2Im([1, 6, 6], [3, 3], [2, 3], { pads: [1, 1, 0, 0], dilations: [1, 1] }),
  col2Im([1, 4, 4], [4, 4], [2, 2], { dilations: [2, 2] }),
  col2Im([1, 8, 2], [2, 2, 3], [2, 2, 2]),
  col2Im([1, 3, 3], [5], [3], { pads: [1, 1], strides: [2] }),
];
