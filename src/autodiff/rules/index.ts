import { tableOf } from "../../base/index.ts";
import type { Rules } from "../rule.ts";
import { activation } from "./activation.ts";
import { arithmetic } from "./arithmetic.ts";
import { convolution } from "./convolution.ts";
import { linearAlgebra } from "./linear-algebra.ts";
import { normalization } from "./normalization.ts";
import { pooling } from "./pooling.ts";
import { reduction } from "./reduction.ts";
import { shape } from "./shape.ts";

const table = {
  ...activation,
  ...arithmetic,
  ...convolution,
  ...linearAlgebra,
  ...normalization,
  ...pooling,
  ...reduction,
  ...shape,
} satisfies Rules;

export type DifferentiableOp = keyof typeof table;

/** One rule for each ONNX operator that can be differentiated, by the operator's name. */
export const rules: Rules = tableOf(table);
