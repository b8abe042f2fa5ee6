import { tableOf } from "../../base/index.ts";
import { type Node, OWN_DOMAIN, operatorKey } from "../../onnx/index.ts";
import type { Operator, Operators } from "../operator.ts";
import { activation } from "./activation.ts";
import { arithmetic } from "./arithmetic.ts";
import { convolution } from "./convolution.ts";
import { indexing } from "./indexing.ts";
import { linearAlgebra } from "./linear-algebra.ts";
import { machineLearning } from "./machine-learning.ts";
import { normalization } from "./normalization.ts";
import { pooling } from "./pooling.ts";
import { quantized } from "./quantized.ts";
import { reduction } from "./reduction.ts";
import { repetitions } from "./repetitions.ts";
import { shape } from "./shape.ts";
import { withoutRule } from "./without-rule.ts";

/** The operators that can be differentiated, by the file that holds them. */
export const families: Readonly<Record<string, Operators>> = {
  activation,
  arithmetic,
  convolution,
  indexing,
  "linear-algebra": linearAlgebra,
  normalization,
  pooling,
  quantized,
  reduction,
  repetitions,
  shape,
};

/** One entry for each ONNX operator that can be differentiated, by the operator's name. */
export const differentiable: Operators = Object.assign({}, ...Object.values(families));

/** Those of other operator sets than ONNX's own stand under `domain:op`. */
const operators: Operators = tableOf({
  ...differentiable,
  ...machineLearning,
  ...withoutRule,
  "com.microsoft:Inverse": linearAlgebra.Inverse,
});

/** What is known of a node's operator; `undefined` if nothing is. */
export const operatorOf = ({ op, domain }: Pick<Node, "op" | "domain">): Operator | undefined =>
  operators[operatorKey({ op, domain: domain === OWN_DOMAIN ? "" : domain })];
