import type { Tensor } from "../onnx/index.ts";
import type { Matrix } from "./block-algebra.ts";

/** A small matrix as an operand of a graph in float64. */
export const doubleTensor = ({ rows, columns, data }: Matrix): Tensor => ({
  type: "float64",
  shape: [rows, columns],
  data,
});
