import { floatTensor, intTensor, type Tensor } from "../../../src/onnx/index.ts";
import type { OpRow } from "../row.ts";

const domain = "com.microsoft";
const LACKING = "ONNX Runtime has no kernel for it on the CPU";

const whole = (...values: readonly number[]): Tensor => ({
  type: "int32",
  shape: [values.length],
  data: Int32Array.from(values),
});

/** Positions inside and beyond the picture, none of them on an entry. */
const positions = (shape: number[]) =>
  floatTensor(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => 1.4 * Math.sin(7.31 * i + 0.4)),
  );

const crop = (row: Partial<OpRow> = {}): OpRow => ({
  op: "CropAndResize",
  domain,
  in: {
    X: [2, 3, 5, 4],
    rois: floatTensor([3, 4], [0.11, 0.17, 0.83, 0.94, -0.3, 0.3, 0.7, 1.15, 0.9, 0.6, 0.2, 0.1]),
    batches: whole(1, 0, 1),
    size: whole(3, 2),
  },
  by: ["X", "rois"],
  ...row,
});

const experts = { X: [5, 6], router: [5, 4], w1: [4, 8, 6], b1: [4, 8], w2: [4, 6, 8], b2: [4, 6] };
const gated = { ...experts, w1: [4, 16, 6], b1: [4, 16] };

const mixture = (row: Partial<OpRow> = {}): OpRow => ({
  op: "MoE",
  domain,
  in: experts,
  by: ["X", "router", "w1", "b1", "w2", "b2"],
  ...row,
  attrs: { k: 2, ...row.attrs },
});

export const microsoftSamplingRows: readonly OpRow[] = [
  { op: "ComplexMul", domain, in: { A: [2, 3, 2], B: [2, 3, 2] }, by: ["A", "B"], withoutForward: LACKING },
  { op: "ComplexMulConj", domain, in: { A: [2, 3, 2], B: [3, 2] }, by: ["A", "B"], withoutForward: LACKING },
  crop(),
  crop({ attrs: { extrapolation_value: 0.7 } }),
  crop({ attrs: { mode: "nearest" }, by: ["X"] }),
  crop({ in: { ...crop().in, size: whole(1, 3) }, note: "one row" }),
  ...["bilinear", "bicubic"].flatMap((mode) =>
    ["zeros", "reflection"].map(
      (padding_mode): OpRow => ({
        op: "GridSample",
        domain,
        in: { X: [1, 2, 4, 5], grid: positions([1, 3, 2, 2]) },
        by: ["X", "grid"],
        attrs: { mode, padding_mode, align_corners: 1 },
      }),
    ),
  ),
  { op: "Irfft", domain, in: { X: [2, 5, 2] }, attrs: { signal_ndim: 1 }, withoutForward: LACKING },
  { op: "Irfft", domain, in: { X: [2, 3, 4, 2] }, attrs: { signal_ndim: 2 }, withoutForward: LACKING },
  { op: "Rfft", domain, in: { X: [2, 8] }, withoutForward: LACKING },
  { op: "Rfft", domain, in: { X: [2, 3, 6] }, attrs: { signal_ndim: 2, onesided: 1 }, withoutForward: LACKING },
  mixture(),
  mixture({ attrs: { k: 1, activation_type: "gelu" } }),
  mixture({ attrs: { k: 3, activation_type: "silu", normalize_routing_weights: 1 } }),
  mixture({ attrs: { activation_type: "identity" } }),
  mixture({ in: { ...experts, X: [1, 5, 6], b1: null, b2: null }, by: ["X", "router"], note: "three axes" }),
  mixture({
    in: gated,
    attrs: {
      activation_type: "swiglu",
      swiglu_fusion: 1,
      activation_alpha: 1.7,
      activation_beta: 1,
      swiglu_limit: 0.8,
      normalize_routing_weights: 1,
    },
  }),
  mixture({
    in: gated,
    attrs: {
      activation_type: "swiglu",
      swiglu_fusion: 1,
      activation_alpha: 1.7,
      swiglu_limit: 0.4,
      swiglu_limit_after_activation: 1,
    },
    withoutForward: "Its kernel on the CPU limits what comes before the activation only",
  }),
  mixture({ attrs: { activation_type: "relu2" }, withoutForward: "Its kernel on the CPU lacks this activation" }),
  mixture({
    in: gated,
    attrs: { activation_type: "geglu", swiglu_fusion: 2 },
    withoutForward: "Its kernel on the CPU lacks this activation",
  }),
  mixture({
    in: gated,
    attrs: { activation_type: "swiglu", swiglu_fusion: 2 },
    withoutForward: "Its kernel takes gates in turn only",
  }),
  mixture({
    in: { ...experts, w3: [4, 8, 6], b3: [4, 8] },
    by: ["X", "router", "w3", "b3"],
    attrs: { activation_type: "swiglu" },
    withoutForward: "Its kernel has no third layer",
  }),
  mixture({
    in: { ...experts, w3: [4, 8, 6] },
    by: ["X", "w3"],
    attrs: { activation_type: "silu" },
    withoutForward: "Its kernel has no third layer",
  }),
  {
    op: "Range",
    domain,
    in: { start: floatTensor([], [0.3]), limit: floatTensor([1], [2.9]), delta: floatTensor([], [0.7]) },
    by: ["start", "delta"],
  },
  { op: "Range", domain, in: { start: floatTensor([1], [0.3]), limit: floatTensor([], [2.9]) }, note: "a step of 1" },
  { op: "SampleOp", domain, in: { X: [2, 3] } },
  {
    op: "TorchEmbedding",
    domain,
    in: { weight: [5, 3], indices: intTensor([4, 0, 0, 2], [2, 2]) },
    withoutForward: LACKING,
  },
  { op: "UnfoldTensor", domain, in: { X: [2, 7, 3] }, attrs: { dim: 1, size: 3, step: 2 }, withoutForward: LACKING },
  { op: "UnfoldTensor", domain, in: { X: [2, 5] }, attrs: { size: 2 }, withoutForward: LACKING },
  { op: "Unique", domain, in: { X: [6] }, outputs: 3 },
];
