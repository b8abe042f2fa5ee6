import { PushforwardError } from "../base/index.ts";
import { operatorKey } from "./graph.ts";
import type { Node, OnnxModel } from "./model.ts";

const NUMBERS = "its results are whole numbers, truth values or texts, where tangents end";
const CARDS =
  "ONNX Runtime has no kernel for it on a CPU; use the model from before it was optimized for another device";
const LATER = "it is not taken apart yet";
const DRAWN = "a random draw decides what runs in it, or of which parts it consists";
const DICTIONARY = "it reads or makes a dictionary";

const microsoft = (...ops: readonly string[]): string[] => ops.map((op) => `com.microsoft:${op}`);
const machineLearning = (...ops: readonly string[]): string[] => ops.map((op) => `ai.onnx.ml:${op}`);

/** The operators that are neither differentiated nor taken apart, by the reason. */
const reasons: Readonly<Record<string, readonly string[]>> = {
  [DRAWN]: [
    ...["ConcatFromSequence", "If", "Loop", "SequenceAt", "SequenceConstruct", "SequenceErase"],
    ...["SequenceInsert", "SequenceMap", "SplitToSequence"],
  ],
  [DICTIONARY]: machineLearning("CastMap", "DictVectorizer", "ZipMap"),
  "it is itself a derivative, and ONNX Runtime does not run it": ["ai.onnx.preview.training:Gradient"],
  [NUMBERS]: [
    ...["NonMaxSuppression", "StringSplit"],
    ...microsoft(
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
    ),
  ],
  "it reads whole numbers alone, so that its result has tangents only as a source": microsoft("WordConvEmbedding"),
  [CARDS]: microsoft(
    "DecoderMaskedSelfAttention",
    "DequantizeBFP",
    "DequantizeWithOrder",
    "GemmFloat8",
    "MatMulBlockQuantizedFp4Weight",
    "MatMulBlockQuantizedFp8Weight",
    "MatMulNBitsMlp",
    "MatMulNBitsQkv",
    "QOrderedAttention",
    "QOrderedGelu",
    "QOrderedLayerNormalization",
    "QOrderedLongformerAttention",
    "QOrderedMatMul",
    "QuantizeBFP",
    "QuantizeWithOrder",
  ),
  "its weights are packed for one processor": microsoft("MatMulFpQ4"),
  "ONNX Runtime keeps it for internal use, and does not describe it": microsoft("MaxpoolWithMask"),
  "it reads a sparse tensor": microsoft("SparseToDenseMatMul"),
  "it contains a network that was compiled for one device": microsoft("EPContext", "Snpe"),
  "its results are infinite where tokens repeat, and else its input": microsoft("NGramRepeatBlock"),
  [LATER]: microsoft("AttnLSTM"),
};

/** The operators without a rule whose reason is known, each with it: `com.microsoft:EPContext`, in alphabetical order. */
export const withoutRule: ReadonlyMap<string, string> = new Map(
  Object.entries(reasons)
    .flatMap(([reason, keys]) => keys.map((key) => [key, reason] as const))
    .sort(([a], [b]) => (a < b ? -1 : 1)),
);

/** The operator sets of ONNX and ONNX Runtime. */
const KNOWN = /^(ai\.onnx(\.ml|\.preview(\.training)?)?|com\.microsoft|)$/;

/** Why an operator has no rule; `undefined` for one of a known operator set of which nothing more is to say. */
export function whyWithoutRule(node: Pick<Node, "domain" | "op">): string | undefined {
  const reason = withoutRule.get(operatorKey(node));
  if (reason !== undefined || KNOWN.test(node.domain)) return reason;
  return `the operator set ${node.domain} belongs neither to ONNX nor to ONNX Runtime`;
}

/** An error of the backend. If it is about an operator that has no rule, the error says so, with the reason. */
export function namingWithoutRule(error: PushforwardError, { graph }: OnnxModel): PushforwardError {
  if (error.code !== "backend-failed") return error;
  const node = graph.nodes.find(({ op }) => op === error.where.op);
  const reason = node && withoutRule.get(operatorKey(node));
  if (node === undefined || reason === undefined) return error;
  return new PushforwardError("op-unsupported", {
    what: `The model does not run, and its operator ${node.op} has no rule: ${reason}.`,
    where: { ...error.where, node: node.name || node.outputs[0] },
    fix: "Use the model from before its graph was optimized or changed for a device, or cut it before this node.",
    cause: error,
  });
}
