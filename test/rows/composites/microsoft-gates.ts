import { floatTensor, intTensor, type Tensor } from "../../../src/onnx/index.ts";
import type { OpRow } from "../row.ts";

const domain = "com.microsoft";
const CARDS = "ONNX Runtime has no kernel for it on the CPU";
const LATER = "ONNX Runtime 1.30 does not know this operator";

/** By all inputs that are drawn. */
const own = (op: string, inputs: OpRow["in"], row: Partial<OpRow> = {}): OpRow => ({
  op,
  domain,
  in: inputs,
  by: Object.entries(inputs).flatMap(([name, input]) => (input !== null && !("data" in input) ? [name] : [])),
  withoutForward: LATER,
  ...row,
});

const yes: Tensor = { type: "bool", shape: [1], data: Uint8Array.of(1) };
const no: Tensor = { type: "bool", shape: [1], data: Uint8Array.of(0) };

const engram = {
  ...{ key: [1, 2, 3, 4], query: [1, 2, 3, 4], value: [1, 2, 4], keyScale: [3, 4], queryScale: [3, 4] },
};

/** Positions in time, height and width of two sequences of four tokens. */
const places = intTensor([0, 3, 1, 2, 6, 5, 4, 0, 1, 1, 2, 0, 7, 3, 3, 2, 5, 4, 0, 6, 2, 7, 1, 1], [3, 2, 4]);
const caches = { cos: [8, 6], sin: [8, 6] };
const multimodal = (row: Partial<OpRow> = {}): OpRow =>
  own(
    "MRotaryEmbedding",
    { X: [2, 4, 24], positions: places, ...caches },
    { by: ["X"], ...row, attrs: { mrope_section: [2, 3, 1], ...row.attrs } },
  );

/** Three queries and five keys of two samples. */
const decoder = (
  [isStatic, usesPast, hasState, hasMask]: readonly [Tensor, Tensor, Tensor, Tensor],
  row: Partial<OpRow> & { columns?: number } = {},
): OpRow => {
  const { columns = 0, ...rest } = row;
  const mask: Tensor = {
    type: "bool",
    shape: [2, columns],
    data: Uint8Array.from({ length: 2 * columns }, (_, i) => (i % 4 === 2 ? 1 : 0)),
  };
  return own(
    "DecoderAttention",
    {
      ...{ query: [3, 2, 4], key: [5, 2, 4], q_weight: [4, 4], kv_weight: [4, 8], bias: [12] },
      ...{ mask: columns > 0 ? mask : null, key_cache: [2, 2, 2, 2], value_cache: [2, 2, 2, 2] },
      ...{ static_kv: isStatic, use_past: usesPast, has_layer_state: hasState, has_key_padding_mask: hasMask },
    },
    { outputs: 3, withoutForward: CARDS, ...rest, attrs: { num_heads: 2, ...rest.attrs } },
  );
};

const marks: Tensor = { type: "int32", shape: [2, 6], data: Int32Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0) };
const ofKeys = floatTensor([2, 6], [0, 0, 0, 0, 0, -10000, 0, 0, 0, 0, 0, 0]);

export const microsoftGatesRows: readonly OpRow[] = [
  own("GatedRMSNorm", { X: [2, 3, 4], scale: [4], gate: [2, 3, 4] }),
  own(
    "GatedRMSNorm",
    { X: [2, 8], scale: [4], gate: [2, 8] },
    { attrs: { activation: "sigmoid", epsilon: 0.1 }, note: "heads" },
  ),
  own("GatedAdd", { X: [2, 3, 4], Y: [2, 3, 4], gate: [2, 3, 1] }),
  own("GatedAdd", { X: [2, 3, 4], Y: [2, 3, 4], gate: [2, 3, 5], weights: [5, 1] }, { note: "a product with weights" }),
  own("EngramGate", engram),
  own("EngramGate", { ...engram, valueScale: [3, 4] }, { outputs: 2, attrs: { epsilon: 0.1 } }),
  own("LinearAttentionGate", { a: [2, 3, 4], bias: [4], scale: [4] }),
  own("LinearAttentionGate", { a: [2, 3, 4], bias: [4], scale: [4], b: [2, 3, 4] }, { outputs: 2 }),
  own(
    "GemmaRotaryEmbedding",
    { angles: [2, 3, 4], q: [2, 2, 3, 4], qTurned: [2, 2, 3, 4], k: [2, 1, 3, 4], kTurned: [2, 1, 3, 4] },
    { outputs: 2, withoutForward: CARDS },
  ),
  multimodal(),
  multimodal({ attrs: { mrope_layout: 1, mrope_section: [2, 2, 2] } }),
  multimodal({ attrs: { mrope_layout: 1, mrope_section: [4, 1, 1], interleaved: 1, scale: 0.5 } }),
  multimodal({ in: { X: [2, 3, 4, 12], positions: places, ...caches }, by: ["X", "cos"], note: "heads apart" }),
  multimodal({
    in: { X: [2, 4, 32], positions: places, ...caches },
    attrs: { num_heads: 2, rotary_embedding_dim: 12 },
    note: "a part",
  }),
  decoder([no, no, no, no], { note: "its own keys" }),
  decoder([no, yes, yes, no], { note: "its own keys after those of a cache" }),
  decoder([no, yes, yes, yes], { columns: 5, attrs: { mask_filter_value: -1 }, note: "the same with padding" }),
  decoder([yes, no, yes, yes], { columns: 5, note: "keys of an encoder" }),
  decoder([yes, yes, yes, no], { note: "cached keys of an encoder" }),
  ...[1, 2].map((window) =>
    own(
      "LongformerAttention",
      {
        ...{ X: [2, 6, 4], W: [4, 12], B: [12], mask: ofKeys, globalW: [4, 12], globalB: [12], marks },
      },
      { attrs: { num_heads: 2, window }, withoutForward: CARDS },
    ),
  ),
];
