import type { Operators } from "../operator.ts";
import { constant } from "../rule.ts";
import { cellWeights } from "../weights.ts";

/** Operators that have no derivative of their own, of which something else is known. */
export const withoutRule = {
  // It computes a scale and a zero point, which are held fixed where tangents pass through the rounding to them.
  DynamicQuantizeLinear: { float64: "none", rule: constant },
  GRU: { float64: "none", weights: cellWeights },
  LSTM: { float64: "none", weights: cellWeights },
  RNN: { float64: "none", weights: cellWeights },
} satisfies Operators;
