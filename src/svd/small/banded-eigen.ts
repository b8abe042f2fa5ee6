import type { Matrix } from "../../runtime/index.ts";
import { type BandReduction, chaseBulges, type SymmetricBand } from "./chase-bulges.ts";
import { divideAndConquer, type Multiply } from "./divide.ts";
import { rowRange, transpose, zeros } from "./matrix.ts";
import { reflectFromRight } from "./reflect.ts";

/** Eigenvalues descending, and the eigenvectors of the largest of them as orthonormal rows. */
export interface SymmetricEigen {
  readonly values: Float64Array;
  /** [count, n] */
  readonly vectors: Matrix;
}

/** The eigenproblem of a band matrix, reduced to tridiagonal form. Each method does the rest of its work when it is called. */
export interface BandedEigen {
  /**
   * All values, and the last min(width, order) entries of the eigenvectors of the `count` largest, [count, ·]. The residuals of a
   * block Lanczos process need only these, and they take quadratic work.
   */
  ends(count: number): Promise<SymmetricEigen>;
  /** All values, and the eigenvectors of the `count` largest. */
  vectors(count: number): Promise<SymmetricEigen>;
}

/** The least number of rows that a block of reflectors spans, and of sweeps in it, if the band is narrower than that. */
const SPAN = 32;

/**
 * Eigenvalues and eigenvectors of a symmetric band matrix in float64: reduction to tridiagonal form by bulge chasing (begun
 * at once, by this function), divide and conquer, and back-transformation of the vectors asked for. Each value has an error of about
 * n·2⁻⁵²·‖A‖.
 *
 * Rows and columns are processed in reversed order, so that only the first reflector of each sweep changes the last entries of the
 * vectors.
 *
 * @see Bischof, Lang & Sun 2000, "A framework for symmetric band reduction"
 */
export function bandedEigen(band: SymmetricBand, multiply: Multiply): BandedEigen {
  const { reversed, scale } = reversedAndScaled(band);
  const reduced = chaseBulges(reversed);
  const descending = (values: Float64Array) => values.map((value) => value * scale).reverse();
  return {
    async ends(count) {
      const reduction = await reduced;
      const { diagonal, offDiagonal } = reduction;
      const carried = transpose(firstRows(reduction, Math.min(band.width, band.order)));
      const { values, vectors } = await divideAndConquer(diagonal, offDiagonal, multiply, { count, carried });
      return { values: descending(values), vectors: { ...vectors, data: vectors.data.reverse() } };
    },
    async vectors(count) {
      const reduction = await reduced;
      const { diagonal, offDiagonal } = reduction;
      const { values, vectors } = await divideAndConquer(diagonal, offDiagonal, multiply, { count });
      const turned = transpose(vectors);
      await applyReflectors(reduction, turned, multiply);
      // The largest value is the last one here, and the entries are reversed too, so both orders are reversed together.
      const largest = transpose(turned);
      return { values: descending(values), vectors: { ...largest, data: largest.data.reverse() } };
    },
  };
}

/** Rows and columns in reversed order, divided by the largest entry. */
function reversedAndScaled({ order, width, data }: SymmetricBand): { reversed: SymmetricBand; scale: number } {
  const reversed = new Float64Array(data.length);
  let scale = 0;
  for (let i = 0; i < order; i++) {
    for (let below = 0; below <= Math.min(i, width); below++) {
      const entry = data[i * (width + 1) + width - below]!;
      scale = Math.max(scale, Math.abs(entry));
      // Entry (i, i − below) goes to row order − 1 − (i − below).
      reversed[(order - 1 - i + below) * (width + 1) + width - below] = entry;
    }
  }
  if (scale === 0) scale = 1;
  return { reversed: { order, width, data: reversed.map((entry) => entry / scale) }, scale };
}

/** The first `count` ≤ width + 1 rows of Q. After sweep s they are zero beyond column s + width, where its second reflector begins. */
function firstRows({ width, first, reflectors, weights, diagonal }: BandReduction, count: number): Matrix {
  const n = diagonal.length;
  const rows = zeros(count, n);
  const products = new Float64Array(count);
  for (let i = 0; i < count; i++) rows.data[i * n + i] = 1;
  for (let s = 0; s + 2 < n; s++) {
    const number = first[s]!;
    if (number === first[s + 1]) continue;
    const v = reflectors.subarray(number * width, (number + 1) * width);
    reflectFromRight(rows.data, s + 1, n, count, Math.min(width, n - 1 - s), v, weights[number]!, products);
  }
  return rows;
}

/**
 * Q·X in place of X [n, columns]. Reflectors that act on neighbouring rows, of several sweeps, are gathered in one small
 * orthogonal matrix, so that the work on X is done by products. Those of later sweeps go first; among the blocks of the same
 * sweeps the upper ones go first.
 */
async function applyReflectors(
  { width, first, reflectors, weights, diagonal }: BandReduction,
  x: Matrix,
  multiply: Multiply,
): Promise<void> {
  if (width < 2) return;
  const n = diagonal.length;
  const sweeps = Math.max(SPAN, width);
  const steps = Math.ceil(SPAN / width);
  for (let from = Math.floor((n - 3) / sweeps) * sweeps; from >= 0; from -= sweeps) {
    const to = Math.min(from + sweeps, n - 2);
    for (let k = 0; from + 1 + k * width < n - 1; k += steps) {
      const top = from + 1 + k * width;
      const bottom = Math.min(n, to + (k + steps) * width);
      const size = bottom - top;
      const block = zeros(size, size);
      const products = new Float64Array(size);
      for (let i = 0; i < size; i++) block.data[i * size + i] = 1;
      for (let s = from; s < to; s++) {
        for (let step = k; step < Math.min(k + steps, first[s + 1]! - first[s]!); step++) {
          const number = first[s]! + step;
          const at = s + 1 + step * width - top;
          const count = Math.min(width, size - at);
          // Rows outside these have only zeros here: earlier reflectors have filled no more.
          const above = (step - k) * width;
          const below = step === k + steps - 1 ? at + count : size;
          const v = reflectors.subarray(number * width, (number + 1) * width);
          reflectFromRight(block.data, above * size + at, size, below - above, count, v, weights[number]!, products);
        }
      }
      const turned = await multiply(block, rowRange(x, top, bottom));
      x.data.set(turned.data, top * x.columns);
    }
  }
}
