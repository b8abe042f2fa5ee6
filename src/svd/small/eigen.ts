import { PushforwardError } from "../../base/index.ts";
import type { Matrix } from "../../runtime/index.ts";
import { breathe } from "../breathe.ts";
import { bandedEigen, type SymmetricEigen } from "./banded-eigen.ts";
import { divideAndConquer, type Multiply } from "./divide.ts";
import { rowOf, zeros } from "./matrix.ts";
import { reduceToBand } from "./reduce-to-band.ts";
import { NEGLIGIBLE_SQUARE, reflectRows } from "./reflector-block.ts";

/** From this order on, reducing to a band first is faster; and the width of that band. */
const BY_BAND = 500;
const WIDTH = 32;

/**
 * Eigenvalues and the first `count` eigenvectors of a symmetric matrix in float64: Householder reduction to tridiagonal form (for
 * large matrices to a band first), divide and conquer, and back-transformation of the vectors asked for. Each value has an error
 * of about n·2⁻⁵²·‖A‖. Only the lower triangle is read. Below order 500 the reduction is done here; `multiply` does all other work
 * of cubic cost.
 *
 * @throws PushforwardError `not-finite` if an entry is not finite, for which the iteration would not end
 * @see Golub & Van Loan 2013, §8.3; Schreiber & Van Loan 1989 (reflectors in blocks)
 */
export async function symmetricEigen(
  matrix: Matrix,
  multiply: Multiply,
  count: number = matrix.rows,
): Promise<SymmetricEigen> {
  const n = matrix.rows;
  let largestEntry = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) largestEntry = Math.max(largestEntry, Math.abs(matrix.data[i * n + j]!));
  }
  if (!Number.isFinite(largestEntry)) {
    throw new PushforwardError("not-finite", {
      what: "A matrix of inner products has an entry that is not finite.",
      fix: "Leave out the inputs at which the network is not finite.",
    });
  }
  const scale = largestEntry || 1;
  const a = matrix.data.map((entry) => entry / scale);
  if (n >= BY_BAND) {
    for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) a[j * n + i] = a[i * n + j]!;
    const { band, reflectors, weights } = await reduceToBand({ rows: n, columns: n, data: a }, WIDTH, multiply);
    const { values, vectors } = await bandedEigen(band, multiply).vectors(count);
    await reflectRows(vectors, reflectors, weights, multiply);
    return { values: values.map((value) => value * scale), vectors };
  }
  const { diagonal, offDiagonal, weights } = await tridiagonalize(a, n);
  const { values, vectors } = await divideAndConquer(diagonal, offDiagonal, multiply, { count });
  const largest = zeros(count, n);
  for (let i = 0; i < count; i++) largest.data.set(rowOf(vectors, count - 1 - i), i * n);
  await reflectRows(largest, a, weights, multiply);
  return { values: values.reverse().map((value) => value * scale), vectors: largest };
}

/**
 * Overwrites the lower triangle of `a` with the reflectors v_i (row i, entries 0 to i−1), such that
 * H_1 ⋯ H_{n−1} A H_{n−1} ⋯ H_1 is tridiagonal with H_i = I − weights[i]·v_i v_iᵀ. The rank-two update of a step and the
 * product with the next reflector share one pass over the triangle.
 */
async function tridiagonalize(a: Float64Array, n: number) {
  const diagonal = new Float64Array(n);
  /** Entry i couples i−1 and i. */
  const offDiagonal = new Float64Array(n);
  const weights = new Float64Array(n);
  let v = new Float64Array(n);
  let w = new Float64Array(n);
  let nextV = new Float64Array(n);
  let nextW = new Float64Array(n);

  for (let i = n - 1; i >= 0; i--) {
    // v and w hold the update of the previous step, A ← A − v wᵀ − w vᵀ, which is still to be applied to rows 0 to i.
    const last = i * n;
    updateRow(a, last, i + 1, v, w, v[i]!, w[i]!);
    diagonal[i] = a[last + i]!;
    if (i === 0) break;

    let square = 0;
    for (let c = 0; c < i - 1; c++) square += a[last + c]! ** 2;
    const pivot = a[last + i - 1]!;
    if (square < NEGLIGIBLE_SQUARE) {
      offDiagonal[i] = pivot;
      nextV.fill(0);
      nextW.fill(0);
      for (let r = 0; r < i; r++) updateRow(a, r * n, r + 1, v, w, v[r]!, w[r]!);
    } else {
      const length = Math.sqrt(square + pivot * pivot);
      offDiagonal[i] = pivot > 0 ? -length : length;
      a[last + i - 1] = pivot - offDiagonal[i]!;
      const weight = 1 / (length * (length + Math.abs(pivot)));
      weights[i] = weight;
      for (let c = 0; c < i; c++) nextV[c] = a[last + c]!;
      nextW.fill(0, 0, i);
      for (let r = 0; r < i; r++) updateAndMultiply(a, r * n, r, v, w, nextV, nextW);
      let overlap = 0;
      for (let c = 0; c < i; c++) overlap += nextW[c]! * nextV[c]!;
      const shift = (weight * weight * overlap) / 2;
      for (let c = 0; c < i; c++) nextW[c] = weight * nextW[c]! - shift * nextV[c]!;
    }
    if (i % 32 === 0) await breathe();
    [v, nextV] = [nextV, v];
    [w, nextW] = [nextW, w];
  }
  return { diagonal, offDiagonal, weights };
}

function updateRow(
  a: Float64Array,
  start: number,
  count: number,
  v: Float64Array,
  w: Float64Array,
  vr: number,
  wr: number,
): void {
  if (vr === 0 && wr === 0) return;
  for (let c = 0; c < count; c++) a[start + c] = a[start + c]! - (vr * w[c]! + wr * v[c]!);
}

/** Updates row r of the lower triangle, then adds its share of A·x to y. */
function updateAndMultiply(
  a: Float64Array,
  start: number,
  r: number,
  v: Float64Array,
  w: Float64Array,
  x: Float64Array,
  y: Float64Array,
): void {
  const vr = v[r]!;
  const wr = w[r]!;
  const xr = x[r]!;
  let total = 0;
  for (let c = 0; c < r; c++) {
    const entry = a[start + c]! - (vr * w[c]! + wr * v[c]!);
    a[start + c] = entry;
    total += entry * x[c]!;
    y[c] = y[c]! + entry * xr;
  }
  const entry = a[start + r]! - 2 * vr * wr;
  a[start + r] = entry;
  y[r] = y[r]! + total + entry * xr;
}
