import type { Matrix } from "../../runtime/index.ts";
import { rowOf, zeros } from "./matrix.ts";

const EPS = 2 ** -52;

/** The roots λ_i of 1 + Σ weights_j / (d_j − λ), stored as offsets from a pole, so that d_j − λ_i is exact where it is small. */
interface SecularRoots {
  /** The poles, ascending and distinct. */
  readonly d: Float64Array;
  readonly origins: Int32Array;
  readonly offsets: Float64Array;
}

/** All roots, ascending: root i lies between poles i and i + 1. `d` is ascending and distinct, `weights` are positive. */
export function secularRoots(d: Float64Array, weights: Float64Array): SecularRoots {
  const k = d.length;
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const origins = new Int32Array(k);
  const offsets = new Float64Array(k);
  const f = new SecularFunction(d, weights);
  for (let i = 0; i < k; i++) {
    const gap = i + 1 < k ? d[i + 1]! - d[i]! : total;
    f.evaluate(i, i, gap / 2);
    const fromRight = i + 1 < k && f.value < 0;
    origins[i] = fromRight ? i + 1 : i;
    offsets[i] = secularRoot(f, i, fromRight, gap);
  }
  return { d, origins, offsets };
}

/** λ_i, rounded. */
export function rootValues({ d, origins, offsets }: SecularRoots): Float64Array {
  return offsets.map((offset, i) => d[origins[i]!]! + offset);
}

/** 1 + Σ weights_j / (d_j − λ), with separate sums for the poles up to i and for those after it. */
class SecularFunction {
  private readonly d: Float64Array;
  readonly weights: Float64Array;
  value = 0;
  /** The derivative of the sum for the poles up to i, and of the other sum. */
  leftSlope = 0;
  rightSlope = 0;
  /** A bound on the rounding error of `value`. */
  rounding = 0;

  constructor(d: Float64Array, weights: Float64Array) {
    this.d = d;
    this.weights = weights;
  }

  /** Evaluates the function at λ = d[origin] + offset. */
  evaluate(i: number, origin: number, offset: number): void {
    const { d, weights } = this;
    const pole = d[origin]!;
    let left = 0;
    let leftSlope = 0;
    for (let j = 0; j <= i; j++) {
      const inverse = 1 / (d[j]! - pole - offset);
      const term = weights[j]! * inverse;
      left += term;
      leftSlope += term * inverse;
    }
    let right = 0;
    let rightSlope = 0;
    for (let j = i + 1; j < d.length; j++) {
      const inverse = 1 / (d[j]! - pole - offset);
      const term = weights[j]! * inverse;
      right += term;
      rightSlope += term * inverse;
    }
    this.value = 1 + left + right;
    this.leftSlope = leftSlope;
    this.rightSlope = rightSlope;
    this.rounding = EPS * (4 * (1 + right - left) + Math.abs(offset) * (leftSlope + rightSlope));
  }
}

/**
 * The root between pole i and the next (a `gap` away), as an offset from the nearer of the two. Each step approximates the two sums
 * by a constant and one pole at either end ("the middle way"), and the root stays within a bracket.
 *
 * @see Li 1993, "Solving secular equations stably and efficiently" (LAPACK Working Note 89)
 */
function secularRoot(f: SecularFunction, i: number, fromRight: boolean, gap: number): number {
  const isLast = i + 1 === f.weights.length;
  const origin = fromRight ? i + 1 : i;
  const [left, right] = fromRight ? [-gap, 0] : [0, gap];
  // The function rises from −∞ after each pole to +∞ before the next one. The root lies where it changes sign.
  let low = fromRight ? -gap / 2 : 0;
  let high = fromRight ? 0 : gap / 2;
  if (isLast && f.value <= 0) [low, high] = [gap / 2, gap];
  const [a, b] = [f.weights[i]!, isLast ? 0 : f.weights[i + 1]!];
  const rest = f.value + (2 * a - 2 * b) / gap;
  let at = isLast ? a / rest : rootOfTwoPoles(rest, a, left, b, right);
  for (let step = 0; step < 200; step++) {
    if (!(at > low && at < high) || (step > 8 && step % 2 === 0)) at = between(low, high);
    if (at <= low || at >= high) break;
    f.evaluate(i, origin, at);
    if (Math.abs(f.value) <= f.rounding) break;
    if (f.value < 0) low = at;
    else high = at;
    if (high - low <= 2 * EPS * Math.min(Math.abs(low), Math.abs(high))) break;
    const [toLeft, toRight] = [left - at, right - at];
    const fromLeft = toLeft * f.leftSlope;
    at += isLast
      ? (toLeft * f.value) / (f.value - fromLeft)
      : rootOfTwoPoles(
          f.value - fromLeft - toRight * f.rightSlope,
          toLeft * fromLeft,
          toLeft,
          toRight * toRight * f.rightSlope,
          toRight,
        );
  }
  return at;
}

/** The root of constant + a/(left − x) + b/(right − x) between the poles; NaN if there is none because of rounding. */
function rootOfTwoPoles(constant: number, a: number, left: number, b: number, right: number): number {
  const linear = constant * (left + right) + a + b;
  const product = constant * left * right + a * right + b * left;
  const root = Math.sqrt(Math.max(linear * linear - 4 * constant * product, 0));
  return linear > 0 ? (2 * product) / (linear + root) : (linear - root) / (2 * constant);
}

/** The arithmetic mean of a bracket, or the geometric mean if its ends differ much in magnitude. */
function between(low: number, high: number): number {
  const [small, large] = [Math.min(Math.abs(low), Math.abs(high)), Math.max(Math.abs(low), Math.abs(high))];
  if (low * high > 0 && large > 4 * small) return Math.sign(low) * Math.sqrt(small) * Math.sqrt(large);
  return low + (high - low) / 2;
}

/**
 * The eigenvectors of diag(d) + ρ z zᵀ for the `wanted` roots, as rows. They are the exact eigenvectors of the nearby matrix that has
 * the computed roots exactly, so they are orthogonal however close the roots are.
 */
export function secularVectors(
  { d, origins, offsets }: SecularRoots,
  z: Float64Array,
  wanted: readonly number[],
): Matrix {
  const k = d.length;
  const squares = new Float64Array(k).fill(1);
  for (let i = 0; i < k; i++) {
    const [pole, offset] = [d[origins[i]!]!, offsets[i]!];
    const [before, after] = [d[i]!, i + 1 < k ? d[i + 1]! : 0];
    if (i + 1 < k) {
      for (let j = 0; j <= i; j++) squares[j] = squares[j]! * ((d[j]! - pole - offset) / (d[j]! - after));
    } else for (let j = 0; j <= i; j++) squares[j] = squares[j]! * (pole - d[j]! + offset);
    for (let j = i + 1; j < k; j++) squares[j] = squares[j]! * ((d[j]! - pole - offset) / (d[j]! - before));
  }
  const nearby = squares.map((square, j) => Math.sign(z[j]!) * Math.sqrt(Math.abs(square)));
  const vectors = zeros(wanted.length, k);
  wanted.forEach((i, to) => {
    const row = rowOf(vectors, to);
    const [pole, offset] = [d[origins[i]!]!, offsets[i]!];
    let square = 0;
    for (let j = 0; j < k; j++) {
      const entry = nearby[j]! / (d[j]! - pole - offset);
      row[j] = entry;
      square += entry * entry;
    }
    const scale = 1 / Math.sqrt(square);
    for (let j = 0; j < k; j++) row[j] = row[j]! * scale;
  });
  return vectors;
}
