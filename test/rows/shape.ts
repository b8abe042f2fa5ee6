import { floatTensor, intTensor } from "../../src/onnx/index.ts";
import type { OpRow, Row, RowAttributes } from "./row.ts";

const ints = (...values: readonly number[]) => intTensor(values);
const END = Number.MAX_SAFE_INTEGER;

const slice = (
  X: number[],
  starts: number[],
  ends: number[],
  axes?: number[],
  steps?: number[],
  row: Partial<OpRow> = {},
): OpRow => ({
  op: "Slice",
  in: {
    X,
    starts: intTensor(starts),
    ends: intTensor(ends),
    ...(axes && { axes: intTensor(axes) }),
    ...(steps && { steps: intTensor(steps) }),
  },
  ...row,
});

const pad = (
  X: number[],
  pads: number[],
  attrs: RowAttributes = {},
  axes?: number[],
  row: Partial<OpRow> = {},
): OpRow => ({
  op: "Pad",
  in: {
    X,
    pads: intTensor(pads),
    ...(axes && { value: null, axes: intTensor(axes) }),
  },
  attrs,
  ...row,
});

const gather = (X: number[], indices: ReturnType<typeof intTensor>, axis: number): OpRow => ({
  op: "Gather",
  in: { X, indices },
  attrs: { axis },
});

const resizeTo = (X: number[], sizes: number[], attrs: RowAttributes, row: Partial<OpRow> = {}): OpRow => ({
  op: "Resize",
  in: { X, roi: null, scales: null, sizes: intTensor(sizes) },
  attrs,
  ...row,
});

const resizeBy = (X: number[], scales: number[], attrs: RowAttributes, row: Partial<OpRow> = {}): OpRow => ({
  op: "Resize",
  in: { X, roi: null, scales: floatTensor([scales.length], scales) },
  attrs,
  ...row,
});

const coordinateModes = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "half_pixel_symmetric"];
const nearestModes = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"];

/** A part of the picture, or one that reaches beyond it; each as it begins and ends on each axis. */
const parts = [
  [0, 0, 0.2, 0.15, 1, 1, 0.7, 0.88],
  [0, 0, -0.1, 0.32, 1, 1, 0.8, 1.25],
];

const cropRows: readonly OpRow[] = parts.flatMap((part) => {
  const roi = floatTensor([part.length], part);
  return ["nearest", "linear", "cubic"].flatMap((mode): OpRow[] => {
    const attrs = { mode, coordinate_transformation_mode: "tf_crop_and_resize", extrapolation_value: 0.5 };
    const X = [1, 2, 5, 6];
    return [
      { op: "Resize", in: { X, roi, scales: null, sizes: intTensor([1, 2, 4, 7]) }, attrs },
      {
        op: "Resize",
        in: {
          X,
          roi: floatTensor(
            [4],
            [2, 3, 6, 7].map((i) => part[i]!),
          ),
          scales: null,
          sizes: intTensor([3, 1]),
        },
        attrs: { ...attrs, axes: [2, 3] },
        opset: 18,
      },
    ];
  });
});

const resizeRows: readonly OpRow[] = [
  resizeTo([1, 2, 4, 5], [1, 2, 7, 9], {
    mode: "nearest",
    coordinate_transformation_mode: "tf_half_pixel_for_nn",
    nearest_mode: "floor",
  }),
  ...cropRows,
  ...["nearest", "linear", "cubic"].flatMap((mode) =>
    coordinateModes.flatMap((coordinate_transformation_mode) => {
      const attrs = { mode, coordinate_transformation_mode };
      const opset = 19;
      return [
        resizeTo([1, 2, 4, 5], [1, 2, 7, 9], attrs, { opset }),
        resizeTo([2, 1, 6, 7], [2, 1, 4, 3], attrs, { opset }),
        resizeBy([1, 2, 4, 3], [1, 1, 2, 1.7], attrs, { opset }),
        resizeBy([1, 1, 6, 5], [1, 1, 0.5, 0.7], attrs, { opset }),
      ];
    }),
  ),
  ...nearestModes.map((nearest_mode) =>
    resizeTo([1, 1, 4, 5], [1, 1, 6, 3], {
      mode: "nearest",
      nearest_mode,
      coordinate_transformation_mode: "asymmetric",
    }),
  ),
  resizeBy(
    [1, 2, 2, 2],
    [1, 1, 2, 2],
    { mode: "nearest", nearest_mode: "floor", coordinate_transformation_mode: "asymmetric" },
    { note: "doubled, as networks do it" },
  ),
  resizeTo([1, 1, 5, 5], [1, 1, 8, 3], { mode: "cubic", cubic_coeff_a: -0.5, exclude_outside: 1 }),
  resizeTo([1, 1, 8, 7], [1, 1, 4, 3], { mode: "linear", antialias: 1 }),
  resizeTo([1, 1, 9, 8], [1, 1, 4, 5], { mode: "cubic", antialias: 1 }),
  resizeTo([4, 5], [7, 3], { mode: "linear" }, { note: "a matrix" }),
  resizeTo([1, 4, 2], [2, 6, 2], { mode: "nearest" }, { note: "along the leading axis too" }),
  resizeTo([1, 2, 4, 5], [6, 8], { mode: "linear", axes: [2, 3] }),
  resizeBy([1, 2, 4, 5], [1.5, 2], { mode: "linear", axes: [3, 2] }),
  resizeTo([1, 2, 3, 3], [1, 2, 3, 3], { mode: "linear" }, { note: "nothing to do" }),
  ...["not_larger", "not_smaller"].flatMap((keep_aspect_ratio_policy) => [
    ...["nearest", "linear", "cubic"].map((mode) =>
      resizeTo([1, 2, 5, 7], [9, 10], { mode, keep_aspect_ratio_policy, axes: [2, 3] }),
    ),
    resizeTo([1, 1, 7, 5], [3, 4], {
      mode: "nearest",
      nearest_mode: "floor",
      coordinate_transformation_mode: "asymmetric",
      keep_aspect_ratio_policy,
      axes: [3, 2],
    }),
    resizeTo([1, 1, 8, 7], [4, 3], { mode: "linear", antialias: 1, keep_aspect_ratio_policy, axes: [2, 3] }),
    resizeTo(
      [1, 1, 5, 5],
      [8, 4],
      { mode: "cubic", cubic_coeff_a: -0.5, exclude_outside: 1, keep_aspect_ratio_policy, axes: [2, 3] },
      { note: "no ratio of its own" },
    ),
    resizeTo([1, 1, 2, 3], [1, 1, 4, 9], { mode: "nearest", keep_aspect_ratio_policy }, { note: "over all axes" }),
  ]),
];

export const shapeRows: readonly Row[] = [
  { op: "EyeLike", in: { X: [3, 4] }, attrs: { dtype: 1, k: 1 } },
  { op: "EyeLike", in: { X: [3, 2] } },
  {
    op: "MelWeightMatrix",
    in: {
      bins: intTensor([5], []),
      length: intTensor([16], []),
      rate: intTensor([8192], []),
      low: { shape: [], from: "positive" },
      high: floatTensor([], [4000]),
    },
    by: ["low"],
  },
  { op: "Reshape", in: { X: [2, 3, 4], shape: ints(4, 6) } },
  { op: "Reshape", in: { X: [1, 3, 4], shape: ints(0, -1) } },
  { op: "Reshape", in: { X: [1, 3, 4], shape: ints(3, 4) }, note: "drops the leading one" },
  { op: "Reshape", in: { X: [3, 4], shape: ints(1, 3, 4) }, note: "adds a leading one" },
  { op: "Reshape", in: { X: [1, 1], shape: intTensor([]) }, note: "to a number" },
  { op: "Flatten", in: { X: [1, 3, 2, 2] } },
  { op: "Flatten", in: { X: [2, 3, 4] }, attrs: { axis: 0 } },
  { op: "Flatten", in: { X: [2, 3, 4] }, attrs: { axis: -1 } },
  { op: "Squeeze", in: { X: [1, 3, 1, 2], axes: ints(0, -2) } },
  { op: "Squeeze", in: { X: [1, 3, 1] } },
  { op: "Unsqueeze", in: { X: [3, 2], axes: ints(0, -1) } },
  { op: "Unsqueeze", in: { X: [1, 2], axes: ints(1) } },
  { op: "Transpose", in: { X: [2, 3, 4] } },
  { op: "Transpose", in: { X: [1, 3, 2, 4] }, attrs: { perm: [0, 2, 3, 1] } },
  { op: "Transpose", in: { X: [1, 3, 4] }, attrs: { perm: [2, 0, 1] }, note: "the leading one moves away" },
  { op: "Transpose", in: { X: [3, 1, 4] }, attrs: { perm: [1, 2, 0] }, note: "a one comes to lead" },
  { op: "Transpose", in: { X: [1, 1, 4] }, attrs: { perm: [1, 0, 2] }, note: "two ones change places" },
  { op: "Transpose", in: { X: [2, 3, 2, 2] }, attrs: { perm: [1, 0, 3, 2] } },
  { op: "Concat", in: { A: [1, 2, 3], B: [1, 1, 3] }, by: ["A", "B"], attrs: { axis: 1 } },
  {
    op: "Concat",
    in: { A: [2, 2], B: [2, 1], C: [2, 3] },
    by: ["A", "C"],
    attrs: { axis: -1 },
    note: "B stands still",
  },
  { op: "Concat", in: { A: [1, 2, 3], B: [1, 1, 3], C: [1, 4, 3] }, by: ["B"], attrs: { axis: 1 } },
  { op: "Concat", in: { A: [1, 3], B: [2, 3], C: [1, 3] }, by: ["A", "B", "C"], attrs: { axis: 0 } },
  { op: "Concat", in: { A: [1, 3], B: [1, 3] }, by: ["A", "B"], attrs: { axis: 0 }, note: "two batches of one" },
  { op: "Concat", in: { A: [1, 3], B: [2, 3] }, by: ["A"], attrs: { axis: 0 } },
  { op: "Concat", in: { A: [4], B: [2] }, by: ["A", "B"], attrs: { axis: 0 } },
  { op: "Split", in: { X: [2, 6] }, attrs: { axis: 1, num_outputs: 3 }, outputs: 3 },
  { op: "Split", in: { X: [1, 7, 2] }, attrs: { axis: -2, num_outputs: 3 }, outputs: 3, note: "a smaller last part" },
  { op: "Split", in: { X: [3, 2], split: ints(1, 2) }, outputs: 2, note: "along the leading axis" },
  { op: "Split", in: { X: [1, 5], split: ints(4, 1) }, attrs: { axis: 1 }, outputs: 2 },
  slice([4, 5], [1], [3]),
  slice([1, 5, 4], [1, 0], [4, -1], [1, 2]),
  slice([4, 5], [-3, 1], [END, 100], [0, -1]),
  slice([3, 4], [0], [1], [0], undefined, { note: "leaves a leading one" }),
  slice([1, 7], [0], [7], [1], [3]),
  slice([2, 6, 3], [4], [0], [1], [-2]),
  slice([5, 4], [-1, 3], [-END, 0], [0, 1], [-1, -1], { note: "reversed to the first" }),
  slice([1, 6], [10], [-10], [1], [-4]),
  slice([2, 5], [-10], [10], [1], [2], { note: "limits beyond both ends" }),
  slice([1, 3, 4], [0], [1], [0], [1], { note: "all of a leading one" }),
  pad([2, 3], [1, 0, 0, 2]),
  pad([1, 2, 4, 4], [0, 0, 1, 2, 0, 0, 2, 1]),
  pad([1, 2, 3], [1, 0, 0, 0, 0, 0], {}, undefined, { note: "along the leading one" }),
  pad([3, 4], [-1, 1, 0, -2], {}, undefined, { note: "cropped" }),
  pad([3, 4], [-1, -1, -1, 0]),
  pad([2, 4], [1, 2], {}, [-1]),
  pad([1, 3, 4], [2, 1, 3, 0], { mode: "reflect" }, [2, 1]),
  pad([1, 1, 4, 4], [0, 0, 2, 3, 0, 0, 1, 2], { mode: "reflect" }),
  pad([1, 2, 3, 3], [0, 1, 2, 1, 0, 0, 1, 4], { mode: "edge" }),
  pad([3, 4], [-1, 1, 1, -1], { mode: "edge" }, undefined, { note: "edges and a crop" }),
  pad([2, 4], [0, 2, 0, 3], { mode: "wrap" }, undefined, { opset: 19 }),
  {
    op: "Pad",
    in: { X: [2, 3], pads: ints(1, 1, 0, 0), value: floatTensor([], [2.5]) },
    note: "a value that is not zero",
  },
  { op: "Pad", in: { X: [2, 3], pads: ints(1, 1, 0, -1), value: [] }, by: ["X", "value"], note: "a value that moves" },
  { op: "Pad", in: { X: [1, 3], pads: ints(2, 1), value: [], axes: ints(-1) }, by: ["value"] },
  gather([4, 3], ints(0, 2, 2), 0),
  gather([1, 4, 3], ints(-1, 0), 1),
  gather([2, 4], intTensor([3, 0, -2, 1, 1, 1], [2, 3]), 1),
  gather([1, 4, 3], intTensor([2], []), 1),
  gather([4, 3], intTensor([1], []), 0),
  gather([1, 5], ints(0), 0),
  gather([3, 2], intTensor([0, 1, 2, 0], [2, 2]), 0),
  {
    nodes: [
      { op: "ArgMax", in: ["X"], out: ["I"], attrs: { axis: 1, keepdims: 0 } },
      { op: "Gather", in: ["X", "I"], out: ["Y"], attrs: { axis: 1 } },
    ],
    in: { X: [2, 4] },
    from: "distinct",
    targets: ["Y"],
    note: "indices that depend on the input",
  },
  { op: "Expand", in: { X: [3, 1], shape: ints(2, 3, 4) } },
  { op: "Expand", in: { X: [1, 3], shape: ints(1, 1) } },
  { op: "Expand", in: { X: [1, 3], shape: ints(4, 3) }, note: "along the leading one" },
  { op: "Expand", in: { X: [], shape: ints(2, 2) } },
  { op: "Tile", in: { X: [2, 3], repeats: ints(2, 1) } },
  { op: "Tile", in: { X: [1, 2, 3], repeats: ints(1, 3, 2) } },
  { op: "Tile", in: { X: [1, 3], repeats: ints(2, 2) } },
  ...resizeRows,
  { op: "DepthToSpace", in: { X: [1, 8, 2, 3] }, attrs: { blocksize: 2 } },
  { op: "DepthToSpace", in: { X: [2, 8, 2, 2] }, attrs: { blocksize: 2, mode: "CRD" } },
  { op: "DepthToSpace", in: { X: [1, 12, 1, 2] }, attrs: { blocksize: 2, mode: "CRD" } },
  { op: "DepthToSpace", in: { X: [1, 18, 1, 2] }, attrs: { blocksize: 3, mode: "DCR" } },
  { op: "SpaceToDepth", in: { X: [1, 2, 4, 6] }, attrs: { blocksize: 2 } },
  { op: "SpaceToDepth", in: { X: [2, 1, 3, 6] }, attrs: { blocksize: 3 } },
  { op: "Shape", in: { X: [2, 3] } },
  { op: "Size", in: { X: [2, 3] } },
  {
    nodes: [
      { op: "Shape", in: ["X"], out: ["S"] },
      { op: "ConstantOfShape", in: ["S"], out: ["C"], attrs: { value: floatTensor([1], [7]) } },
      { op: "Add", in: ["X", "C"], out: ["Y"] },
    ],
    in: { X: [2, 3] },
    targets: ["Y", "C"],
    note: "a constant of the input's shape",
  },
  {
    op: "Range",
    in: { start: [], limit: floatTensor([], [7]), step: { shape: [], from: "positive" } },
    by: ["start", "step"],
    from: "unit",
  },
  { op: "NonZero", in: { X: [2, 3] }, from: "away-from-kinks" },
];
