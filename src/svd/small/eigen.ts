import type { Matrix } from "../../operator/index.ts";
import { divideAndConquer, type Multiply } from "./divide.ts";
import { rowOf, transpose, zeros } from "./matrix.ts";

/** Eigenvalues descending, and the eigenvectors of the largest of them as orthonormal rows. */
export interface SymmetricEigen {
  readonly values: Float64Array;
  /** [count, n] */
  readonly vectors: Matrix;
}

/** Of a row whose matrix has entries of size 1: nothing, where reflecting it would divide by what underflows. */
const NEGLIGIBLE_SQUARE = 2 ** -208;
/** Reflectors that `reflectRows` takes at a time. */
const REFLECTORS = 64;

/**
 * Eigenvalues and the first `count` eigenvectors of a symmetric matrix in float64: Householder reduction to tridiagonal
 * form, divide and conquer, back-transformation of the vectors asked for. Every value to some n·2⁻⁵²·‖A‖. Only the lower
 * triangle is read. The reduction is done here, everything else of cubic cost by `multiply`.
 *
 * @see Golub & Van Loan 2013, §8.3; Schreiber & Van Loan 1989 (reflectors in blocks)
 */
export async function symmetricEigen(
  matrix: Matrix,
  multiply: Multiply,
  count: number = matrix.rows,
): Promise<SymmetricEigen> {
  const n = matrix.rows;
  const scale = matrix.data.reduce((max, entry) => Math.max(max, Math.abs(entry)), 0) || 1;
  const a = matrix.data.map((entry) => entry / scale);
  const { diagonal, offDiagonal, weights } = tridiagonalize(a, n);
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
function tridiagonalize(a: Float64Array, n: number) {
  const diagonal = new Float64Array(n);
  /** Entry i couples i−1 and i. */
  const offDiagonal = new Float64Array(n);
  const weights = new Float64Array(n);
  let v = new Float64Array(n);
  let w = new Float64Array(n);
  let nextV = new Float64Array(n);
  let nextW = new Float64Array(n);

  for (let i = n - 1; i >= 0; i--) {
    // v and w hold the update of the step before: A ← A − v wᵀ − w vᵀ, still to be done in rows 0 to i.
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

/**
 * Multiplies each row by H_1 ⋯ H_{n−1} from the right, a block of reflectors at a time: H_i ⋯ H_j = I − Vᵀ T V with the
 * reflectors as rows of V and T upper triangular.
 */
async function reflectRows(rows: Matrix, a: Float64Array, weights: Float64Array, multiply: Multiply): Promise<void> {
  const n = rows.columns;
  for (let from = 1; from < n; from += REFLECTORS) {
    const to = Math.min(n, from + REFLECTORS);
    const v = zeros(to - from, n);
    for (let i = from; i < to; i++) {
      if (weights[i] !== 0) v.data.set(a.subarray(i * n, i * n + i), (i - from) * n);
    }
    const turned = transpose(v);
    const factor = triangularFactor(await multiply(v, turned), weights.subarray(from, to));
    const change = await multiply(await multiply(await multiply(rows, turned), factor), v);
    for (let i = 0; i < change.data.length; i++) rows.data[i] = rows.data[i]! - change.data[i]!;
  }
}

/** T of a block of reflectors, from the inner products of their vectors. */
function triangularFactor({ rows: count, data: inner }: Matrix, weights: Float64Array): Matrix {
  const factor = zeros(count, count);
  for (let j = 0; j < count; j++) {
    for (let i = 0; i < j; i++) {
      let total = 0;
      for (let k = i; k < j; k++) total += factor.data[i * count + k]! * inner[k * count + j]!;
      factor.data[i * count + j] = -weights[j]! * total;
    }
    factor.data[j * count + j] = weights[j]!;
  }
  return factor;
}
