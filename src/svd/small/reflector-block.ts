import type { Matrix } from "../../runtime/index.ts";
import type { Multiply } from "./divide.ts";
import { transpose, zeros } from "./matrix.ts";

/** A row with a smaller squared length counts as zero, because a reflector would divide by it. The matrix has entries of size 1. */
export const NEGLIGIBLE_SQUARE = 2 ** -208;
/** The number of reflectors that `reflectRows` applies at a time. */
const REFLECTORS = 64;

/**
 * Multiplies each row by H_1 ⋯ H_{n−1} from the right, a block of reflectors at a time: H_i ⋯ H_j = I − Vᵀ T V with the
 * reflectors as rows of V and T upper triangular.
 */
export async function reflectRows(
  rows: Matrix,
  a: Float64Array,
  weights: Float64Array,
  multiply: Multiply,
): Promise<void> {
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
export function triangularFactor({ rows: count, data: inner }: Matrix, weights: Float64Array): Matrix {
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
