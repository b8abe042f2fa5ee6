const NUMBERS = "its results are whole numbers, truth values or texts, where tangents end";
const CARDS =
  "ONNX Runtime has no kernel for it on a CPU; use the model from before it was optimized for another device";
const LATER = "it is not taken apart yet";

const reasons: Readonly<Record<string, readonly string[]>> = {
  [NUMBERS]: [
    "BeamSearch",
    "BifurcationDetector",
    "DynamicTimeWarping",
    "GreedySearch",
    "IsAllFinite",
    "MurmurHash3",
    "NGramHashMapping",
    "Sampling",
    "Tokenizer",
    "WhisperBeamSearch",
  ],
  "it reads whole numbers alone, so that its result has tangents only as a source": ["WordConvEmbedding"],
  [CARDS]: [
    "DecoderAttention",
    "DecoderMaskedSelfAttention",
    "DequantizeBFP",
    "DequantizeWithOrder",
    "GemmFloat8",
    "GemmaRotaryEmbedding",
    "LongformerAttention",
    "MatMulBlockQuantizedFp4Weight",
    "MatMulBlockQuantizedFp8Weight",
    "MatMulNBitsMlp",
    "MatMulNBitsQkv",
    "PagedAttention",
    "QOrderedAttention",
    "QOrderedGelu",
    "QOrderedLayerNormalization",
    "QOrderedLongformerAttention",
    "QOrderedMatMul",
    "QuantizeBFP",
    "QuantizeWithOrder",
  ],
  "its weights are packed for one processor": ["MatMulFpQ4"],
  "ONNX Runtime keeps it for internal use, and does not describe it": ["MaxpoolWithMask"],
  "it reads a sparse tensor": ["SparseToDenseMatMul"],
  "it contains a network that was compiled for one device": ["EPContext", "Snpe"],
  [LATER]: [
    "AttnLSTM",
    "EngramGate",
    "GatedAdd",
    "GatedDeltaNet",
    "GatedRMSNorm",
    "LinearAttentionGate",
    "MRotaryEmbedding",
    "NGramRepeatBlock",
    "VarlenCausalConvWithState",
  ],
};

/** The operators of ONNX Runtime (com.microsoft) that are not taken apart, with the reason, in alphabetical order. */
export const notTakenApart: readonly (readonly [op: string, reason: string])[] = Object.entries(reasons)
  .flatMap(([reason, ops]) => ops.map((op) => [op, reason] as const))
  .sort(([a], [b]) => (a < b ? -1 : 1));
