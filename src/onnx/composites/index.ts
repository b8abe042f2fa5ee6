import { tableOf } from "../../base/index.ts";
import type { OperatorRewriting } from "../rewrite.ts";
import { activation } from "./activation.ts";
import { arithmetic } from "./arithmetic.ts";
import { attentionFamily } from "./attention-family.ts";
import { contraction } from "./contraction.ts";
import { cumulative } from "./cumulative.ts";
import { deformable } from "./deformable.ts";
import { randomDraws } from "./draws.ts";
import { grid } from "./grid.ts";
import { loss } from "./loss.ts";
import { machineLearning } from "./machine-learning.ts";
import { microsoft } from "./microsoft.ts";
import { normalization } from "./normalization.ts";
import { recurrent } from "./recurrent.ts";
import { regions } from "./regions.ts";
import { scatter } from "./scatter.ts";
import { signal } from "./signal.ts";
import { training } from "./training.ts";

/**
 * How operators that consist of others are written with these: the fused operators of ONNX Runtime, and the functions of ONNX. Operators
 * outside ai.onnx are named `domain:op`. An expansion has the form of opset 18, and may itself contain composites.
 */
export const composites = tableOf<Readonly<Record<string, OperatorRewriting>>>({
  ...activation,
  ...arithmetic,
  ...attentionFamily,
  ...contraction,
  ...cumulative,
  ...deformable,
  ...grid,
  ...loss,
  ...machineLearning,
  ...microsoft,
  ...normalization,
  ...randomDraws,
  ...regions,
  ...scatter,
  ...signal,
  ...training,
  ...recurrent,
});
