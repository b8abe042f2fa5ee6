import { floatTensor, intTensor, type Tensor } from "../../../src/onnx/index.ts";
import type { OpRow } from "../row.ts";

const domain = "com.microsoft";
const LACKING = "ONNX Runtime has no kernel for it on the CPU";
const UNFUSED = "ONNX Runtime's kernel lacks this activation";

const own = (op: string, inputs: OpRow["in"], row: Partial<OpRow> = {}): OpRow => ({
  op,
  domain,
  in: inputs,
  by: Object.entries(inputs).flatMap(([name, input]) => (input !== null && !("data" in input) ? [name] : [])),
  ...row,
});

const conv = { X: [1, 2, 4, 4], W: [3, 2, 3, 3], B: [3] };
const last = { X: [1, 4, 4, 2], W: [3, 2, 3, 3], B: [3] };
/** Two groups, and each of the attributes that place the windows. */
const placed = { group: 2, dilations: [2, 1], strides: [1, 2], pads: [1, 0, 1, 1] };
const inGroups = { X: [1, 4, 4, 5], W: [2, 2, 2, 3], B: [2] };
const inGroupsLast = { ...inGroups, X: [1, 4, 5, 4] };
const gemm = { A: [2, 4], B: [4, 3], C: [3] };
const no = { type: "bool", shape: [], data: Uint8Array.of(0) } as const;
const whole = (shape: number[], values: number[]): Tensor => ({ type: "int32", shape, data: Int32Array.from(values) });
const ids = whole([2, 3], [0, 2, 1, 3, 3, 0]);
const kinds = whole([2, 3], [0, 1, 1, 0, 0, 1]);
const mask = whole([2, 3], [1, 1, 0, 1, 0, 0]);
const embeddings = { words: [4, 6], places: [5, 6], kinds: [2, 6], gamma: [6], beta: [6] };

export const microsoftRows: readonly OpRow[] = [
  own("BiasAdd", { X: [2, 3, 4], bias: [4], skip: [2, 3, 4] }, { withoutForward: LACKING }),
  own("BiasDropout", { X: [2, 3, 4], bias: [4], residual: [2, 3, 4] }, { withoutForward: LACKING }),
  own("BiasDropout", { X: [2, 4], bias: [4] }, { withoutForward: LACKING }),
  own(
    "BiasDropout",
    { X: [2, 4], bias: [4], residual: null, ratio: floatTensor([], [0.3]), training: no },
    { withoutForward: LACKING, note: "not in training" },
  ),
  own("BitmaskBiasDropout", { X: [2, 3, 4], bias: [4], residual: [2, 3, 4] }, { withoutForward: LACKING }),
  own("BitmaskDropout", { X: [2, 4] }, { withoutForward: LACKING }),
  own("BiasGelu", { X: [2, 3, 4], bias: [4] }),
  own("BiasSplitGelu", { X: [2, 3, 8], bias: [8] }, { withoutForward: LACKING }),
  own(
    "BiasSoftmax",
    { X: [2, 2, 3, 4], bias: [2, 1, 1, 4] },
    { attrs: { axis: 3, is_inner_broadcast: 1 }, withoutForward: LACKING },
  ),
  own(
    "BiasSoftmax",
    { X: [2, 3, 4], bias: [1, 3, 4] },
    { attrs: { axis: 1, is_inner_broadcast: 0 }, withoutForward: LACKING },
  ),
  own("BiasSoftmax", { X: [2, 3, 4], bias: [3, 4] }, { attrs: { axis: -2 }, withoutForward: LACKING }),
  own("CDist", { A: [3, 4], B: [2, 4] }, { attrs: { metric: "euclidean" } }),
  own("CDist", { A: [3, 4], B: [2, 4] }, { attrs: { metric: "sqeuclidean" } }),
  own("ConvTransposeWithDynamicPads", { X: [1, 2, 3, 3], W: [2, 3, 3, 3], pads: intTensor([1, 0, 1, 0]), B: [3] }),
  own(
    "ConvTransposeWithDynamicPads",
    { X: [1, 4, 3, 3], W: [4, 1, 3, 2], pads: intTensor([1, 0, 0, 1]) },
    { attrs: { group: 2, strides: [2, 3], dilations: [1, 2], output_padding: [1, 2] } },
  ),
  own(
    "ConvTransposeWithDynamicPads",
    { X: [1, 1, 3, 3], W: [1, 2, 3, 4], pads: intTensor([0, 0, 0, 0]) },
    { attrs: { auto_pad: "SAME_UPPER", strides: [2, 3] } },
  ),
  own("EmbedLayerNormalization", { ids, segments: kinds, ...embeddings }, { outputs: 2, attrs: { epsilon: 0.01 } }),
  own(
    "EmbedLayerNormalization",
    { ids, segments: null, words: [4, 6], places: [5, 6], kinds: null, gamma: [6], beta: [6] },
    { outputs: 3 },
  ),
  ...[
    [2, 0, 4],
    [2, 0, 4, 1, 1, 3],
  ].map((places) =>
    own(
      "EmbedLayerNormalization",
      { ids, segments: kinds, ...embeddings, mask, positions: whole([places.length / 3, 3], places) },
      { outputs: 3, note: "positions and a mask" },
    ),
  ),
  own("ExpandDims", { X: [2, 3], axis: { type: "int32", shape: [], data: Int32Array.of(-1) } }),
  own("FastGelu", { X: [2, 3, 4], bias: [4] }),
  own("FastGelu", { X: [2, 3] }),
  ...["Relu", "Sigmoid", "Tanh"].map((activation) => own("FusedConv", conv, { attrs: { activation } })),
  own("FusedConv", conv, { attrs: { activation: "LeakyRelu", activation_params: [0.3] } }),
  own("FusedConv", conv, { attrs: { activation: "HardSigmoid", activation_params: [0.3, 0.6] } }),
  own("FusedConv", conv, { attrs: { activation: "Clip", activation_params: [-0.5, 0.7] } }),
  own("FusedConv", { ...conv, Z: [1, 3, 4, 4] }, { attrs: { activation: "Relu", pads: [1, 1, 1, 1] } }),
  own("FusedConv", inGroups, { attrs: { activation: "Tanh", ...placed } }),
  own("FusedConv", conv, { attrs: { activation: "Tanh", auto_pad: "SAME_UPPER" } }),
  own("GemmFastGelu", { X: [2, 4], W: [4, 3], bias: [3] }, { withoutForward: LACKING }),
  own("GemmFastGelu", { X: [2, 4], W: [4, 3] }, { withoutForward: LACKING }),
  own("FusedGemm", gemm, { attrs: { activation: "Relu", alpha: 0.5, beta: 2 } }),
  own("FusedGemm", gemm, { attrs: { activation: "LeakyRelu", activation_alpha: 0.3 } }),
  own(
    "FusedGemm",
    { A: [4, 2], B: [3, 4], C: [3] },
    { attrs: { activation: "Elu", activation_alpha: 0.8, transA: 1, transB: 1 } },
  ),
  ...["Sigmoid", "Softplus", "Softsign", "Tanh"].map((activation) => own("FusedGemm", gemm, { attrs: { activation } })),
  own("FusedGemm", gemm, { attrs: { activation: "HardSigmoid", activation_alpha: 0.3, activation_beta: 0.6 } }),
  own("FusedGemm", gemm, { attrs: { activation: "ThresholdedRelu", activation_alpha: 0.4 } }),
  own("FusedGemm", gemm, {
    attrs: { activation: "Selu", activation_alpha: 1.2, activation_gamma: 0.7 },
    withoutForward: UNFUSED,
  }),
  own("FusedGemm", gemm, { attrs: { activation: "Celu", activation_alpha: 0.6 }, withoutForward: UNFUSED }),
  ...["HardSwish", "Mish"].map((activation) =>
    own("FusedGemm", gemm, { attrs: { activation }, withoutForward: UNFUSED }),
  ),
  own("FusedMatMul", { A: [2, 3, 4], B: [2, 4, 3] }, { attrs: { alpha: 0.5 } }),
  own("FusedMatMul", { A: [2, 4, 3], B: [2, 5, 4] }, { attrs: { transA: 1, transB: 1 } }),
  own("FusedMatMul", { A: [3, 2, 4], B: [4, 2, 5] }, { attrs: { transBatchA: 1, transBatchB: 1 } }),
  own(
    "FusedMatMul",
    { A: [4, 2, 3], B: [5, 2, 4] },
    { attrs: { transA: 1, transB: 1, transBatchA: 1, transBatchB: 1 } },
  ),
  own("FusedMatMul", { A: [2, 3, 2, 4], B: [3, 2, 4, 5] }, { attrs: { transBatchA: 1 } }),
  own(
    "FusedMatMulActivation",
    { A: [2, 4], B: [4, 3] },
    { attrs: { activation: "Tanh", alpha: 2 }, withoutForward: LACKING },
  ),
  own(
    "FusedMatMulActivation",
    { A: [4, 2, 3], B: [5, 2, 4] },
    {
      attrs: {
        activation: "HardSigmoid",
        activation_alpha: 0.3,
        activation_beta: 0.6,
        transA: 1,
        transB: 1,
        transBatchA: 1,
        transBatchB: 1,
      },
      withoutForward: LACKING,
    },
  ),
  own(
    "FusedMatMulActivation",
    { A: [2, 4], B: [4, 3] },
    { attrs: { activation: "Selu", activation_alpha: 1.2, activation_gamma: 0.7 }, withoutForward: LACKING },
  ),
  own(
    "FusedMatMulActivation",
    { A: [2, 2, 4], B: [2, 4, 3] },
    { attrs: { activation: "Softmax", activation_axis: 1 }, withoutForward: LACKING },
  ),
  own("GatherND", { X: [2, 3, 4], places: intTensor([1, 2, 0, 1], [2, 2]) }),
  own("Gelu", { X: [2, 3] }),
  own(
    "GroupNorm",
    { X: [2, 2, 3, 4], gamma: [4], beta: [4] },
    { attrs: { groups: 2, activation: 1, epsilon: 0.1 }, withoutForward: LACKING },
  ),
  own(
    "GroupNorm",
    { X: [2, 4, 2, 3], gamma: [4], beta: [4] },
    { attrs: { groups: 2, channels_last: 0 }, withoutForward: LACKING },
  ),
  own(
    "LayerNormalization",
    { X: [2, 3, 4], scale: [3, 4] },
    { attrs: { axis: 1, epsilon: 0.1 }, withoutForward: LACKING },
  ),
  own("NhwcConv", last, { attrs: { pads: [1, 1, 1, 1], strides: [2, 2] }, withoutForward: LACKING }),
  own("NhwcConv", inGroupsLast, { attrs: placed, withoutForward: LACKING }),
  own("NhwcConv", last, { attrs: { auto_pad: "SAME_LOWER", strides: [2, 1] }, withoutForward: LACKING }),
  own("NhwcFusedConv", { ...last, Z: [1, 2, 2, 3] }, { attrs: { activation: "Tanh" }, withoutForward: LACKING }),
  own("NhwcFusedConv", inGroupsLast, {
    attrs: { activation: "HardSigmoid", activation_params: [0.3, 0.6], ...placed },
    withoutForward: LACKING,
  }),
  own("NhwcFusedConv", last, { attrs: { activation: "Tanh", auto_pad: "SAME_LOWER" }, withoutForward: LACKING }),
  own("Pad", { X: [2, 3], pads: intTensor([1, 0, 0, 2]), value: [1] }),
  own("Pad", { X: [2, 3], pads: intTensor([1, 0, 0, 2]) }, { attrs: { mode: "reflect" } }),
  own("QuickGelu", { X: [2, 3] }),
  own("QuickGelu", { X: [2, 3] }, { attrs: { alpha: 0.7 } }),
  own(
    "SkipGroupNorm",
    { X: [2, 2, 3, 4], gamma: [4], beta: [4], skip: [2, 4], bias: [4] },
    { attrs: { groups: 2 }, outputs: 2, withoutForward: LACKING },
  ),
  own(
    "SkipGroupNorm",
    { X: [2, 4, 2, 3], gamma: [4], beta: [4], skip: [2, 4], bias: [4] },
    { attrs: { groups: 2, activation: 1, channels_last: 0, epsilon: 0.1 }, outputs: 2, withoutForward: LACKING },
  ),
  own(
    "SkipGroupNorm",
    { X: [1, 2, 3, 4], gamma: [4], beta: [4], skip: [1, 2, 3, 4] },
    { attrs: { groups: 4 }, withoutForward: LACKING },
  ),
  own("SkipLayerNormalization", { X: [2, 3, 4], skip: [2, 3, 4], gamma: [4], beta: [4] }),
  own(
    "SkipLayerNormalization",
    { X: [2, 3, 4], skip: [2, 3, 4], gamma: [4], beta: null, bias: [4] },
    { attrs: { epsilon: 0.1 } },
  ),
  own(
    "SkipLayerNormalization",
    { X: [2, 3, 4], skip: [2, 3, 4], gamma: [4], beta: [4], bias: [4] },
    { outputs: 4, withoutForward: "Its kernel leaves out the mean and the deviation" },
  ),
  own(
    "SkipLayerNormalization",
    { X: [2, 3, 4], skip: [3, 4], gamma: [4], beta: [4] },
    { note: "one skip for the batch" },
  ),
  own(
    "SimplifiedLayerNormalization",
    { X: [2, 3, 4], scale: [3, 4] },
    { attrs: { axis: 1, epsilon: 0.1 }, withoutForward: LACKING },
  ),
  own("SkipSimplifiedLayerNormalization", { X: [2, 3, 4], skip: [2, 3, 4], gamma: [4], bias: [4] }),
  own("SkipSimplifiedLayerNormalization", { X: [2, 3, 4], skip: [2, 3, 4], gamma: [4] }, { attrs: { epsilon: 0.1 } }),
  own("TransposeMatMul", { A: [2, 4, 3], B: [2, 4, 5] }, { attrs: { transA: 1, alpha: 0.5 } }),
  own("TransposeMatMul", { A: [2, 3, 4], B: [2, 5, 4] }, { attrs: { transB: 1 } }),
  own("Trilu", { X: [2, 3, 4] }, { attrs: { upper: 0 } }),
];
