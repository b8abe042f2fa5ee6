import type { Definition, LinearOp } from "../program.ts";
import { conv, convTranspose, convWeight, convWeightTranspose } from "./convolution.ts";
import { add, multiply, scale } from "./elementwise.ts";
import { gather, scatterAdd } from "./gather.ts";
import { matmul, matmulLeft } from "./matrix.ts";
import { repeat } from "./repeat.ts";
import { broadcast, concat, pad, reshape, slice, sum, transpose } from "./shape.ts";
import { windowSum, windowSumTranspose } from "./window.ts";

/** Every linear operation: shape, transpose, emission as ONNX, float64 evaluation, and whether it keeps entries apart. */
export const linearOps: { readonly [Op in LinearOp]: Definition<Op> } = {
  add,
  multiply,
  scale,
  matmul,
  matmulLeft,
  conv,
  convTranspose,
  convWeight,
  convWeightTranspose,
  windowSum,
  windowSumTranspose,
  gather,
  scatterAdd,
  reshape,
  transpose,
  sum,
  broadcast,
  slice,
  pad,
  concat,
  repeat,
};
