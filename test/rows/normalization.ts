import { floatTensor } from "../../src/onnx/index.ts";
import type { OpRow, Row } from "./row.ts";

const batchNorm = (shape: number[], row: Partial<OpRow>): OpRow => ({
  op: "BatchNormalization",
  in: {
    X: shape,
    scale: [shape[1]!],
    B: [shape[1]!],
    mean: [shape[1]!],
    var: { shape: [shape[1]!], from: "positive" },
  },
  weights: ["scale", "B", "mean", "var"],
  ...row,
});

const instanceNorm = (shape: number[], row: Partial<OpRow>): OpRow => ({
  op: "InstanceNormalization",
  in: { X: shape, scale: [shape[1]!], B: [shape[1]!] },
  weights: ["scale", "B"],
  ...row,
});

const layerNorm = (shape: number[], axis: number, row: Partial<OpRow> = {}): OpRow => ({
  op: "LayerNormalization",
  in: { X: shape, scale: shape.slice(axis), B: shape.slice(axis) },
  weights: ["scale", "B"],
  attrs: { axis },
  ...row,
});

const groupNorm = (shape: number[], groups: number, row: Partial<OpRow> = {}): OpRow => ({
  op: "GroupNormalization",
  in: { X: shape, scale: [shape[1]!], B: [shape[1]!] },
  weights: ["scale", "B"],
  attrs: { num_groups: groups },
  opset: 21,
  ...row,
});

const lrn = (size: number, shape: number[], row: Partial<OpRow> = {}): OpRow => ({
  op: "LRN",
  in: { X: shape },
  attrs: { size, alpha: 0.5, beta: 0.6, bias: 1.5 },
  ...row,
});

/** Six numbers whose variance is so small that what is added to it matters. */
const small = (shape: number[]) => floatTensor(shape, [0.1, 0.3, -0.2, 0.4, -0.1, 0.2]);
const SMALL = "a small variance";

const EVEN = "ONNX Runtime accepts odd sizes only";

export const normalizationRows: readonly Row[] = [
  batchNorm([1, 3, 2, 4], {}),
  batchNorm([2, 3, 4], { attrs: { epsilon: 0.1 } }),
  batchNorm([2, 3], {}),
  batchNorm([1, 3, 2, 2], { by: ["scale", "B"], note: "by the affine part" }),
  batchNorm([2, 3, 2], { by: ["X", "scale", "B", "mean", "var"] }),
  batchNorm([1, 2, 3], { by: ["var"], weights: [] }),
  {
    op: "BatchNormalization",
    in: { X: [4], scale: [1], B: [1], mean: [1], var: { shape: [1], from: "positive" } },
    by: ["X", "scale", "B", "mean", "var"],
    note: "numbers of one channel",
  },
  {
    op: "BatchNormalization",
    in: { X: [1, 3, 2], scale: [3], B: [3], mean: [3], var: floatTensor([3], [1e-5, 3e-5, 2e-6]) },
    weights: ["scale", "B", "mean"],
    note: "variances as small as what is added to them",
  },
  instanceNorm([1, 3, 4, 2], {}),
  instanceNorm([2, 3, 5], { attrs: { epsilon: 0.1 } }),
  instanceNorm([1, 2, 5], { by: ["X", "scale", "B"] }),
  instanceNorm([2, 2, 2, 2], { by: ["scale"] }),
  { ...instanceNorm([1, 2, 3], {}), in: { X: small([1, 2, 3]), scale: [2], B: [2] }, note: SMALL },
  layerNorm([2, 3, 4], -1),
  { ...layerNorm([2, 3], -1), in: { X: small([2, 3]), scale: [3], B: [3] }, note: SMALL },
  layerNorm([2, 3, 4], 1),
  {
    ...layerNorm([2, 3, 4], 1),
    in: { X: [2, 3, 4], scale: [1], B: [3, 1] },
    by: ["X", "scale", "B"],
    weights: [],
    note: "one scale for all, and a bias for rows",
  },
  layerNorm([2, 3, 4], 0),
  layerNorm([1, 5], -1, { attrs: { axis: -1, epsilon: 0.1 } }),
  layerNorm([1, 3, 4], 1, { by: ["X", "scale", "B"], attrs: { axis: -2 }, note: "a negative axis" }),
  layerNorm([2, 3, 4], 2, { by: ["scale", "B"] }),
  layerNorm([2, 3, 4], 1, { outputs: 3, note: "with the mean and the inverse deviation" }),
  layerNorm([2, 3, 4], -1, { outputs: 3, by: ["X", "scale"] }),
  layerNorm([2, 5], -1, { outputs: 3, by: ["scale"], note: "of which two do not vary" }),
  {
    op: "LayerNormalization",
    in: { X: [2, 3, 4], scale: [4] },
    weights: ["scale"],
    by: ["X", "scale"],
    note: "no bias",
  },
  groupNorm([1, 4, 3, 2], 2),
  groupNorm([2, 6, 3], 3),
  { ...groupNorm([1, 2, 3], 2), in: { X: small([1, 2, 3]), scale: [2], B: [2] }, note: SMALL },
  groupNorm([2, 4, 2, 2], 1, { by: ["X", "scale", "B"], attrs: { num_groups: 1, epsilon: 0.1 } }),
  groupNorm([1, 4, 3], 2, { by: ["scale", "B"] }),
  groupNorm([1, 4, 3], 4, { by: ["X", "B"] }),
  groupNorm([2, 4, 3], 2, {
    in: { X: [2, 4, 3], scale: [2], B: [2] },
    by: ["X", "scale", "B"],
    opset: 18,
    note: "affine by group",
  }),
  { op: "MeanVarianceNormalization", in: { X: [2, 3, 2, 2] } },
  { op: "MeanVarianceNormalization", in: { X: [1, 3, 4] }, attrs: { axes: [-1] } },
  { op: "MeanVarianceNormalization", in: { X: [1, 3, 4] }, attrs: { axes: [0, 1] } },
  { op: "LpNormalization", in: { X: [2, 3, 4] } },
  { op: "LpNormalization", in: { X: [2, 3, 4] }, attrs: { axis: 0 } },
  { op: "LpNormalization", in: { X: [1, 3, 4] }, from: "away-from-kinks", attrs: { axis: 1, p: 1 } },
  lrn(5, [1, 7, 2, 2]),
  lrn(3, [2, 4, 3, 1]),
  lrn(3, [1, 2, 2, 2], { note: "wider than the channels" }),
  lrn(9, [1, 3, 2, 1], { note: "much wider than the channels" }),
  lrn(1, [1, 3, 2, 2]),
  lrn(4, [1, 5, 2, 2], { withoutForward: EVEN }),
  lrn(2, [2, 3, 2], { withoutForward: EVEN }),
  { op: "LRN", in: { X: [1, 5, 2, 3] }, attrs: { size: 5 }, note: "default constants" },
];
