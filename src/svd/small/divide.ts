import type { Matrix } from "../../operator/index.ts";
import { implicitQl } from "./implicit-ql.ts";
import { zeros } from "./matrix.ts";

/** A·B in float64, by whoever does it fastest. */
export type Multiply = (a: Matrix, b: Matrix) => Promise<Matrix>;

/** Eigenvalues ascending, eigenvectors as orthonormal rows in the same order. */
interface TridiagonalEigen {
  readonly values: Float64Array;
  readonly vectors: Matrix;
}

const EPS = 2 ** -52;
/** Below this order the direct method is faster. */
const SMALL = 40;

/**
 * The eigenproblem of a symmetric tridiagonal matrix (`offDiagonal[i]` couples i−1 and i) by divide and conquer: it is two smaller ones and a rank-one
 * correction, whose eigenvalues are the roots of a rational function between those of the halves. The vectors' products,
 * which are most of the work, go to `multiply`.
 *
 * Every value to some n·2⁻⁵²·‖T‖; orthogonality to the same, however clustered the values (Gu & Eisenstat's trick).
 *
 * @see Cuppen 1981; Gu & Eisenstat 1995, "A divide-and-conquer algorithm for the symmetric tridiagonal eigenproblem"
 */
export async function divideAndConquer(
  diagonal: Float64Array,
  offDiagonal: Float64Array,
  multiply: Multiply,
): Promise<TridiagonalEigen> {
  const n = diagonal.length;
  if (n <= SMALL) return solvedDirectly(diagonal, offDiagonal);
  const middle = n >> 1;
  const coupling = offDiagonal[middle]!;
  const strength = Math.abs(coupling);
  const first = diagonal.slice(0, middle);
  const second = diagonal.slice(middle);
  first[middle - 1]! -= strength;
  second[0]! -= strength;
  const upper = await divideAndConquer(first, offDiagonal.slice(0, middle), multiply);
  const lower = await divideAndConquer(second, offDiagonal.slice(middle), multiply);
  return join(upper, lower, strength, coupling < 0 ? -1 : 1, multiply);
}

function solvedDirectly(diagonal: Float64Array, offDiagonal: Float64Array): TridiagonalEigen {
  const n = diagonal.length;
  const values = diagonal.slice();
  const turned = zeros(n, n);
  for (let i = 0; i < n; i++) turned.data[i * n + i] = 1;
  implicitQl(values, offDiagonal, turned.data, n);
  const order = Array.from(values.keys()).sort((i, j) => values[i]! - values[j]!);
  return { values: Float64Array.from(order, (i) => values[i]!), vectors: pickRows(turned, order) };
}

/** Eigenpairs of diag(T₁, T₂) + strength·w wᵀ, with w the last unit vector of the first and ±the first of the second. */
async function join(
  upper: TridiagonalEigen,
  lower: TridiagonalEigen,
  strength: number,
  sign: number,
  multiply: Multiply,
): Promise<TridiagonalEigen> {
  const [p, q] = [upper.values.length, lower.values.length];
  const n = p + q;
  const unsorted = Float64Array.from([...upper.values, ...lower.values]);
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => unsorted[i]! - unsorted[j]!);
  const d = Float64Array.from(order, (i) => unsorted[i]!);
  const rows = zeros(n, n);
  const z = new Float64Array(n);
  order.forEach((from, to) => {
    if (from < p) {
      rows.data.set(upper.vectors.data.subarray(from * p, (from + 1) * p), to * n);
      z[to] = upper.vectors.data[from * p + p - 1]! * Math.SQRT1_2;
    } else {
      rows.data.set(lower.vectors.data.subarray((from - p) * q, (from - p + 1) * q), to * n + p);
      z[to] = sign * lower.vectors.data[(from - p) * q]! * Math.SQRT1_2;
    }
  });
  const rho = 2 * strength;
  const active = deflate(d, z, rho, rows);
  const roots = secularRoots(
    active.map((i) => d[i]!),
    active.map((i) => z[i]!),
    rho,
  );
  const rotated = await multiply(roots.vectors, pickRows(rows, active));
  return merge(d, rows, active, roots.values, rotated);
}

/**
 * Sets aside what the correction leaves as it is: directions that it does not touch, and all but one of those that share a
 * value. Returns the indices of the others; `d`, `z` and `rows` are changed to match.
 */
function deflate(d: Float64Array, z: Float64Array, rho: number, rows: Matrix): number[] {
  const n = d.length;
  const largest = d.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const tolerance = 8 * EPS * Math.max(largest, rho);
  const active: number[] = [];
  for (let i = 0; i < n; i++) {
    if (rho * Math.abs(z[i]!) <= tolerance) continue;
    const before = active.at(-1);
    if (before !== undefined) {
      const radius = Math.hypot(z[before]!, z[i]!);
      const cosine = z[i]! / radius;
      const sine = z[before]! / radius;
      const gap = d[i]! - d[before]!;
      if (Math.abs(gap * cosine * sine) <= tolerance) {
        rotate(rows, before, i, cosine, sine);
        z[i] = radius;
        z[before] = 0;
        const left = d[before]! * cosine * cosine + d[i]! * sine * sine;
        d[i] = d[before]! * sine * sine + d[i]! * cosine * cosine;
        d[before] = left;
        active.pop();
      }
    }
    active.push(i);
  }
  return active;
}

function rotate({ data, columns }: Matrix, a: number, b: number, cosine: number, sine: number): void {
  for (let c = 0; c < columns; c++) {
    const x = data[a * columns + c]!;
    const y = data[b * columns + c]!;
    data[a * columns + c] = cosine * x - sine * y;
    data[b * columns + c] = sine * x + cosine * y;
  }
}

/** Eigenpairs of diag(d) + ρ z zᵀ, d ascending and apart, no z zero; vectors as rows. */
function secularRoots(d: readonly number[], z: readonly number[], rho: number) {
  const k = d.length;
  const poles = Float64Array.from(d);
  const weights = Float64Array.from(z, (value) => rho * value * value);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const values = new Float64Array(k);
  /** differences[i, j] = d_j − λ_i, exact where they are small. */
  const differences = zeros(k, k);
  const shifted = new Float64Array(k);
  for (let i = 0; i < k; i++) {
    const gap = i + 1 < k ? d[i + 1]! - d[i]! : total;
    const { origin, offset } = secularRoot(poles, weights, i, gap, shifted);
    values[i] = d[origin]! + offset;
    for (let j = 0; j < k; j++) differences.data[i * k + j] = d[j]! - d[origin]! - offset;
  }
  return { values, vectors: secularVectors(d, z, rho, differences) };
}

/** The root between pole i and the next, as an offset from the nearer of the two. */
function secularRoot(
  d: Float64Array,
  weights: Float64Array,
  i: number,
  gap: number,
  shifted: Float64Array,
): { origin: number; offset: number } {
  const k = d.length;
  const evaluateFrom = (origin: number) => {
    for (let j = 0; j < k; j++) shifted[j] = d[j]! - d[origin]!;
    return (at: number): number => {
      let sum = 1;
      for (let j = 0; j < k; j++) sum += weights[j]! / (shifted[j]! - at);
      return sum;
    };
  };
  const f = evaluateFrom(i);
  const atMiddle = f(gap / 2);
  const fromRight = i + 1 < k && atMiddle < 0;
  const origin = fromRight ? i + 1 : i;
  const g = fromRight ? evaluateFrom(origin) : f;
  // f rises from −∞ behind each pole to +∞ before the next: the root lies where it changes sign.
  let low = fromRight ? -gap / 2 : 0;
  let high = fromRight ? 0 : atMiddle > 0 ? gap / 2 : gap;
  if (!fromRight && atMiddle <= 0 && i + 1 === k) low = gap / 2;
  // Without the poles at both ends the function is smooth: regula falsi (Illinois) on that, and every third step bisection.
  const [left, right] = [shifted[i]!, i + 1 < k ? shifted[i + 1]! : undefined];
  const smooth = (at: number) => g(at) * (at - left) * (right === undefined ? 1 : right - at);
  const edge = (at: number): number => {
    if (at === left) return -weights[i]! * (right === undefined ? 1 : right - left);
    if (right !== undefined && at === right) return weights[i + 1]! * (right - left);
    return smooth(at);
  };
  let atLow = edge(low);
  let atHigh = edge(high);
  let side = 0;
  for (let step = 0; step < 200; step++) {
    const width = high - low;
    const secant = low + (width * -atLow) / (atHigh - atLow);
    const within = secant > low && secant < high && step % 3 !== 2;
    const at = within ? secant : between(low, high);
    if (at === low || at === high) break;
    const value = smooth(at);
    if (value === 0) {
      low = at;
      high = at;
      break;
    }
    if (value < 0) {
      low = at;
      atLow = value;
      if (side < 0) atHigh /= 2;
      side = -1;
    } else {
      high = at;
      atHigh = value;
      if (side > 0) atLow /= 2;
      side = 1;
    }
    if (high - low <= 2 * EPS * Math.min(Math.abs(low), Math.abs(high))) break;
  }
  const offset = low === 0 || high === 0 ? low + (high - low) / 2 : Math.abs(low) < Math.abs(high) ? low : high;
  return { origin, offset };
}

/** The middle of a bracket; of its orders of magnitude, where they differ much. */
function between(low: number, high: number): number {
  const [small, large] = [Math.min(Math.abs(low), Math.abs(high)), Math.max(Math.abs(low), Math.abs(high))];
  if (low * high > 0 && large > 4 * small) return Math.sign(low) * Math.sqrt(small) * Math.sqrt(large);
  return low + (high - low) / 2;
}

/**
 * Eigenvectors for the roots as found: of the nearby matrix whose roots they are exactly, so that they are orthogonal
 * however close the roots lie.
 */
function secularVectors(d: readonly number[], z: readonly number[], rho: number, differences: Matrix): Matrix {
  const k = d.length;
  const at = (i: number, j: number) => differences.data[i * k + j]!;
  const nearby = Float64Array.from({ length: k }, (_, j) => {
    let square = -at(k - 1, j) / rho;
    for (let i = 0; i < j; i++) square *= at(i, j) / (d[j]! - d[i]!);
    for (let i = j; i < k - 1; i++) square *= -at(i, j) / (d[i + 1]! - d[j]!);
    return Math.sign(z[j]!) * Math.sqrt(Math.abs(square));
  });
  const vectors = zeros(k, k);
  for (let i = 0; i < k; i++) {
    let norm = 0;
    for (let j = 0; j < k; j++) {
      const entry = nearby[j]! / at(i, j);
      vectors.data[i * k + j] = entry;
      norm += entry * entry;
    }
    norm = Math.sqrt(norm);
    for (let j = 0; j < k; j++) vectors.data[i * k + j]! /= norm;
  }
  return vectors;
}

function pickRows({ columns, data }: Matrix, indices: readonly number[]): Matrix {
  const picked = zeros(indices.length, columns);
  indices.forEach((from, to) => {
    picked.data.set(data.subarray(from * columns, (from + 1) * columns), to * columns);
  });
  return picked;
}

/** All eigenpairs in ascending order: those set aside and those of the secular equation. */
function merge(
  d: Float64Array,
  rows: Matrix,
  active: readonly number[],
  roots: Float64Array,
  rotated: Matrix,
): TridiagonalEigen {
  const n = d.length;
  const isActive = new Set(active);
  const pairs = [
    ...Array.from(d.keys())
      .filter((i) => !isActive.has(i))
      .map((i) => ({ value: d[i]!, from: rows, row: i })),
    ...Array.from(roots, (value, row) => ({ value, from: rotated, row })),
  ].sort((a, b) => a.value - b.value);
  const vectors = zeros(n, n);
  pairs.forEach(({ from, row }, to) => {
    vectors.data.set(from.data.subarray(row * n, (row + 1) * n), to * n);
  });
  return { values: Float64Array.from(pairs, ({ value }) => value), vectors };
}
