import { expect, test } from "vitest";
import { constant } from "../../src/autodiff/index.ts";
import { differentiable } from "../../src/autodiff/operators/index.ts";
import { composites } from "../../src/onnx/composites/index.ts";
import { operatorKey } from "../../src/onnx/index.ts";
import { formatFacts } from "../../src/onnx/operator-facts.ts";
import { interpret } from "../reference/interpret.ts";
import { compositeFamilies } from "../rows/composites/index.ts";
import { rows } from "../rows/index.ts";
import { problemOf, to64 } from "../rows/problem.ts";
import type { OpRow, Row } from "../rows/row.ts";

/** Attributes on which no row depends, by the reason. */
const idle: Readonly<Record<string, readonly string[]>> = {
  "The shape of the weights says it.": [
    ...["Conv", "ConvTranspose", "DeformConv", "com.microsoft:ConvTransposeWithDynamicPads", "com.microsoft:FusedConv"],
    ...["com.microsoft:NhwcConv", "com.microsoft:NhwcFusedConv"],
  ].map((op) => `${op}.kernel_shape`),
  "It is a precision or a rounding to types of 8 bits.": [
    ...["Attention", "ai.onnx.preview:FlexAttention"].map((op) => `${op}.softmax_precision`),
    ...["Cast", "CastLike"].flatMap((op) => [`${op}.round_mode`, `${op}.saturate`]),
    ...["GroupNormalization", "LayerNormalization", "RMSNormalization", "Range", "SimplifiedLayerNormalization"].map(
      (op) => `${op}.stash_type`,
    ),
    ...["LayerNormalization", "SimplifiedLayerNormalization"].map((op) => `com.microsoft:${op}.stash_type`),
  ],
  "It changes how something is computed or laid out, and not what.": [
    "LinearAttention.chunk_size",
    "com.microsoft:GatedDeltaNet.chunk_size",
    "com.microsoft:LinearAttention.chunk_size",
    "MaxPool.storage_order",
    "com.microsoft:EmbedLayerNormalization.mask_index_type",
    "com.microsoft:MRotaryEmbedding.is_packed_batching",
    "com.microsoft:RotaryEmbedding.is_packed_batching",
  ],
  "Nothing is drawn at random in inference.": ["BiasDropout", "BitmaskBiasDropout", "BitmaskDropout"].map(
    (op) => `com.microsoft:${op}.seed`,
  ),
  "Inputs and outputs say it.": [
    "BitCast.to",
    "Split.num_outputs",
    "com.microsoft:BiasSoftmax.is_inner_broadcast",
    "com.microsoft:CausalConvWithState.input_channels",
    "com.microsoft:DecoderMaskedMultiHeadAttention.output_qk",
    "com.microsoft:MRotaryEmbedding.rotary_embedding_dim",
    "com.microsoft:RotaryEmbedding.rotary_embedding_dim",
  ],
  "The definition allows one value alone, or leaves open what others mean; these are refused.": [
    "com.microsoft:CausalConvWithState.ndim",
    ...["Irfft", "Rfft"].flatMap((op) => ["normalized", "onesided"].map((name) => `com.microsoft:${op}.${name}`)),
  ],
  "Packed tokens have no padding that it could mask.": ["com.microsoft:PackedMultiHeadAttention.mask_filter_value"],
  "It belongs to what is refused.": [
    ...["delta_offset", "group_size"].map((name) => `com.microsoft:VarlenCausalConvWithState.${name}`),
    "com.microsoft:GatedDeltaNet.state_update_capacity",
    ...["k_cache_dtype", "k_quant_type", "v_cache_dtype", "v_quant_type"].map(
      (name) => `com.microsoft:PagedAttention.${name}`,
    ),
    ...["do_rotary", "past_present_share_buffer", "rotary_embedding_dim"].map(
      (name) => `com.microsoft:Attention.${name}`,
    ),
    "com.microsoft:DecoderMaskedMultiHeadAttention.past_present_share_buffer",
    "com.microsoft:MoE.use_sparse_mixer",
    ...[
      "k_norm_epsilon",
      "k_quant_type",
      "kv_cache_bit_width",
      "q_norm_epsilon",
      "sliding_window_cache",
      "v_quant_type",
    ].map((name) => `com.microsoft:GroupQueryAttention.${name}`),
  ],
  "Only a tensor without entries differs, or the order of entries that has none.": ["Reshape.allowzero", "TopK.sorted"],
  "Its cases stand elsewhere: test/onnx/composites.test.ts and test/autodiff/straight-through.test.ts.": [
    ...["prob_mod", "score_mod"].map((name) => `ai.onnx.preview:FlexAttention.${name}`),
    ...["Quantize", "QuantizeFloat"].map((op) => `${op}.derivative`),
  ],
};

const isOne = (row: Row): row is OpRow => "op" in row;

/** What a row computes by the definition, as text; `undefined` where it cannot, such as without an attribute that is required. */
function computed(row: OpRow): string | undefined {
  try {
    const { model, point, targets } = problemOf(row);
    const values = interpret(model.onnx.graph, to64(point));
    return JSON.stringify(targets.map((name) => [values.get(name)!.shape, [...values.get(name)!.data]]));
  } catch {
    return undefined;
  }
}

/** Attributes, as `operator.attribute`, without which a row computes something else. */
function depended(all: readonly OpRow[]): Set<string> {
  const found = new Set<string>();
  for (const row of all) {
    for (const name of Object.keys(row.attrs ?? {})) {
      const key = `${operatorKey(row)}.${name}`;
      if (found.has(key)) continue;
      const { [name]: _, ...attrs } = row.attrs!;
      if (computed({ ...row, attrs }) !== computed(row)) found.add(key);
    }
  }
  return found;
}

/** They are tried by test/onnx/recurrent.test.ts, test/onnx/draws.test.ts and test/onnx/machine-learning.test.ts. */
const isTriedElsewhere = (key: string) =>
  ["GRU", "LSTM", "RNN"].includes(key) || formatFacts(key).isRandom === true || key.startsWith("ai.onnx.ml:");

test("every attribute has a row whose result depends on it", () => {
  const found = depended([...rows, ...Object.values(compositeFamilies).flat()].filter(isOne));
  const declared = Object.entries({ ...differentiable, ...composites })
    .filter(([key]) => !isTriedElsewhere(key))
    .filter(([, entry]) => !("rule" in entry && entry.rule === constant))
    .flatMap(([key, { attributes = [] }]) => attributes.map((name) => `${key}.${name}`));
  expect(declared.filter((name) => !found.has(name)).sort()).toEqual(Object.values(idle).flat().sort());
});
