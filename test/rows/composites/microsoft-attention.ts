import type { Shape } from "../../../src/base/index.ts";
import type { Tensor } from "../../../src/onnx/index.ts";
import { intTensor } from "../../../src/onnx/index.ts";
import type { OpRow } from "../row.ts";

const domain = "com.microsoft";

const whole = (values: readonly number[], shape: Shape = [values.length]): Tensor => ({
  type: "int32",
  shape,
  data: Int32Array.from(values),
});

/** Zeros and ones of which every row has a one at its start. */
const marks = (shape: Shape): Tensor =>
  whole(
    Array.from({ length: shape.reduce((product, extent) => product * extent, 1) }, (_, i) =>
      i % shape.at(-1)! === 0 || i % 3 !== 1 ? 1 : 0,
    ),
    shape,
  );

const attention = (row: Partial<OpRow> = {}): OpRow => ({
  op: "Attention",
  domain,
  in: { X: [2, 3, 4], W: [4, 12], B: [12] },
  by: ["X", "W", "B"],
  ...row,
  attrs: { num_heads: 2, ...row.attrs },
});

const x = { X: [2, 3, 4], W: [4, 12], B: [12] };

const heads = (row: Partial<OpRow> = {}): OpRow => ({
  op: "MultiHeadAttention",
  domain,
  in: { Q: [2, 3, 4], K: [2, 5, 4], V: [2, 5, 6] },
  by: ["Q", "K", "V"],
  ...row,
  attrs: { num_heads: 2, ...row.attrs },
});

const q = { Q: [2, 3, 4], K: [2, 5, 4], V: [2, 5, 6] };

const grouped = (row: Partial<OpRow> = {}): OpRow => ({
  op: "GroupQueryAttention",
  domain,
  in: { Q: [2, 3, 32], K: [2, 3, 16], V: [2, 3, 16], ...prompt },
  by: ["Q", "K", "V"],
  outputs: 3,
  ...row,
  attrs: { num_heads: 4, kv_num_heads: 2, ...row.attrs },
});

const prompt = { past_key: null, past_value: null, counts: whole([2, 2]), total: whole([3], []) };
const g = { Q: [2, 3, 32], K: [2, 3, 16], V: [2, 3, 16] };
const step = {
  Q: [2, 1, 32],
  K: [2, 1, 16],
  V: [2, 1, 16],
  past_key: [2, 2, 3, 8],
  past_value: [2, 2, 3, 8],
  counts: whole([3, 3]),
  total: whole([4], []),
};
const ofOtherLengths: readonly Partial<OpRow>[] = [
  { note: "samples of other lengths" },
  { attrs: { local_window_size: 2 }, note: "samples of other lengths in a window" },
  { attrs: { softcap: 0.8, scale: 0.4 }, note: "samples of other lengths" },
  { attrs: { smooth_softmax: 1 }, note: "samples of other lengths" },
];
/** Caches of which only a part is filled. */
const room = { past_key: [2, 2, 6, 8], past_value: [2, 2, 6, 8] };
const wideRoom = { past_key: [2, 2, 6, 16], past_value: [2, 2, 6, 16] };
const caches = { cos: [8, 8], sin: [8, 8] };
/** The kernel turns heads whose size is a multiple of 16. */
const wide = { Q: [2, 3, 64], K: [2, 3, 32], V: [2, 3, 32] };
const wideStep = {
  ...step,
  Q: [2, 1, 64],
  K: [2, 1, 32],
  V: [2, 1, 32],
  past_key: [2, 2, 3, 16],
  past_value: [2, 2, 3, 16],
};

const rotated = (row: Partial<OpRow>): OpRow => ({
  op: "RotaryEmbedding",
  domain,
  in: { X: [2, 3, 4, 6], positions: intTensor([0, 3, 1, 2, 6, 5, 4, 0], [2, 4]), cos: [8, 3], sin: [8, 3] },
  by: ["X"],
  ...row,
});

const shared = { Q: [2, 1, 4], K: [2, 1, 4], V: [2, 1, 4] };
/** Room for four entries. */
const cache = { past_key: [2, 2, 4, 2], past_value: [2, 2, 4, 2] };

/** Two layouts of three blocks of 16. */
const layout = {
  rows: whole([0, 1, 3, 5, 0, 1, 2, 4], [2, 4]),
  blocks: whole([0, 0, 1, 1, 2, 0, 1, 0, 2, -1], [2, 5]),
};
const sparsePrompt = {
  Q: [1, 40, 16],
  K: [1, 40, 8],
  V: [1, 40, 8],
  past_key: [1, 1, 48, 8],
  past_value: [1, 1, 48, 8],
  ...layout,
  total: whole([40]),
  lengths: whole([40]),
};
const sparseStep = { ...sparsePrompt, Q: [1, 1, 16], K: [1, 1, 8], V: [1, 1, 8] };

const sparse = (row: Partial<OpRow> = {}): OpRow => ({
  op: "SparseAttention",
  domain,
  in: sparsePrompt,
  by: ["Q", "K", "V", "past_key", "past_value"],
  outputs: 3,
  withoutForward: "Its kernel writes into its inputs",
  ...row,
  attrs: { num_heads: 2, kv_num_heads: 1, sparse_block_size: 16, ...row.attrs },
});

const GPU = "ONNX Runtime has no kernel for it on the CPU";
/** Two samples of three and two tokens, of at most four. */
const offsets = whole([0, 1, 2, 4, 5, 3, 6, 7], [2, 4]);
const ends = whole([0, 3, 5]);

const LATER = "ONNX Runtime 1.30 does not know these attributes";

const tokens = (row: Partial<OpRow>): OpRow => ({
  op: "PackedMultiHeadAttention",
  domain,
  in: { Q: [5, 4], K: [5, 4], V: [5, 6], bias: null, offsets, ends },
  by: ["Q", "K", "V"],
  withoutForward: GPU,
  ...row,
  attrs: { num_heads: 2, ...row.attrs },
});

const linear = (row: Partial<OpRow>): OpRow => ({
  op: "LinearAttention",
  domain,
  in: { query: [2, 3, 8], key: { shape: [2, 3, 4], from: "unit" }, value: [2, 3, 6] },
  by: ["query", "key", "value"],
  outputs: 2,
  ...row,
  attrs: { q_num_heads: 4, kv_num_heads: 2, update_rule: "linear", ...row.attrs },
});

const causal = (row: Partial<OpRow>): OpRow => ({
  op: "CausalConvWithState",
  domain,
  in: { X: [2, 3, 5], W: [3, 1, 4], B: [3] },
  by: ["X", "W", "B"],
  outputs: 2,
  ...row,
});

export const microsoftAttentionRows: readonly OpRow[] = [
  attention(),
  attention({ in: { X: [1, 3, 4], W: [4, 12] }, by: ["X"], note: "without bias", withoutForward: "It needs a bias" }),
  attention({ in: { ...x, mask: whole([2, 3]) }, note: "lengths" }),
  attention({ in: { ...x, mask: whole([2, 3, 1, 0]) }, attrs: { mask_filter_value: -1 }, note: "ends and starts" }),
  attention({ in: { ...x, mask: marks([2, 3]) }, attrs: { unidirectional: 1 } }),
  attention({ in: { ...x, mask: marks([2, 3, 3]) }, attrs: { scale: 0.3 } }),
  attention({ attrs: { unidirectional: 1 } }),
  attention({
    in: { ...x, mask: null, past: [2, 2, 2, 5, 2] },
    by: ["X", "past"],
    outputs: 2,
    attrs: { unidirectional: 1 },
    note: "with a cache",
  }),
  attention({
    in: { ...x, mask: null, past: null, bias: [2, 2, 3, 3] },
    by: ["X", "bias"],
    note: "with a bias of scores",
  }),
  attention({
    in: { X: [1, 3, 4], W: [4, 14], B: [14] },
    attrs: { qkv_hidden_sizes: [4, 4, 6] },
    note: "other widths",
  }),
  heads(),
  heads({ in: { ...q, bias: [14] }, by: ["Q", "bias"] }),
  heads({ in: { ...q, bias: null, keys: whole([2, 5]) }, note: "lengths" }),
  heads({ in: { ...q, bias: null, keys: marks([2, 5]) }, note: "marks" }),
  heads({ in: { ...q, bias: null, keys: marks([2, 3, 5]) }, note: "marks by query" }),
  heads({ in: { ...q, bias: null, keys: marks([2, 5]) }, attrs: { mask_filter_value: -1 } }),
  heads({ in: { ...q, bias: null, keys: null, added: [1, 2, 3, 5] }, by: ["K", "added"], attrs: { scale: 0.3 } }),
  heads({ in: { Q: [2, 3, 4], K: [2, 3, 4], V: [2, 3, 4] }, attrs: { unidirectional: 1 } }),
  heads({
    in: { ...q, bias: null, keys: null, added: null, past_key: [2, 2, 2, 2], past_value: [2, 2, 2, 3] },
    by: ["Q", "K", "past_key", "past_value"],
    outputs: 3,
    note: "with a cache",
    withoutForward: "It has caches of keys and values of one width only",
  }),
  heads({
    in: {
      Q: [2, 1, 4],
      K: [2, 1, 4],
      V: [2, 1, 4],
      bias: null,
      keys: null,
      added: null,
      past_key: [2, 2, 2, 2],
      past_value: [2, 2, 2, 2],
    },
    by: ["Q", "K", "past_key", "past_value"],
    outputs: 3,
    note: "a step with a cache",
  }),
  heads({
    in: { Q: [2, 3, 2, 3, 2] },
    by: ["Q"],
    note: "packed",
    withoutForward: "Its CPU kernel takes no packed inputs",
  }),
  heads({
    in: { Q: [2, 3, 4], K: [2, 5, 2, 2, 2] },
    by: ["Q", "K"],
    note: "packed keys and values",
    withoutForward: "Its CPU kernel takes no packed inputs",
  }),
  heads({ in: { Q: [2, 3, 4], K: [2, 2, 5, 2], V: [2, 2, 5, 2] }, note: "keys in parts" }),
  {
    op: "DecoderMaskedMultiHeadAttention",
    domain,
    in: {
      Q: [2, 1, 4],
      K: [2, 1, 4],
      V: [2, 1, 4],
      mask: marks([2, 3]),
      added: null,
      past_key: [2, 2, 2, 2],
      past_value: [2, 2, 2, 2],
    },
    by: ["Q", "K", "V", "past_key"],
    attrs: { num_heads: 2, mask_filter_value: -1, scale: 0.3 },
    outputs: 3,
    withoutForward: "Its kernel takes a shared cache only",
  },
  {
    op: "DecoderMaskedMultiHeadAttention",
    domain,
    in: { ...shared, mask: marks([2, 3]), added: null, ...cache, length: whole([2]) },
    by: ["Q", "K", "V", "past_key", "past_value"],
    attrs: { num_heads: 2, past_present_share_buffer: 1 },
    outputs: 3,
    note: "a cache with room",
  },
  {
    op: "DecoderMaskedMultiHeadAttention",
    domain,
    in: { Q: [2, 1, 12], K: null, V: null, mask: null, added: null, ...cache, length: whole([1]) },
    by: ["Q", "past_key"],
    attrs: { num_heads: 2, past_present_share_buffer: 1 },
    outputs: 3,
    note: "packed",
    withoutForward: "Whether its kernel takes packed inputs was not tried",
  },
  heads({
    in: { ...shared, bias: null, keys: null, added: null, ...cache, length: whole([2]) },
    by: ["Q", "K", "past_key", "past_value"],
    outputs: 3,
    note: "a cache with room",
    withoutForward: "Whether its kernel shares caches was not tried",
  }),
  sparse(),
  sparse({ attrs: { scale: 0.3 }, in: sparseStep, note: "a step" }),
  sparse({
    in: { ...sparseStep, Q: [1, 1, 32], K: null, V: null, cos: [48, 4], sin: [48, 4] },
    by: ["Q", "past_key"],
    attrs: { do_rotary: 1 },
    note: "packed and rotated",
  }),
  sparse({
    in: {
      ...sparseStep,
      Q: [1, 1, 32],
      K: [1, 1, 16],
      V: [1, 1, 16],
      past_key: [1, 2, 48, 8],
      past_value: [1, 2, 48, 8],
      cos: [48, 4],
      sin: [48, 4],
    },
    attrs: { num_heads: 4, kv_num_heads: 2, do_rotary: 1, rotary_interleaved: 1 },
    note: "two heads of keys",
  }),
  grouped({
    in: {
      ...g,
      ...prompt,
      cos: null,
      sin: null,
      positions: null,
      added: null,
      sink: null,
      k_scale: null,
      v_scale: null,
      q_norm: [8],
      k_norm: [8],
    },
    by: ["Q", "K", "q_norm", "k_norm"],
    attrs: { qk_norm_epsilon: 0.01 },
    note: "norms of heads",
    withoutForward: "Its CPU kernel has no norms of heads",
  }),
  grouped(),
  grouped({ attrs: { softcap: 0.8, scale: 0.4 } }),
  grouped({
    in: {
      Q: [1, 3, 64],
      K: null,
      V: null,
      past_key: null,
      past_value: null,
      counts: whole([2]),
      total: whole([3], []),
    },
    by: ["Q"],
    note: "packed",
  }),
  grouped({ in: { ...wide, ...prompt, ...caches }, attrs: { do_rotary: 1 }, by: ["Q", "K"], note: "rotated" }),
  grouped({ in: { ...wide, ...prompt, ...caches }, attrs: { do_rotary: 1, rotary_interleaved: 1 }, by: ["Q", "K"] }),
  grouped({ in: step, by: ["Q", "K", "V", "past_key", "past_value"], note: "a step" }),
  grouped({
    in: { ...wideStep, ...caches },
    attrs: { do_rotary: 1 },
    by: ["Q", "K", "past_value"],
    note: "a rotated step",
  }),
  grouped({
    in: { ...step, counts: whole([2, 2]), total: whole([3], []) },
    by: ["Q", "past_key"],
    note: "a cache with room",
  }),
  grouped({
    in: { ...step, ...room, counts: whole([2, 2]), total: whole([3], []) },
    by: ["Q", "K", "past_key", "past_value"],
    note: "a cache with more room",
  }),
  grouped({ in: { ...g, ...prompt, ...room }, by: ["Q", "K", "past_key"], note: "a prompt, and room" }),
  grouped({
    in: { ...g, ...prompt, counts: whole([2, 0]) },
    note: "a prompt with padding",
  }),
  grouped({
    in: { ...wide, ...prompt, ...wideRoom, ...caches, counts: whole([1, 2]) },
    attrs: { do_rotary: 1 },
    note: "a rotated prompt with padding, and room",
  }),
  grouped({
    in: {
      ...{ Q: [1, 3, 32], K: [1, 3, 16], V: [1, 3, 16], past_key: [1, 2, 6, 8], past_value: [1, 2, 6, 8] },
      ...{ counts: whole([4]), total: whole([5], []) },
    },
    by: ["Q", "K", "past_key", "past_value"],
    attrs: { local_window_size: 2 },
    note: "several tokens after two",
  }),
  ...ofOtherLengths.map((row) =>
    grouped({
      in: { ...step, ...room, counts: whole([2, 4]), total: whole([5], []) },
      by: ["Q", "K", "V", "past_key", "past_value"],
      ...row,
    }),
  ),
  grouped({
    in: { ...step, past_key: [2, 2, 4, 8], past_value: [2, 2, 4, 8], counts: whole([4, 1]), total: whole([5], []) },
    by: ["Q", "K", "past_key"],
    note: "samples of other lengths, without room",
  }),
  ...[0, 1].map((rotary_interleaved) =>
    grouped({
      in: { ...wideStep, ...wideRoom, ...caches, counts: whole([5, 2]), total: whole([6], []) },
      attrs: { do_rotary: 1, rotary_interleaved },
      by: ["Q", "K", "past_key"],
      note: "rotated samples of other lengths",
    }),
  ),
  grouped({
    in: {
      ...{ ...g, ...room, counts: whole([2, 4]), total: whole([5], []) },
      ...{ cos: null, sin: null, positions: null, added: null, sink: null, k_scale: null, v_scale: null },
      ...{ q_norm: null, k_norm: null, filled: whole([3, 2]) },
    },
    by: ["Q", "K", "past_key"],
    outputs: 1,
    note: "several tokens with padding",
    withoutForward: "ONNX Runtime 1.30 does not know chunks with padding",
  }),
  grouped({ in: step, by: ["Q", "past_key"], attrs: { local_window_size: 2 }, note: "a window" }),
  grouped({ in: { ...g, ...prompt }, attrs: { smooth_softmax: 1 }, note: "a sink" }),
  grouped({ in: { ...g, ...prompt }, attrs: { causal: 0 } }),
  ...[1, 2].flatMap((qk_output) => [
    grouped({ in: { ...g, ...prompt }, attrs: { qk_output, softcap: 0.8 }, outputs: 4 }),
    grouped({ in: step, by: ["Q", "past_key"], attrs: { qk_output, local_window_size: 2 }, outputs: 4 }),
  ]),
  grouped({
    in: { ...g, ...prompt, cos: null, sin: null, positions: null, added: null, sink: [4] },
    by: ["Q", "sink"],
    note: "sinks",
  }),
  grouped({ in: { ...g, ...prompt, cos: null, sin: null, positions: null, added: [1, 4, 3, 3] }, by: ["Q", "added"] }),
  rotated({}),
  rotated({ attrs: { interleaved: 1 } }),
  rotated({ attrs: { scale: 0.5 }, withoutForward: "Its kernel on the CPU leaves out the scale" }),
  rotated({ in: { X: [2, 4, 12], positions: intTensor([2]), cos: [8, 3], sin: [8, 3] }, note: "one position" }),
  rotated({
    in: { X: [1, 4, 12], positions: intTensor([0, 1, 2, 3], [1, 4]), cos: [8, 2], sin: [8, 2] },
    attrs: { num_heads: 2, rotary_embedding_dim: 4 },
    note: "a part",
  }),
  linear({}),
  linear({
    in: {
      query: [2, 3, 4],
      key: { shape: [2, 3, 2], from: "unit" },
      value: [2, 3, 12],
      past: [2, 4, 2, 3],
      decay: { shape: [2, 3, 4], from: "unit" },
      beta: { shape: [2, 3, 4], from: "unit" },
    },
    by: ["query", "key", "value", "past", "decay", "beta"],
    attrs: { q_num_heads: 2, kv_num_heads: 4, update_rule: "gated_delta" },
    note: "more states than heads of queries and keys",
  }),
  linear({ attrs: { scale: 0.3 } }),
  ...[2, 4].map((state_window) =>
    linear({
      in: {
        query: [2, 3, 8],
        key: { shape: [2, 3, 4], from: "unit" },
        value: [2, 3, 6],
        past: [state_window, 2, 2, 2, 3],
      },
      by: ["query", "key", "past"],
      attrs: { state_window },
      withoutForward: LATER,
    }),
  ),
  causal({}),
  causal({
    in: { X: [2, 3, 5], W: [3, 1, 4], B: null, past: [2, 3, 3] },
    by: ["X", "past"],
    attrs: { activation: "silu" },
  }),
  causal({
    in: { X: [2, 3, 5], W: [3, 1, 3], B: null, past: [2, 3, 4] },
    by: ["X", "W", "past"],
    attrs: { dilation: 2 },
    withoutForward: "ONNX Runtime 1.30 does not know its dilation",
  }),
  causal({
    in: { X: [2, 5, 3], W: [3, 1, 4], B: null, past: [2, 3, 3] },
    by: ["X", "W", "past"],
    attrs: { channels_last: 1 },
    withoutForward: LATER,
  }),
  causal({
    in: { X: [1, 3, 2, 3], W: [6, 1, 3], B: [6], past: [1, 2, 2, 3] },
    by: ["X", "past"],
    attrs: { channels_last: 1, activation: "swish" },
    note: "channels of two axes",
    withoutForward: LATER,
  }),
  ...[2, 5].map((state_window) =>
    causal({
      in: { X: [2, 3, 4], W: [3, 1, 3], B: null, past: [state_window, 2, 3, 2] },
      by: ["X", "past"],
      attrs: { state_window },
      withoutForward: LATER,
    }),
  ),
  causal({
    in: { X: [1, 4, 5], W: [2, 1, 3], B: null, past: [1, 2, 4] },
    by: ["X", "W", "past"],
    outputs: 3,
    attrs: {
      channels_last: 1,
      input_channels: 2,
      input_channel_offset: 3,
      state_channels_last: 0,
      state_length: 4,
      state_update_capacity: 6,
    },
    withoutForward: LATER,
  }),
  tokens({}),
  tokens({
    in: { Q: [5, 4], K: [5, 4], V: [5, 6], bias: [14], offsets, ends, added: [2, 1, 4, 4] },
    by: ["Q", "V", "bias", "added"],
    attrs: { scale: 0.3 },
  }),
  tokens({ in: { Q: [5, 2, 3, 2], K: null, V: null, bias: null, offsets, ends }, by: ["Q"], note: "in one" }),
  tokens({
    op: "PackedAttention",
    in: { X: [5, 3], W: [3, 12], B: [12], offsets, ends, added: [1, 2, 4, 4] },
    by: ["X", "W", "B", "added"],
  }),
  tokens({
    op: "PackedAttention",
    in: { X: [5, 3], W: [3, 12], B: [12], offsets, ends },
    by: ["X"],
    attrs: { scale: 0.3 },
  }),
  tokens({
    op: "PackedAttention",
    in: { X: [5, 3], W: [3, 14], B: [14], offsets, ends },
    by: ["X", "W"],
    attrs: { qkv_hidden_sizes: [4, 4, 6] },
  }),
  {
    op: "RemovePadding",
    domain,
    in: { X: [2, 4, 3], counts: whole([3, 2]) },
    outputs: 4,
    withoutForward: GPU,
  },
  { op: "RestorePadding", domain, in: { X: [5, 3], offsets }, withoutForward: GPU },
  {
    op: "GatedRelativePositionBias",
    domain,
    in: { Q: [2, 3, 8], bias: [8], positions: [1, 2, 3, 3], weight: [4, 6], b: [6], factor: [1, 2, 1, 1] },
    by: ["Q", "bias", "positions", "weight", "b", "factor"],
    attrs: { num_heads: 2 },
    withoutForward: GPU,
  },
  ...[0, 1].map(
    (is_bidirectional): OpRow => ({
      op: "RelativePositionBias",
      domain,
      in: { table: [8, 2], queries: intTensor([9]), keys: intTensor([9]) },
      attrs: { max_distance: 7, is_bidirectional },
      withoutForward: GPU,
    }),
  ),
];
