import type { Matrix } from "../../runtime/index.ts";
import type { SymmetricBand } from "./chase-bulges.ts";
import type { Multiply } from "./divide.ts";
import { multiply as multiplyHere, rowOf, rowRange, transpose, zeros } from "./matrix.ts";
import { reflectFromRight } from "./reflect.ts";
import { NEGLIGIBLE_SQUARE, triangularFactor } from "./reflector-block.ts";

/**
 * Reduces a symmetric matrix with entries of size 1 at most to a band: H_width ⋯ H_{n−1} A H_{n−1} ⋯ H_width with
 * H_i = I − weights[i]·v_i v_iᵀ, where v_i (row i of `reflectors`) ends at entry i − width. A panel of `width` rows is reduced
 * first; then the rest of the matrix is updated by matrix products.
 *
 * @see Bischof, Lang & Sun 2000, "A framework for symmetric band reduction"
 */
export async function reduceToBand(
  matrix: Matrix,
  width: number,
  multiply: Multiply,
): Promise<{ band: SymmetricBand; reflectors: Float64Array; weights: Float64Array }> {
  const n = matrix.rows;
  const band = new Float64Array(n * (width + 1));
  const reflectors = new Float64Array(n * n);
  const weights = new Float64Array(n);
  let current = matrix;
  for (let to = n; to > 0; ) {
    const from = Math.max(0, to - width);
    const panel = rowRange(current, from, to);
    const v = zeros(to - from, from);
    const products = new Float64Array(to - from);
    for (let i = to - 1; i >= from; i--) {
      const row = rowOf(panel, i - from);
      const length = i - width + 1;
      if (length > 1) {
        weights[i] = reflectorOf(row.subarray(0, length), rowOf(v, i - from));
        reflectFromRight(panel.data, 0, panel.columns, i - from, length, rowOf(v, i - from), weights[i]!, products);
        reflectors.set(rowOf(v, i - from), i * n);
      }
      const first = Math.max(0, i - width);
      band.set(row.subarray(first, i + 1), i * (width + 1) + width - i + first);
    }
    if (from > 0) current = await updated(current, v, weights.subarray(from, to), multiply);
    to = from;
  }
  return { band: { order: n, width, data: band }, reflectors, weights };
}

/** The reflector that turns all entries of a row except the last to zero. It is applied to the row and stored in v. */
function reflectorOf(row: Float64Array, v: Float64Array): number {
  const last = row.length - 1;
  let square = 0;
  for (let c = 0; c < last; c++) square += row[c]! * row[c]!;
  if (square < NEGLIGIBLE_SQUARE) return 0;
  const pivot = row[last]!;
  const length = Math.sqrt(square + pivot * pivot);
  v.set(row);
  row.fill(0);
  row[last] = pivot > 0 ? -length : length;
  v[last] = pivot - row[last]!;
  return 1 / (length * (length + Math.abs(pivot)));
}

/**
 * Q A Qᵀ of the leading part A, with Q = I − Vᵀ T V: A − Z V − Vᵀ Zᵀ, where Z = M − ½ Vᵀ T (V M) and M = A Vᵀ Tᵀ.
 */
async function updated(whole: Matrix, v: Matrix, weights: Float64Array, multiply: Multiply): Promise<Matrix> {
  const [count, n] = [v.rows, v.columns];
  const turned = transpose(v);
  const factor = triangularFactor(await multiply(v, turned), weights);
  // V is padded with zeros, so that A does not have to be copied out of the whole matrix.
  const padded = zeros(whole.columns, count);
  padded.data.set(turned.data);
  const m = await multiply(await multiply(rowRange(whole, 0, n), padded), transpose(factor));
  const correction = await multiply(turned, multiplyHere(factor, await multiply(v, m)));
  const left = zeros(n, 2 * count);
  const right = zeros(2 * count, n);
  for (let r = 0; r < n; r++) {
    for (let c = 0; c < count; c++) {
      const z = m.data[r * count + c]! - correction.data[r * count + c]! / 2;
      left.data[r * 2 * count + c] = z;
      left.data[r * 2 * count + count + c] = turned.data[r * count + c]!;
      right.data[(count + c) * n + r] = z;
    }
  }
  right.data.set(v.data);
  const next = await multiply(left, right);
  for (let r = 0; r < n; r++) {
    const [from, to] = [r * whole.columns, r * n];
    for (let c = 0; c < n; c++) next.data[to + c] = whole.data[from + c]! - next.data[to + c]!;
  }
  return next;
}
