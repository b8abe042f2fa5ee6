import type { OperatorRewriting } from "../rewrite.ts";
import { onnxAttention } from "./attention.ts";
import { causalConvolutions } from "./causal-convolution.ts";
import { flexAttention } from "./flex-attention.ts";
import { linearAttention } from "./linear-attention.ts";
import { rotaryEmbedding } from "./rotary.ts";

/** Attention, and what models with it consist of, as ONNX defines them. */
export const attentionFamily: Readonly<Record<string, OperatorRewriting>> = {
  Attention: onnxAttention,
  "ai.onnx.preview:FlexAttention": flexAttention,
  ...causalConvolutions,
  ...linearAttention,
  RotaryEmbedding: rotaryEmbedding,
};
