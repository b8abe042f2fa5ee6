import type { BlockAlgebra } from "../runtime/index.ts";
import { multiply } from "./small/matrix.ts";

/** A product of small matrices with at most this number of multiply-adds takes less time here than on its way to the backend. */
const NEAR = 2 ** 17;

/** The algebra of a backend, but small products of small matrices are computed in JavaScript. */
export function withNearProducts(algebra: BlockAlgebra): BlockAlgebra {
  return {
    ...algebra,
    multiply: async (a, b) => (a.rows * a.columns * b.columns <= NEAR ? multiply(a, b) : algebra.multiply(a, b)),
  };
}
