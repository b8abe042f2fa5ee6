import type { Tensor } from "../../../src/onnx/index.ts";
import type { OpRow, RowInput } from "../row.ts";

const domain = "com.microsoft";
const CARDS = "ONNX Runtime has no kernel for it on the CPU";
const LATER = "ONNX Runtime 1.30 does not know this operator";
const whole = (...values: number[]): Tensor => ({
  type: "int32",
  shape: [values.length],
  data: Int32Array.from(values),
});

const convolution = (row: Partial<OpRow> = {}): OpRow => ({
  op: "VarlenCausalConvWithState",
  domain,
  in: { X: [5, 3], W: [3, 1, 3], ends: whole(0, 3, 5), bias: [3], past: [2, 3, 2] },
  by: ["X", "W", "bias", "past"],
  outputs: 2,
  withoutForward: LATER,
  ...row,
});

const unit = (...shape: number[]): RowInput => ({ shape, from: "unit" });
/** Five tokens in two sequences, with two heads of queries and four of values. */
const packed = { Q: [5, 2, 3], K: unit(5, 2, 3), V: [5, 4, 2], ends: whole(0, 3, 5) };
const gated = { decay: unit(5, 4), beta: unit(5, 4), start: [2, 4, 2, 3] };
const network = (row: Partial<OpRow> = {}): OpRow => ({
  op: "GatedDeltaNet",
  domain,
  in: { ...packed, ...gated },
  by: ["Q", "K", "V", "decay", "beta", "start"],
  outputs: 2,
  withoutForward: LATER,
  ...row,
});

/** Five tokens of two sequences, of which three and one came before; their entries stand in pages of two. */
const pages = {
  key_cache: [5, 2, 2, 4],
  value_cache: [5, 2, 2, 4],
  ends: whole(0, 2, 5),
  pasts: whole(3, 1),
  table: { type: "int32", shape: [2, 3], data: Int32Array.of(3, 0, 4, 1, 2, -1) } as const,
};
const paged = (row: Partial<OpRow> = {}): OpRow => ({
  op: "PagedAttention",
  domain,
  in: { Q: [5, 16], K: [5, 8], V: [5, 8], ...pages },
  by: ["Q", "K", "V", "key_cache", "value_cache"],
  outputs: 3,
  withoutForward: CARDS,
  ...row,
  attrs: { num_heads: 4, kv_num_heads: 2, ...row.attrs },
});
const turning = { cos: [6, 2], sin: [6, 2] };

const pagedRows: readonly OpRow[] = [
  paged(),
  paged({ attrs: { local_window_size: 2, softcap: 0.7, scale: 0.4 } }),
  paged({ attrs: { is_causal: 0 } }),
  paged({
    in: { Q: [5, 32], K: null, V: null, ...pages, ...turning, slots: whole(-1, 0, 3, 8, -1), sink: [4] },
    by: ["Q", "key_cache", "sink"],
    attrs: { do_rotary: 1, rotary_interleaved: 1 },
    note: "packed, turned, with slots and sinks",
  }),
  paged({
    in: {
      ...{ Q: [5, 16], K: [5, 8], V: [5, 8], ...pages, cos: [6, 1], sin: [6, 1], slots: null, sink: null },
      ...{ q_norm: [4], k_norm: [4] },
    },
    by: ["Q", "K", "q_norm"],
    attrs: { do_rotary: 1, rotary_offset: 2, qk_norm_epsilon: 0.1 },
    note: "norms, and a part that turns",
  }),
  paged({
    in: { Q: [5, 16], K: [5, 4], V: null, ...pages, key_cache: [5, 2, 1, 4], value_cache: null },
    by: ["Q", "K", "key_cache"],
    outputs: 2,
    attrs: { kv_num_heads: 1, kv_cache_layout: "LATENT", v_head_size: 3, scale: 0.4 },
    note: "latent",
  }),
];

export const microsoftVarlenRows: readonly OpRow[] = [
  ...pagedRows,
  convolution(),
  convolution({
    in: { X: [5, 3], W: [3, 1, 3], ends: whole(0, 1, 5), bias: null, past: [2, 3, 4], captured: whole(3, 2) },
    by: ["X", "W", "past"],
    outputs: 3,
    attrs: { dilation: 2, activation: "silu", state_update_capacity: 3 },
  }),
  network(),
  network({ attrs: { scale: 0.3 } }),
  network({ in: { ...packed, decay: null, beta: null }, by: ["Q", "K", "V"], attrs: { update_rule: "linear" } }),
  network({
    in: { ...packed, K: [5, 2, 3], ...gated, decay: unit(5, 4, 3), rates: [4], shifts: [4, 3] },
    by: ["Q", "K", "decay", "beta", "rates", "shifts"],
    attrs: { qk_l2_norm: 1, gate_activation: "softplus", beta_activation: "sigmoid" },
    note: "decays of keys",
  }),
  network({
    in: { ...packed, ...gated, rates: [4], shifts: [4] },
    by: ["K", "decay", "rates", "shifts"],
    attrs: { gate_activation: "kda", gate_lower_bound: -2 },
  }),
  network({
    in: { Q: [4, 20], K: null, V: null, ends: null, decay: unit(4, 4), beta: unit(4, 4), start: [2, 4, 2, 3] },
    by: ["Q", "start"],
    note: "packed, two sequences of one length",
  }),
  network({
    in: {
      Q: [2, 3, 2, 3],
      K: unit(2, 3, 2, 3),
      V: [2, 3, 4, 2],
      ends: null,
      decay: unit(2, 3, 4),
      beta: unit(2, 3, 4),
      start: [2, 4, 2, 3],
    },
    by: ["Q", "K", "V", "beta", "start"],
    note: "sequences apart",
  }),
];
