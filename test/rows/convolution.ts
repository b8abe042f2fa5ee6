import type { OpRow, Row, RowAttributes } from "./row.ts";

/** Convolution of x [N, I, …] with W [O, I/group, …] and a bias. */
const conv = (x: number[], w: number[], attrs: RowAttributes = {}, row: Partial<OpRow> = {}): OpRow => ({
  op: "Conv",
  in: { X: x, W: w, B: [w[0]!] },
  weights: ["W", "B"],
  attrs,
  ...row,
});

/** Transposed convolution of x [N, I, …] with W [I, O/group, …] and a bias. */
const deconv = (x: number[], w: number[], attrs: RowAttributes = {}, row: Partial<OpRow> = {}): OpRow => ({
  op: "ConvTranspose",
  in: { X: x, W: w, B: [w[1]! * Number(attrs.group ?? 1)] },
  weights: ["W", "B"],
  attrs,
  ...row,
});

const byAll: Partial<OpRow> = { by: ["X", "W", "B"] };
const byWeight: Partial<OpRow> = { by: ["W"], note: "by the weight" };
const autoPads = ["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"];

const convRows: readonly Row[] = [
  conv([1, 2, 7], [3, 2, 3]),
  conv([2, 2, 7], [3, 2, 3], { strides: [2], pads: [1, 0] }, byAll),
  conv([1, 2, 5, 6], [3, 2, 3, 3]),
  conv([2, 2, 5, 6], [3, 2, 3, 2], { pads: [1, 0, 1, 1] }, byAll),
  conv([1, 2, 7, 8], [3, 2, 3, 3], { strides: [2, 3], pads: [1, 1, 1, 1] }),
  conv([1, 2, 8, 8], [3, 2, 3, 3], { strides: [2, 2], pads: [0, 1, 1, 0] }, byAll),
  conv([1, 2, 7, 7], [2, 2, 3, 3], { dilations: [2, 1], pads: [2, 1, 2, 1] }, byAll),
  conv([2, 2, 9, 8], [2, 2, 3, 2], { dilations: [2, 3], strides: [2, 1] }, byAll),
  conv([1, 4, 5, 5], [6, 2, 3, 3], { group: 2, pads: [1, 1, 1, 1] }, byAll),
  conv([2, 4, 5, 5], [6, 2, 2, 3], { group: 2, strides: [2, 2] }, byAll),
  conv([1, 3, 5, 5], [3, 1, 3, 3], { group: 3, pads: [1, 1, 1, 1] }, { ...byAll, note: "depthwise" }),
  conv([2, 3, 5, 4], [6, 1, 3, 3], { group: 3, strides: [2, 1], pads: [1, 1, 0, 1] }, byAll),
  conv([1, 2, 4, 4, 3], [2, 2, 2, 2, 2]),
  conv([2, 2, 4, 4, 3], [2, 1, 2, 3, 2], { group: 2, strides: [2, 1, 1], pads: [1, 0, 0, 0, 1, 1] }, byAll),
  conv([1, 2, 4, 4], [3, 2, 1, 1], {}, byAll),
  conv([1, 2, 5, 5], [3, 2, 1, 1], { strides: [2, 2] }, byAll),
  conv([1, 2, 3, 3], [4, 2, 3, 3], {}, byAll),
  conv([1, 1, 9, 9], [2, 1, 3, 3], { strides: [4, 4] }, byAll),
  conv([1, 1, 5, 5], [2, 1, 2, 2], { strides: [3, 3] }, { ...byAll, note: "stride beyond the kernel" }),
  conv([1, 1, 3, 3], [1, 1, 2, 2], { pads: [2, 3, 2, 2] }, { ...byAll, note: "padding beyond the kernel" }),
  conv([1, 2, 4, 4], [3, 2, 3, 3], {}, { in: { X: [1, 2, 4, 4], W: [3, 2, 3, 3] }, note: "no bias" }),
  conv([1, 2, 4, 4], [3, 2, 3, 3], {}, { weights: [], by: ["X"], note: "weights that depend on the input" }),
  conv([2, 2, 4, 4], [3, 2, 3, 3], {}, { by: ["B"], note: "by the bias" }),
  conv([1, 2, 5, 5], [2, 2, 3, 3], { strides: [2, 2], pads: [1, 1, 1, 1] }, byWeight),
  conv([2, 2, 6, 6], [4, 1, 2, 3], { group: 2, strides: [3, 2], dilations: [1, 2] }, byWeight),
  ...autoPads.flatMap((auto_pad) => [
    conv([1, 2, 6, 5], [2, 2, 3, 2], { auto_pad }, byAll),
    conv([2, 2, 6, 7], [2, 2, 2, 4], { auto_pad, strides: [2, 3] }, byAll),
  ]),
  conv(
    [1, 1, 6, 7],
    [2, 1, 2, 3],
    { auto_pad: "SAME_UPPER", dilations: [2, 2] },
    { ...byAll, withoutForward: "ONNX Runtime pads no dilated window by SAME" },
  ),
];

const convTransposeRows: readonly Row[] = [
  deconv([1, 2, 5], [2, 3, 3]),
  deconv([2, 2, 5], [2, 3, 3], { strides: [2], pads: [1, 0] }, byAll),
  deconv([1, 2, 3, 4], [2, 3, 3, 3]),
  deconv([2, 2, 3, 4], [2, 3, 3, 2], { pads: [1, 0, 1, 1] }, byAll),
  deconv([1, 2, 3, 3], [2, 3, 3, 3], { strides: [2, 3], pads: [1, 1, 1, 1] }, byAll),
  deconv([1, 2, 3, 3], [2, 3, 3, 3], { strides: [2, 3], output_padding: [1, 2], pads: [1, 1, 1, 1] }, byAll),
  deconv([2, 2, 3, 3], [2, 1, 3, 2], { strides: [2, 2], output_padding: [1, 1] }, byAll),
  deconv([1, 2, 3, 3], [2, 2, 3, 2], { dilations: [2, 3] }, byAll),
  deconv([2, 4, 3, 3], [4, 2, 3, 3], { group: 2, strides: [2, 1], pads: [1, 1, 0, 1] }, byAll),
  deconv([1, 3, 3, 3], [3, 1, 3, 3], { group: 3, pads: [1, 1, 1, 1] }, byAll),
  deconv([1, 4, 3, 2], [4, 3, 2, 2], { group: 2, strides: [2, 2] }, byWeight),
  deconv([1, 1, 2, 3, 2], [1, 2, 2, 2, 2], { strides: [2, 1, 1] }, byAll),
  deconv([1, 2, 3, 3], [2, 2, 1, 1], { strides: [2, 2] }, { ...byAll, note: "gaps in the output" }),
  deconv([1, 2, 3, 3], [2, 2, 3, 3], { strides: [2, 2], output_shape: [6, 5] }, byAll),
  deconv(
    [1, 2, 3, 3],
    [2, 2, 3, 3],
    { strides: [3, 2], output_shape: [10, 8] },
    { ...byAll, note: "beyond the full extent" },
  ),
  deconv([1, 1, 3, 3], [1, 2, 3, 3], { strides: [2, 2], output_shape: [6, 5], auto_pad: "SAME_UPPER" }, byAll),
  deconv([1, 1, 3, 3], [1, 2, 3, 3], { strides: [3, 2], output_shape: [10, 8], auto_pad: "SAME_UPPER" }, byAll),
  deconv([1, 2, 3, 3], [2, 2, 3, 3], {}, { in: { X: [1, 2, 3, 3], W: [2, 2, 3, 3] }, note: "no bias" }),
  deconv([1, 2, 3, 3], [2, 2, 3, 3], { pads: [2, 2, 2, 2] }, { ...byAll, note: "all but the middle cut away" }),
  deconv([1, 1, 4, 4], [1, 1, 2, 2], { pads: [2, 2, 2, 1] }, { ...byAll, note: "padding beyond the kernel" }),
  ...autoPads.flatMap((auto_pad) => [
    deconv([1, 1, 3, 4], [1, 2, 3, 2], { auto_pad }, byAll),
    deconv([2, 1, 3, 3], [1, 2, 3, 4], { auto_pad, strides: [2, 3] }, byAll),
  ]),
];

export const convolutionRows: readonly Row[] = [...convRows, ...convTransposeRows];
