import { Matrix, SVD } from "ml-matrix";
import type { Intended } from "./matrices.ts";

/** What an operator is, in float64, known without the project's own solver. */
export interface Truth {
  readonly m: number;
  readonly n: number;
  /** [m, n] row-major: the entries that the operator works with, exactly, or their product in float64. */
  readonly matrix: Float64Array;
  /** [min(m, n)], descending. */
  readonly sigma: Float64Array;
  /** No `sigma` is off by more. */
  readonly uncertainty: number;
}

/** Backward error of ml-matrix's SVD and of the reflections that build matrices, relative to ‖J‖: some 1e-15, with room. */
const FLOAT64 = 1e-12;

/** Singular values by an SVD that is not ours: ml-matrix, Golub-Kahan-Reinsch in float64. */
export function bySvd(matrix: Float64Array, m: number, n: number): Truth {
  const { diagonal } = new SVD(Matrix.from1DArray(m, n, matrix), {
    computeLeftSingularVectors: false,
    computeRightSingularVectors: false,
    autoTranspose: true,
  });
  const sigma = Float64Array.from(diagonal.map(Math.abs)).sort().reverse();
  return { m, n, matrix, sigma, uncertainty: FLOAT64 * sigma[0]! };
}

/**
 * Singular values of a matrix that was built with those of `intended` and then rounded: by Weyl's inequality none moved by
 * more than ‖matrix − intended‖, whose Frobenius norm is computed.
 */
export function byWeyl(matrix: Float64Array, intended: Intended): Truth {
  const { m, n, sigma } = intended;
  let square = 0;
  for (let at = 0; at < matrix.length; at++) square += (matrix[at]! - intended.matrix[at]!) ** 2;
  return { m, n, matrix, sigma, uncertainty: Math.sqrt(square) + FLOAT64 * sigma[0]! };
}
