import { deepLinear } from "./deep-linear.ts";
import { depth } from "./depth.ts";
import type { Experiment } from "./experiment.ts";
import { isometry } from "./isometry.ts";
import { lyapunov } from "./lyapunov.ts";
import { meanField } from "./mean-field.ts";
import { pretraining } from "./pretraining.ts";
import { randomMatrices } from "./random-matrices.ts";

/** All experiments, in the order in which they are listed. */
export const experiments: readonly Experiment[] = [
  deepLinear,
  depth,
  randomMatrices,
  meanField,
  isometry,
  pretraining,
  lyapunov,
];
