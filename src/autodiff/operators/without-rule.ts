import type { Operators } from "../operator.ts";
import { cellWeights } from "../weights.ts";

/** Operators that cannot be differentiated yet, of which something else is known. */
export const withoutRule = {
  ConvInteger: { float64: "none", weights: "in integers" },
  DequantizeLinear: { float64: "none", weights: "passed on" },
  GRU: { float64: "none", weights: cellWeights },
  LSTM: { float64: "none", weights: cellWeights },
  MatMulInteger: { float64: "none", weights: "in integers" },
  QLinearConv: { float64: "none", weights: "in integers" },
  QLinearMatMul: { float64: "none", weights: "in integers" },
  RNN: { float64: "none", weights: cellWeights },
} satisfies Operators;
