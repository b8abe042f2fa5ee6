import type { Matrix } from "../../operator/index.ts";
import type { Multiply } from "./divide.ts";
import { symmetricEigen } from "./eigen.ts";
import {
  multiplyTransposed,
  rowNorm,
  rowOf,
  rowRange,
  scaleRows,
  stack,
  subtractProduct,
  transpose,
  zeros,
} from "./matrix.ts";

/** The largest singular triplets of a small matrix A = Σ σ·left·rightᵀ. */
export interface SmallSvd {
  /** [count], descending. */
  readonly sigma: Float64Array;
  /** [count, rows of A], orthonormal rows. */
  readonly left: Matrix;
  /** [count, columns of A], orthonormal rows. */
  readonly right: Matrix;
}

/** Below this part of the largest σ, eigenvalues of a Gram matrix (σ²) are too coarse: see `largestOf`. */
const LEVEL = 1e-3;
/** σ below this part of the largest is rounding error of float64 arithmetic and counts as zero. */
const RANK = 1e-14;

/**
 * The `count` largest singular triplets of a float64 matrix, each σ to about 1e-13·σ_1, zero ones included.
 * 0 ≤ count ≤ min(rows, columns).
 */
export async function smallSvd(
  a: Matrix,
  multiply: Multiply,
  count: number = Math.min(a.rows, a.columns),
): Promise<SmallSvd> {
  if (a.rows > a.columns) {
    const { sigma, left, right } = await smallSvd(transpose(a), multiply, count);
    return { sigma, left: right, right: left };
  }
  return largestOf(a, multiply, count, undefined, 0);
}

/**
 * Eigenvectors of AAᵀ are left singular vectors, but σ² below 2⁻⁵²·σ_1² drowns. So only those above `LEVEL`·σ_1 are
 * taken; what remains is rotated onto the other eigenvectors, made orthogonal to the right vectors already taken
 * (`found`), and treated the same way at its own scale.
 */
async function largestOf(
  a: Matrix,
  multiply: Multiply,
  count: number,
  found: Matrix | undefined,
  top: number,
): Promise<SmallSvd> {
  if (count === 0) return { sigma: new Float64Array(0), left: zeros(0, a.rows), right: zeros(0, a.columns) };
  const { values, vectors } = await symmetricEigen(await multiply(a, transpose(a)), multiply);
  const largest = Math.sqrt(Math.max(values[0]!, 0));
  if (largest <= RANK * top || largest === 0) {
    const right = completed(found ?? zeros(0, a.columns), count);
    return { sigma: new Float64Array(count), left: rowRange(vectors, 0, count), right };
  }
  const above = values.findIndex((value) => value <= (LEVEL * largest) ** 2);
  const taken = above < 0 ? count : Math.min(above, count);
  const left = rowRange(vectors, 0, taken);
  const images = await multiply(left, a);
  const sigma = Float64Array.from({ length: taken }, (_, i) => rowNorm(images, i));
  const right = scaleRows(
    images,
    sigma.map((value) => 1 / value),
  );
  if (taken === count) return { sigma, left, right };

  const rest = rowRange(vectors, taken, a.rows);
  const rotated = await multiply(rest, a);
  const all = found === undefined ? right : stack(found, right);
  const known = await multiply(await multiply(rotated, transpose(all)), all);
  const remainder = { ...rotated, data: rotated.data.map((entry, i) => entry - known.data[i]!) };
  const below = await largestOf(remainder, multiply, count - taken, all, Math.max(top, largest));
  return {
    sigma: Float64Array.from([...sigma, ...below.sigma]),
    left: stack(left, await multiply(below.left, rest)),
    right: stack(right, below.right),
  };
}

/** `count` unit rows orthogonal to each other and to `rows`. */
function completed(rows: Matrix, count: number): Matrix {
  let basis = rows;
  // Each unit vector but those in the span leaves a remainder; the largest remainders are the safest.
  for (let added = 0; added < count; added++) {
    const covered = new Float64Array(rows.columns);
    for (let i = 0; i < basis.rows; i++)
      rowOf(basis, i).forEach((entry, c) => {
        covered[c] = covered[c]! + entry * entry;
      });
    const unit = zeros(1, rows.columns);
    unit.data[covered.indexOf(Math.min(...covered))] = 1;
    for (let pass = 0; pass < 2; pass++) subtractProduct(unit, multiplyTransposed(unit, basis), basis);
    basis = stack(basis, scaleRows(unit, Float64Array.of(1 / rowNorm(unit, 0))));
  }
  return rowRange(basis, rows.rows, basis.rows);
}
