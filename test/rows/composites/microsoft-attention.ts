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
];
