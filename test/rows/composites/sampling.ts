import { floatTensor, intTensor } from "../../../src/onnx/index.ts";
import type { OpRow, RowAttributes } from "../row.ts";

const paddings = ["zeros", "border", "reflection"] as const;

/** Positions inside and beyond the picture, none of them on an entry, in a pattern that is not regular. */
const gridOf = (shape: number[], reach = 1.6) =>
  floatTensor(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => reach * Math.sin(7.31 * i + 0.4)),
  );

const gridSample = (mode: string, x: number[], grid: number[], opset: number, by: string[]): OpRow[] =>
  paddings.flatMap((padding_mode) =>
    [0, 1].map(
      (align_corners): OpRow => ({
        op: "GridSample",
        in: { X: x, grid: gridOf(grid, mode.endsWith("cubic") ? 0.8 : 1.6) },
        by,
        opset,
        attrs: { mode, padding_mode, align_corners },
      }),
    ),
  );

const inFiveAxes = "ONNX Runtime has no cubic interpolation of volumes";
const convolution = (
  x: number[],
  w: number[],
  offset: number[],
  attrs: RowAttributes,
  row: Partial<OpRow> = {},
): OpRow => ({
  op: "DeformConv",
  opset: 19,
  in: { X: x, W: w, offset: gridOf(offset, 0.9), ...row.in },
  by: ["X", "W", "offset"],
  ...row,
  attrs,
  ...(row.in && { in: { X: x, W: w, offset: gridOf(offset, 0.9), ...row.in } }),
});

const regions = floatTensor([3, 4], [0.3, 0.7, 5.2, 4.83, 1.1, 0.4, 3.7, 5.6, -0.8, 2.3, 6.7, 6.2]);
const roiAlign = (attrs: RowAttributes, row: Partial<OpRow> = {}): OpRow => ({
  op: "RoiAlign",
  opset: 16,
  in: { X: [2, 2, 6, 7], rois: regions, batch: intTensor([0, 1, 1]) },
  from: "distinct",
  ...row,
  attrs: { output_height: 2, output_width: 3, sampling_ratio: 2, ...attrs },
});
const single = { X: [1, 2, 6, 7], rois: regions, batch: intTensor([0, 0, 0]) };

/** Of which one lies above, one beside, and one reaches far beyond the picture. */
const far = floatTensor([3, 4], [-9.3, -8.7, -4.2, -3.4, 12.1, 1.2, 15.6, 5.3, -7.4, 0.3, 12.8, 9.2]);

const maxRoiPool = (x: number[], rois: number[], attrs: RowAttributes): OpRow => ({
  op: "MaxRoiPool",
  in: { X: x, rois: floatTensor([rois.length / 5, 5], rois) },
  from: "distinct",
  attrs,
});

export const samplingRows: readonly OpRow[] = [
  ...gridSample("bilinear", [1, 2, 4, 5], [1, 2, 3, 2], 16, ["X", "grid"]),
  ...gridSample("bilinear", [3, 1, 3, 2], [3, 1, 2, 2], 16, ["X", "grid"]),
  ...gridSample("bicubic", [1, 2, 4, 5], [1, 2, 3, 2], 16, ["X", "grid"]),
  ...gridSample("nearest", [2, 1, 4, 5], [2, 2, 3, 2], 16, ["X"]),
  ...gridSample("linear", [2, 2, 3, 4], [2, 3, 2, 2], 20, ["X", "grid"]),
  ...gridSample("linear", [1, 2, 3, 4, 3], [1, 2, 2, 2, 3], 22, ["X", "grid"]),
  ...gridSample("nearest", [1, 2, 3, 4, 3], [1, 2, 2, 2, 3], 20, ["X"]),
  ...gridSample("cubic", [2, 1, 4, 5], [2, 2, 3, 2], 22, ["X", "grid"]),
  ...gridSample("cubic", [1, 1, 3, 4, 3], [1, 1, 2, 2, 3], 20, ["X", "grid"]).map((row) => ({
    ...row,
    withoutForward: inFiveAxes,
  })),
  { op: "GridSample", opset: 16, in: { X: [1, 1, 3, 3], grid: gridOf([1, 1, 2, 2]) }, note: "nothing is said" },
  ...[0, 1].flatMap((align_corners): OpRow[] => [
    { op: "AffineGrid", opset: 20, in: { theta: [2, 2, 3], size: intTensor([2, 3, 4, 5]) }, attrs: { align_corners } },
    {
      op: "AffineGrid",
      opset: 20,
      in: { theta: [1, 3, 4], size: intTensor([1, 1, 2, 3, 4]) },
      attrs: { align_corners },
    },
  ]),
  convolution([1, 2, 4, 4], [3, 2, 2, 2], [1, 8, 3, 3], {}),
  convolution([2, 2, 5, 4], [2, 2, 3, 2], [2, 12, 2, 2], { strides: [2, 2], pads: [0, 0, 0, 0], kernel_shape: [3, 2] }),
  convolution([1, 4, 4, 4], [4, 2, 2, 2], [1, 16, 5, 5], { group: 2, offset_group: 2, pads: [1, 1, 1, 1] }),
  convolution([1, 2, 5, 5], [2, 2, 2, 2], [1, 8, 3, 3], { dilations: [2, 2] }),
  convolution(
    [1, 2, 4, 4],
    [2, 2, 2, 2],
    [1, 8, 3, 3],
    {},
    { in: { B: [2], mask: [1, 4, 3, 3] }, by: ["X", "offset", "B", "mask"] },
  ),
  convolution([1, 2, 4, 4], [2, 2, 2, 2], [1, 8, 3, 3], {}, { in: { B: null, mask: [1, 4, 3, 3] }, by: ["W", "mask"] }),
  roiAlign({}),
  roiAlign({ spatial_scale: 0.8 }, { in: single }),
  roiAlign({ coordinate_transformation_mode: "output_half_pixel" }),
  roiAlign({ sampling_ratio: 0 }),
  roiAlign({ sampling_ratio: 0 }, { in: single }),
  roiAlign({ mode: "max" }),
  roiAlign({ mode: "max" }, { in: single }),
  roiAlign({ mode: "max", sampling_ratio: 0 }),
  roiAlign({ mode: "max" }, { by: ["rois"], in: single, note: "by the regions" }),
  roiAlign({ sampling_ratio: 0 }, { by: ["rois"], in: single, note: "by the regions" }),
  roiAlign({}, { by: ["X", "rois"], in: single, note: "by the regions too" }),
  roiAlign({ sampling_ratio: 0, mode: "max" }, { by: ["rois"], in: single, note: "by the regions" }),
  ...["avg", "max"].map((mode) =>
    roiAlign({ mode }, { by: ["X", "rois"], in: { ...single, rois: far }, note: "far outside" }),
  ),
  roiAlign({ sampling_ratio: 0 }, { in: { ...single, rois: far }, note: "far outside" }),
  maxRoiPool([1, 2, 6, 7], [0, 1, 0, 4, 5, 0, 0, 1, 6, 4], { pooled_shape: [2, 3] }),
  maxRoiPool([2, 2, 6, 7], [1, 1, 0, 4, 5, 0, 0, 1, 6, 4, 1, 3, 3, 3, 3], { pooled_shape: [2, 2] }),
  maxRoiPool([1, 1, 6, 7], [0, 2, 0, 8, 11, 0, 0, 3, 13, 16], { pooled_shape: [3, 2], spatial_scale: 0.5 }),
];
