import type { Shape } from "../../../src/base/index.ts";
import { floatTensor, intTensor, type Tensor } from "../../../src/onnx/index.ts";
import type { OpRow } from "../row.ts";

const LACKING = "ONNX Runtime has no kernel for it";

const bools = (shape: Shape, entry: (place: number) => boolean): Tensor => ({
  type: "bool",
  shape,
  data: Uint8Array.from({ length: shape.reduce((product, extent) => product * extent, 1) }, (_, i) =>
    entry(i) ? 1 : 0,
  ),
});

const packed = (row: Partial<OpRow> = {}): OpRow => ({
  op: "Attention",
  in: { Q: [2, 3, 8], K: [2, 5, 4], V: [2, 5, 6] },
  by: ["Q", "K", "V"],
  opset: 23,
  ...row,
  attrs: { q_num_heads: 4, kv_num_heads: 2, ...row.attrs },
});

const parted = (row: Partial<OpRow> = {}): OpRow => ({
  op: "Attention",
  in: { Q: [2, 2, 3, 4], K: [2, 2, 5, 4], V: [2, 2, 5, 3] },
  by: ["Q", "K", "V"],
  opset: 23,
  ...row,
});

const q = { Q: [2, 2, 3, 4], K: [2, 2, 5, 4], V: [2, 2, 5, 3] };
const past = { past_key: [2, 2, 2, 4], past_value: [2, 2, 2, 3] };
const infinite = floatTensor([3, 5], [0, -1, 2, 0, 0.5, ...new Array(5).fill(Number.NEGATIVE_INFINITY), 1, 0, 0, 0, 0]);

const rotated = (row: Partial<OpRow>): OpRow => ({
  op: "RotaryEmbedding",
  in: { X: [2, 3, 4, 6], cos: [7, 3], sin: [7, 3], positions: intTensor([0, 3, 1, 2, 6, 5, 4, 0], [2, 4]) },
  by: ["X", "cos"],
  opset: 23,
  ...row,
});

const linear = (update_rule: string, row: Partial<OpRow> = {}): OpRow => ({
  op: "LinearAttention",
  in: {
    query: [2, 3, 8],
    key: { shape: [2, 3, 4], from: "unit" },
    value: [2, 3, 6],
    past: null,
    decay: update_rule.startsWith("gated") ? { shape: [2, 3, 4], from: "unit" } : null,
    beta: update_rule.endsWith("delta") ? { shape: [2, 3, 2], from: "unit" } : null,
  },
  by: [
    "query",
    "key",
    "value",
    ...(update_rule.startsWith("gated") ? ["decay"] : []),
    ...(update_rule.endsWith("delta") ? ["beta"] : []),
  ],
  attrs: { q_num_heads: 4, kv_num_heads: 2, update_rule },
  outputs: 2,
  opset: 27,
  withoutForward: LACKING,
  ...row,
});

const causal = (row: Partial<OpRow>): OpRow => ({
  op: "CausalConvWithState",
  in: { X: [2, 3, 5], W: [3, 1, 4], B: [3] },
  by: ["X", "W", "B"],
  outputs: 2,
  opset: 27,
  withoutForward: LACKING,
  ...row,
});

export const attentionRows: readonly OpRow[] = [
  packed(),
  packed({ in: { Q: [1, 3, 6], K: [1, 3, 6], V: [1, 3, 6] }, attrs: { q_num_heads: 2, kv_num_heads: 2 } }),
  packed({ attrs: { is_causal: 1, scale: 0.3 } }),
  packed({ attrs: { softcap: 0.7 }, note: "capped" }),
  packed({ in: { Q: [2, 3, 8], K: [2, 5, 2], V: [2, 5, 3] }, attrs: { kv_num_heads: 1 }, note: "one head of keys" }),
  parted(),
  parted({ attrs: { is_causal: 1 } }),
  parted({ in: { ...q, mask: [3, 5] }, by: ["Q", "mask"], note: "a mask of numbers" }),
  parted({ in: { ...q, mask: [2, 1, 3, 5] }, by: ["K", "mask"], attrs: { is_causal: 1 }, note: "masks by sample" }),
  parted({ in: { ...q, mask: [1, 2, 3, 5] }, by: ["V", "mask"], note: "masks by head" }),
  parted({ in: { ...q, mask: bools([3, 5], (i) => i % 3 !== 1) }, note: "a mask of truth values" }),
  parted({
    in: { ...q, mask: bools([3, 5], (i) => i > 4) },
    note: "a query without keys",
    withoutForward: "It gives NaN",
  }),
  parted({ in: { ...q, mask: infinite }, note: "a query without keys, by −∞", withoutForward: "It gives NaN" }),
  parted({ in: { ...q, mask: bools([2, 2, 3, 5], (i) => i % 4 !== 1) }, attrs: { is_causal: 1 } }),
  parted({ in: { ...q, mask: null, ...past }, by: ["Q", "past_key", "past_value"], outputs: 3, note: "with a cache" }),
  parted({ in: { ...q, mask: null, ...past }, attrs: { is_causal: 1 }, outputs: 3, note: "with a cache, causal" }),
  packed({
    in: { Q: [2, 3, 8], K: [2, 5, 4], V: [2, 5, 6], mask: null, past_key: [2, 2, 1, 2], past_value: [2, 2, 1, 3] },
    by: ["K", "past_value"],
    outputs: 3,
    note: "with a cache",
  }),
  ...[0, 1, 2, 3].map((mode) =>
    parted({
      in: { ...q, mask: [3, 7], ...past },
      attrs: { qk_matmul_output_mode: mode, softcap: 1.5 },
      outputs: 4,
    }),
  ),
  parted({
    in: { Q: [2, 4, 3, 4], K: [2, 2, 5, 4], V: [2, 2, 5, 3], mask: bools([3, 5], (i) => i > 4) },
    attrs: { qk_matmul_output_mode: 3 },
    outputs: 4,
    note: "probabilities of a query without keys",
    withoutForward: "It gives NaN",
  }),
  parted({
    in: { ...q, mask: null, past_key: null, past_value: null, counts: intTensor([4, 5]) },
    opset: 24,
    note: "keys that count",
  }),
  parted({
    in: { ...q, mask: null, past_key: null, past_value: null, counts: intTensor([4, 5]) },
    opset: 24,
    attrs: { is_causal: 1 },
    note: "keys that count, causal",
    withoutForward: "It aligns the last query by the length, not by the count",
  }),
  parted({
    in: { ...q, mask: bools([3, 4], (i) => i % 3 !== 1) },
    opset: 24,
    note: "a mask of the first keys",
    withoutForward: "It refuses a short mask",
  }),
  parted({
    in: { ...q, mask: [3, 4] },
    by: ["Q", "mask"],
    opset: 24,
    note: "a mask of the first keys, of numbers",
    withoutForward: "It refuses a short mask",
  }),
  parted({
    attrs: { left_window_size: 1, right_window_size: 2 },
    opset: 25,
    note: "a window",
    withoutForward: "It does not know windows",
  }),
  parted({
    in: { ...q, mask: null, past_key: null, past_value: null, counts: intTensor([3, 5]) },
    attrs: { left_window_size: 1, is_causal: 1 },
    opset: 25,
    note: "a window of keys that count",
    withoutForward: "It does not know windows",
  }),
  rotated({}),
  rotated({ attrs: { interleaved: 1 } }),
  rotated({ in: { X: [2, 4, 12], cos: [2, 4, 3], sin: [2, 4, 3] }, attrs: { num_heads: 2 }, note: "packed" }),
  rotated({
    in: { X: [2, 3, 4, 6], cos: [2, 4, 2], sin: [2, 4, 2] },
    attrs: { rotary_embedding_dim: 4, interleaved: 1 },
    note: "a part",
  }),
  rotated({ in: { X: [2, 4, 12], cos: [2, 4, 2], sin: [2, 4, 2] }, attrs: { num_heads: 2, rotary_embedding_dim: 4 } }),
  ...["linear", "gated", "delta", "gated_delta"].map((rule) => linear(rule)),
  linear("gated_delta", {
    in: {
      query: [1, 2, 4],
      key: [1, 2, 4],
      value: [1, 2, 6],
      past: [1, 2, 2, 3],
      decay: { shape: [1, 2, 2], from: "unit" },
      beta: { shape: [1, 2, 1], from: "unit" },
    },
    by: ["query", "past", "decay", "beta"],
    attrs: { q_num_heads: 2, kv_num_heads: 2, scale: 0.4, chunk_size: 16 },
    note: "from a state, one decay for a head, one rate for all",
  }),
  causal({}),
  causal({ attrs: { activation: "silu" } }),
  causal({ in: { X: [2, 3, 2], W: [3, 1, 4], B: null, past: [2, 3, 3] }, by: ["X", "past"], note: "from a state" }),
  causal({ in: { X: [1, 2, 3], W: [2, 1, 1] }, by: ["X", "W"], outputs: 1, attrs: { activation: "swish" } }),
  { op: "Swish", in: { X: [2, 3] }, opset: 24, withoutForward: LACKING },
  { op: "Swish", in: { X: [6] }, attrs: { alpha: 1.7 }, opset: 24, withoutForward: LACKING },
  { op: "SwiGLU", in: { A: [2, 3], B: [2, 3] }, by: ["A", "B"], opset: 28, withoutForward: LACKING },
  { op: "SwiGLU", in: { A: [6], B: [6] }, by: ["A", "B"], attrs: { alpha: 1.7 }, opset: 28, withoutForward: LACKING },
  { op: "RMSNormalization", in: { X: [2, 3, 4], scale: [4] }, by: ["X", "scale"], opset: 23 },
  ...[2, 4].map(
    (heads): OpRow => ({
      op: "FlexAttention",
      domain: "ai.onnx.preview",
      in: { Q: [2, heads, 3, 4], K: [2, 2, 5, 4], V: [2, 2, 5, 3] },
      by: ["Q", "K", "V"],
      opset: 26,
      ...(heads === 4 ? { attrs: { scale: 0.3 } } : {}),
      withoutForward: LACKING,
    }),
  ),
  { op: "SimplifiedLayerNormalization", in: { X: [2, 3, 4], scale: [4] }, by: ["X", "scale"] },
  {
    op: "SimplifiedLayerNormalization",
    in: { X: [2, 3, 4], scale: [4] },
    by: ["X", "scale"],
    attrs: { epsilon: 0.1 },
    outputs: 2,
    note: "with the inverse deviation",
  },
  {
    op: "SimplifiedLayerNormalization",
    in: { X: [2, 3, 4], scale: [3, 4] },
    by: ["X", "scale"],
    attrs: { axis: 1, epsilon: 0.1 },
  },
  { op: "RMSNormalization", in: { X: [2, 3, 4], scale: [3, 4] }, attrs: { axis: 1, epsilon: 0.1 }, opset: 23 },
];
