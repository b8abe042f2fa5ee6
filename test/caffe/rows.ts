import type { NetParts } from "./nets.ts";

/** Layers that OpenCV's own reader of Caffe computes too: `opencv.json` holds its results. */
export interface Row extends NetParts {
  readonly name: string;
}

const layer = (
  type: string,
  settings = "",
  bottoms: readonly string[] = ["x"],
  tops: readonly string[] = ["y"],
): string =>
  `layer { name: "y" type: "${type}" ${bottoms.map((name) => `bottom: "${name}"`).join(" ")} ` +
  `${tops.map((name) => `top: "${name}"`).join(" ")} ${settings} }\n`;

const x = { x: [1, 4, 7, 6] };
const wide = { x: [1, 4, 11, 9] };

export const rows: readonly Row[] = [
  {
    name: "a convolution",
    layers: layer("Convolution", "convolution_param { num_output: 3 kernel_size: 3 stride: 2 pad: 1 }"),
    inputs: x,
    weights: { y: [[3, 4, 3, 3], [3]] },
  },
  {
    name: "a convolution in groups without a bias, of different height and width",
    layers: layer(
      "Convolution",
      "convolution_param { num_output: 6 kernel_h: 3 kernel_w: 2 stride_h: 1 stride_w: 2 pad_h: 0 pad_w: 1 group: 2 bias_term: false }",
    ),
    inputs: x,
    weights: { y: [[6, 2, 3, 2]] },
  },
  {
    name: "a dilated convolution",
    layers: layer("Convolution", "convolution_param { num_output: 2 kernel_size: 3 dilation: 2 pad: 2 }"),
    inputs: wide,
    weights: { y: [[2, 4, 3, 3], [2]] },
  },
  {
    name: "a transposed convolution",
    layers: layer("Deconvolution", "convolution_param { num_output: 3 kernel_size: 4 stride: 2 pad: 1 }"),
    inputs: x,
    weights: { y: [[4, 3, 4, 4], [3]] },
  },
  {
    name: "a transposed convolution for each channel, as in FCN",
    layers: layer(
      "Deconvolution",
      "convolution_param { num_output: 4 kernel_size: 4 stride: 2 group: 4 bias_term: false }",
    ),
    inputs: x,
    weights: { y: [[4, 1, 4, 4]] },
  },
  {
    name: "an inner product",
    layers: layer("InnerProduct", "inner_product_param { num_output: 5 }"),
    inputs: x,
    weights: { y: [[5, 168], [5]] },
  },
  {
    name: "a pool of maxima whose last window reaches beyond the picture",
    layers: layer("Pooling", "pooling_param { pool: MAX kernel_size: 3 stride: 2 }"),
    inputs: { x: [1, 2, 8, 6] },
  },
  {
    name: "a pool of maxima with padding",
    layers: layer("Pooling", "pooling_param { pool: MAX kernel_size: 3 stride: 2 pad: 1 }"),
    inputs: { x: [1, 2, 8, 6] },
  },
  {
    name: "a pool of maxima that leaves out a window in the padding",
    layers: layer("Pooling", "pooling_param { pool: MAX kernel_size: 2 stride: 2 pad: 1 }"),
    inputs: { x: [1, 2, 7, 5] },
  },
  {
    name: "a pool of means whose windows fit",
    layers: layer("Pooling", "pooling_param { pool: AVE kernel_size: 2 stride: 2 }"),
    inputs: { x: [1, 2, 8, 6] },
  },
  {
    name: "a pool over everything",
    layers: layer("Pooling", "pooling_param { pool: AVE global_pooling: true }"),
    inputs: x,
  },
  {
    name: "a pool of maxima over everything",
    layers: layer("Pooling", "pooling_param { pool: MAX global_pooling: true }"),
    inputs: x,
  },
  {
    name: "normalization across channels",
    layers: layer("LRN", "lrn_param { local_size: 3 alpha: 0.5 beta: 0.75 }"),
    inputs: { x: [1, 7, 4, 3] },
  },
  {
    name: "normalization within a channel",
    layers: layer("LRN", "lrn_param { local_size: 3 alpha: 0.5 beta: 0.75 norm_region: WITHIN_CHANNEL }"),
    inputs: x,
  },
  {
    name: "batch normalization with a factor",
    layers: layer("BatchNorm", "batch_norm_param { use_global_stats: true eps: 1e-3 }"),
    inputs: x,
    weights: { y: [[4], [4], [1]] },
    positive: true,
  },
  {
    name: "a scale and a bias",
    layers: layer("Scale", "scale_param { bias_term: true }"),
    inputs: x,
    weights: { y: [[4], [4]] },
  },
  { name: "a scale without a bias", layers: layer("Scale"), inputs: x, weights: { y: [[4]] } },
  {
    name: "a sum with coefficients",
    layers: layer("Eltwise", "eltwise_param { operation: SUM coeff: 1 coeff: -0.5 }", ["x", "z"]),
    inputs: { x: [1, 3, 4, 2], z: [1, 3, 4, 2] },
  },
  {
    name: "a product of three",
    layers: layer("Eltwise", "eltwise_param { operation: PROD }", ["x", "z", "w"]),
    inputs: { x: [1, 3, 4, 2], z: [1, 3, 4, 2], w: [1, 3, 4, 2] },
  },
  {
    name: "a maximum",
    layers: layer("Eltwise", "eltwise_param { operation: MAX }", ["x", "z"]),
    inputs: { x: [1, 3, 4, 2], z: [1, 3, 4, 2] },
  },
  {
    name: "channels joined",
    layers: layer("Concat", "", ["x", "z"]),
    inputs: { x: [1, 3, 4, 2], z: [1, 2, 4, 2] },
  },
  {
    name: "rows joined",
    layers: layer("Concat", "concat_param { axis: 2 }", ["x", "z"]),
    inputs: { x: [1, 3, 4, 2], z: [1, 3, 1, 2] },
  },
  {
    name: "channels divided at points",
    layers: layer("Slice", "slice_param { axis: 1 slice_point: 1 slice_point: 3 }", ["x"], ["y", "z", "w"]),
    inputs: x,
  },
  { name: "one row", layers: layer("Flatten"), inputs: x },
  { name: "some axes in one", layers: layer("Flatten", "flatten_param { axis: 1 end_axis: 2 }"), inputs: x },
  {
    name: "another shape",
    layers: layer("Reshape", "reshape_param { shape { dim: 0 dim: -1 dim: 2 } }"),
    inputs: x,
  },
  {
    name: "another shape of some axes",
    layers: layer("Reshape", "reshape_param { axis: 1 num_axes: 1 shape { dim: 2 dim: -1 } }"),
    inputs: x,
  },
  { name: "other axes", layers: layer("Permute", "permute_param { order: 0 order: 2 order: 3 order: 1 }"), inputs: x },
  {
    name: "a part as large as another blob",
    layers: layer("Crop", "crop_param { axis: 2 offset: 1 offset: 2 }", ["x", "z"]),
    inputs: { ...x, z: [1, 4, 4, 3] },
  },
  { name: "a rectifier", layers: layer("ReLU"), inputs: x },
  { name: "a leaky rectifier", layers: layer("ReLU", "relu_param { negative_slope: 0.1 }"), inputs: x },
  { name: "a rectifier with a slope a channel", layers: layer("PReLU"), inputs: x, weights: { y: [[4]] } },
  { name: "an exponential unit", layers: layer("ELU", "elu_param { alpha: 1 }"), inputs: x },
  { name: "a sigmoid", layers: layer("Sigmoid"), inputs: x },
  { name: "a hyperbolic tangent", layers: layer("TanH"), inputs: x },
  { name: "absolute values", layers: layer("AbsVal"), inputs: x },
  { name: "a soft rectifier", layers: layer("BNLL"), inputs: x },
  { name: "a power", layers: layer("Power", "power_param { power: 3 scale: 0.5 shift: 1 }"), inputs: x },
  { name: "a softmax over channels", layers: layer("Softmax"), inputs: x },
  { name: "a softmax over columns", layers: layer("Softmax", "softmax_param { axis: 3 }"), inputs: x },
  {
    name: "mean and variance normalized in each channel",
    layers: layer("MVN", "mvn_param { eps: 1e-9 }"),
    inputs: x,
  },
  {
    name: "the mean alone across channels",
    layers: layer("MVN", "mvn_param { normalize_variance: false across_channels: true }"),
    inputs: x,
  },
  {
    name: "unit length over channels, with a scale for each, as in SSD",
    layers: layer("Normalize", "norm_param { across_spatial: false channel_shared: false }"),
    inputs: x,
    weights: { y: [[4]] },
  },
  {
    name: "unit length over everything",
    layers: layer("Normalize", "norm_param { across_spatial: true channel_shared: true }"),
    inputs: x,
    weights: { y: [[1]] },
  },
  {
    name: "prior boxes",
    layers: layer(
      "PriorBox",
      "prior_box_param { min_size: 6 max_size: 10 aspect_ratio: 2 flip: true clip: false variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2 }",
      ["x", "z"],
    ),
    inputs: { x: [1, 2, 3, 4], z: [1, 3, 24, 32] },
  },
  {
    name: "prior boxes of three ratios, limited to the picture, with a step",
    layers: layer(
      "PriorBox",
      "prior_box_param { min_size: 10 aspect_ratio: 2 aspect_ratio: 3 flip: true clip: true variance: 0.1 step: 8 offset: 0.5 }",
      ["x", "z"],
    ),
    inputs: { x: [1, 2, 3, 4], z: [1, 3, 24, 32] },
  },
  {
    name: "a bilinear enlargement from corner to corner",
    layers: layer("Interp", "interp_param { height: 9 width: 13 }"),
    inputs: { x: [1, 2, 5, 4] },
  },
  {
    name: "a bilinear enlargement by a factor",
    layers: layer("Interp", "interp_param { zoom_factor: 2 }"),
    inputs: { x: [1, 2, 5, 4] },
  },
  {
    name: "channels shuffled",
    layers: layer("ShuffleChannel", "shuffle_channel_param { group: 3 }"),
    inputs: { x: [1, 6, 2, 3] },
  },
  {
    name: "dropout, which drops nothing here",
    layers: layer("Dropout", "dropout_param { dropout_ratio: 0.4 }"),
    inputs: x,
  },
];
