import type { OpRow, Row, RowAttributes, Sampler } from "./row.ts";

/** The windows that every pool must know. */
const geometries: readonly (readonly [shape: number[], attrs: RowAttributes])[] = [
  [[1, 2, 7], { kernel_shape: [3] }],
  [[2, 2, 7], { kernel_shape: [3], strides: [2], pads: [1, 0] }],
  [[1, 2, 5, 6], { kernel_shape: [2, 3] }],
  [[2, 2, 5, 6], { kernel_shape: [3, 2], strides: [2, 2], pads: [1, 1, 1, 0] }],
  [[1, 2, 6, 6], { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }],
  [[1, 2, 5, 4], { kernel_shape: [2, 2], strides: [2, 3], pads: [1, 1, 1, 1], ceil_mode: 1 }],
  [[1, 1, 8, 7], { kernel_shape: [2, 3], strides: [3, 2], ceil_mode: 1 }],
  [[1, 2, 7, 7], { kernel_shape: [2, 3], dilations: [2, 2], strides: [1, 2] }],
  [[2, 1, 7, 8], { kernel_shape: [3, 2], dilations: [2, 3], pads: [1, 1, 1, 1] }],
  [[1, 1, 9, 8], { kernel_shape: [3, 2], dilations: [2, 3], strides: [2, 2], ceil_mode: 1 }],
  [[1, 2, 4, 3, 4], { kernel_shape: [2, 2, 2] }],
  [[2, 1, 4, 4, 3], { kernel_shape: [2, 2, 3], strides: [2, 1, 1], pads: [1, 0, 0, 0, 1, 0] }],
  [[1, 1, 5, 6], { kernel_shape: [3, 2], auto_pad: "SAME_UPPER" }],
  [[1, 1, 5, 6], { kernel_shape: [3, 2], auto_pad: "SAME_LOWER" }],
  [[2, 1, 6, 5], { kernel_shape: [3, 2], auto_pad: "SAME_UPPER", strides: [2, 2] }],
  [[2, 1, 6, 5], { kernel_shape: [3, 2], auto_pad: "SAME_LOWER", strides: [2, 2] }],
  [[1, 1, 6, 5], { kernel_shape: [3, 2], auto_pad: "VALID", strides: [2, 2] }],
  [[1, 2, 4, 4], { kernel_shape: [2, 2], strides: [3, 3] }],
  [[1, 2, 3, 4], { kernel_shape: [3, 4] }],
  [[1, 2, 3, 4], { kernel_shape: [1, 1], strides: [2, 1] }],
];

const pools = (op: string, from: Sampler, more: RowAttributes = {}, note?: string): OpRow[] =>
  geometries.map(([shape, attrs]) => ({
    op,
    in: { X: shape },
    attrs: { ...attrs, ...more },
    from,
    opset: OPSETS[op] ?? 18,
    ...(note && { note }),
  }));

/** AveragePool has dilations since operator set 19; the rounding of `ceil_mode` is that of 22. */
const OPSETS: Readonly<Record<string, number>> = { AveragePool: 22, MaxPool: 22, LpPool: 22 };

const everywhere = (op: string, from: Sampler, attrs: RowAttributes = {}): OpRow[] =>
  [
    [1, 3, 4, 2],
    [2, 2, 5],
    [1, 2, 2, 3, 2],
  ].map((shape) => ({ op, in: { X: shape }, from, attrs }));

export const poolingRows: readonly Row[] = [
  ...pools("MaxPool", "distinct"),
  { op: "MaxPool", in: { X: [1, 2, 4, 4] }, attrs: { kernel_shape: [2, 2] }, from: "distinct", outputs: 2 },
  ...pools("AveragePool", "gaussian"),
  ...pools("AveragePool", "gaussian", { count_include_pad: 1 }, "padding counts"),
  ...pools("LpPool", "away-from-kinks"),
  ...pools("LpPool", "away-from-kinks", { p: 3 }),
  { op: "LpPool", in: { X: [1, 2, 5] }, attrs: { kernel_shape: [2], p: 1 }, from: "away-from-kinks" },
  ...everywhere("GlobalMaxPool", "distinct"),
  ...everywhere("GlobalAveragePool", "gaussian"),
  ...everywhere("GlobalLpPool", "away-from-kinks"),
  ...everywhere("GlobalLpPool", "away-from-kinks", { p: 3 }),
];
