import type { Matrix } from "../../operator/index.ts";
import { implicitQl } from "./implicit-ql.ts";
import { multiply as multiplyHere, rowOf, rowRange, zeros } from "./matrix.ts";
import { rootValues, secularRoots, secularVectors } from "./secular.ts";

/** A·B in float64, by whoever does it fastest. */
export type Multiply = (a: Matrix, b: Matrix) => Promise<Matrix>;

/** Eigenvalues ascending, and rows that belong to the largest of them, in the same order. */
interface TridiagonalEigen {
  readonly values: Float64Array;
  /** [count, n]: orthonormal eigenvectors x; or [count, r]: xᵀ·carried. */
  readonly vectors: Matrix;
}

interface DivideOptions {
  /** Eigenvectors wanted, of the largest values; all n when absent. */
  readonly count?: number;
  /** [n, r]: when given, the products xᵀ·carried are formed instead of the vectors x, which makes all work quadratic. */
  readonly carried?: Matrix;
}

const EPS = 2 ** -52;
/** Below this order the direct method is faster. */
const SMALL = 40;

/**
 * The eigenproblem of a symmetric tridiagonal matrix (`offDiagonal[i]` couples i−1 and i) by divide and conquer: it is two
 * smaller ones and a rank-one correction, whose eigenvalues are the roots of a rational function between those of the
 * halves. The vectors' products, which are most of the work, go to `multiply`.
 *
 * Every value to some n·2⁻⁵²·‖T‖; orthogonality to the same, however clustered the values (Gu & Eisenstat's trick).
 *
 * @see Cuppen 1981; Gu & Eisenstat 1995, "A divide-and-conquer algorithm for the symmetric tridiagonal eigenproblem"
 */
export async function divideAndConquer(
  diagonal: Float64Array,
  offDiagonal: Float64Array,
  multiply: Multiply,
  { count = diagonal.length, carried }: DivideOptions = {},
): Promise<TridiagonalEigen> {
  const { values, rows } = await solve(diagonal, offDiagonal, multiply, count, carried);
  if (carried === undefined) return { values, vectors: rows };
  const vectors = zeros(count, carried.columns);
  for (let i = 0; i < count; i++) vectors.data.set(rowOf(rows, i).subarray(2), i * carried.columns);
  return { values, vectors };
}

/** A solved part: its values ascending; of the vectors x of the largest, x itself, or [first entry, last entry, xᵀ·carried]. */
interface Part {
  readonly values: Float64Array;
  readonly rows: Matrix;
}

async function solve(
  diagonal: Float64Array,
  offDiagonal: Float64Array,
  multiply: Multiply,
  count: number,
  carried: Matrix | undefined,
): Promise<Part> {
  const n = diagonal.length;
  if (n <= SMALL) return solvedDirectly(diagonal, offDiagonal, count, carried);
  const middle = n >> 1;
  const coupling = offDiagonal[middle]!;
  const strength = Math.abs(coupling);
  const first = diagonal.slice(0, middle);
  const second = diagonal.slice(middle);
  first[middle - 1]! -= strength;
  second[0]! -= strength;
  const [above, below] = [carried && rowRange(carried, 0, middle), carried && rowRange(carried, middle, n)];
  const upper = await solve(first, offDiagonal.slice(0, middle), multiply, middle, above);
  const lower = await solve(second, offDiagonal.slice(middle), multiply, n - middle, below);
  return join(upper, lower, strength, coupling < 0 ? -1 : 1, multiply, count, carried !== undefined);
}

function solvedDirectly(
  diagonal: Float64Array,
  offDiagonal: Float64Array,
  count: number,
  carried: Matrix | undefined,
): Part {
  const n = diagonal.length;
  const unsorted = diagonal.slice();
  const turned = zeros(n, n);
  for (let i = 0; i < n; i++) turned.data[i * n + i] = 1;
  implicitQl(unsorted, offDiagonal, turned.data, n);
  const order = Array.from(unsorted.keys()).sort((i, j) => unsorted[i]! - unsorted[j]!);
  const values = Float64Array.from(order, (i) => unsorted[i]!);
  const vectors = zeros(count, n);
  order.slice(n - count).forEach((from, to) => {
    vectors.data.set(rowOf(turned, from), to * n);
  });
  if (carried === undefined) return { values, rows: vectors };
  const products = multiplyHere(vectors, carried);
  const rows = zeros(count, 2 + carried.columns);
  for (let i = 0; i < count; i++) {
    const row = rowOf(rows, i);
    row[0] = vectors.data[i * n]!;
    row[1] = vectors.data[i * n + n - 1]!;
    row.set(rowOf(products, i), 2);
  }
  return { values, rows };
}

/** Eigenpairs of diag(T₁, T₂) + strength·w wᵀ, with w the last unit vector of the first and ±the first of the second. */
async function join(
  upper: Part,
  lower: Part,
  strength: number,
  sign: number,
  multiply: Multiply,
  count: number,
  isCarried: boolean,
): Promise<Part> {
  const p = upper.values.length;
  const n = p + lower.values.length;
  const unsorted = new Float64Array(n);
  unsorted.set(upper.values);
  unsorted.set(lower.values, p);
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => unsorted[i]! - unsorted[j]!);
  const d = Float64Array.from(order, (i) => unsorted[i]!);
  const last = isCarried ? 1 : p - 1;
  const z = Float64Array.from(order, (i) =>
    i < p
      ? upper.rows.data[i * upper.rows.columns + last]! * Math.SQRT1_2
      : sign * lower.rows.data[(i - p) * lower.rows.columns]! * Math.SQRT1_2,
  );
  const rho = 2 * strength;
  const { active, idle, rotations } = deflate(d, z, rho);

  const taking = (from: Float64Array) => Float64Array.from(active, (i) => from[i]!);
  const zActive = taking(z);
  const roots = secularRoots(
    taking(d),
    zActive.map((value) => rho * value * value),
  );
  const all = new Float64Array(n);
  all.set(rootValues(roots));
  idle.forEach((i, at) => {
    all[active.length + at] = d[i]!;
  });
  const ascending = Array.from(all.keys()).sort((i, j) => all[i]! - all[j]!);
  const wanted = ascending.slice(n - count);
  const u = secularVectors(
    roots,
    zActive,
    rho,
    wanted.filter((i) => i < active.length),
  );

  // The vectors of each half have zeros at the entries of the other, so those are two products. Carried ones are summed.
  const sides: readonly Side[] = isCarried
    ? [{ at: 0, columns: upper.rows.columns, has: () => true, fill: fillCarried }]
    : [
        { at: 0, columns: p, has: (i) => order[i]! < p, fill: (i, row) => row.set(rowOf(upper.rows, order[i]!)) },
        {
          at: p,
          columns: n - p,
          has: (i) => order[i]! >= p,
          fill: (i, row) => row.set(rowOf(lower.rows, order[i]! - p)),
        },
      ];
  function fillCarried(i: number, row: Float64Array): void {
    const from = order[i]!;
    row.set(from < p ? rowOf(upper.rows, from) : rowOf(lower.rows, from - p));
    row[from < p ? 1 : 0] = 0;
  }
  const rows = zeros(count, isCarried ? upper.rows.columns : n);
  for (const { at, columns, has, fill } of sides) {
    const present = Array.from({ length: n }, (_, i) => has(i));
    const filled = present.slice();
    for (const { a, b } of rotations) present[a] = present[b] = present[a]! || present[b]!;
    const members = active.flatMap((i, position) => (present[i] ? [position] : []));
    const own = [...members.map((position) => active[position]!), ...idle.filter((i) => present[i])];
    const place = new Int32Array(n).fill(-1);
    const side = zeros(own.length, columns);
    own.forEach((i, to) => {
      place[i] = to;
      if (filled[i]) fill(i, rowOf(side, to));
    });
    for (const { a, b, cosine, sine } of rotations) {
      if (place[a]! >= 0) rotate(rowOf(side, place[a]!), rowOf(side, place[b]!), cosine, sine);
    }
    const rotated = await multiply(pickColumns(u, members), rowRange(side, 0, members.length));
    let next = 0;
    wanted.forEach((i, to) => {
      const from = i < active.length ? -1 : place[idle[i - active.length]!]!;
      if (i < active.length) rows.data.set(rowOf(rotated, next++), to * rows.columns + at);
      else if (from >= 0) rows.data.set(rowOf(side, from), to * rows.columns + at);
    });
  }
  return { values: Float64Array.from(ascending, (i) => all[i]!), rows };
}

/** Entries `at` to `at` + `columns` of the vectors of a joined problem. */
interface Side {
  readonly at: number;
  readonly columns: number;
  /** Whether vector i, before the correction, is other than zero there. */
  readonly has: (i: number) => boolean;
  readonly fill: (i: number, row: Float64Array) => void;
}

function pickColumns(a: Matrix, columns: readonly number[]): Matrix {
  if (columns.length === a.columns) return a;
  const picked = zeros(a.rows, columns.length);
  for (let r = 0; r < a.rows; r++) {
    const [from, to] = [rowOf(a, r), rowOf(picked, r)];
    for (let c = 0; c < columns.length; c++) to[c] = from[columns[c]!]!;
  }
  return picked;
}

/** Row a becomes cosine·a − sine·b, row b sine·a + cosine·b. */
interface Rotation {
  readonly a: number;
  readonly b: number;
  readonly cosine: number;
  readonly sine: number;
}

/**
 * Sets aside (`idle`) what the correction leaves as it is: directions that it does not touch, and all but one of those that
 * share a value. `d` and `z` are changed to match, and `rotations` are to be done to the rows.
 */
function deflate(
  d: Float64Array,
  z: Float64Array,
  rho: number,
): { active: readonly number[]; idle: readonly number[]; rotations: readonly Rotation[] } {
  const n = d.length;
  const largest = d.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const tolerance = 8 * EPS * Math.max(largest, rho);
  const active: number[] = [];
  const idle: number[] = [];
  const rotations: Rotation[] = [];
  for (let i = 0; i < n; i++) {
    if (rho * Math.abs(z[i]!) <= tolerance) {
      idle.push(i);
      continue;
    }
    const before = active.at(-1);
    if (before !== undefined) {
      const radius = Math.hypot(z[before]!, z[i]!);
      const cosine = z[i]! / radius;
      const sine = z[before]! / radius;
      const gap = d[i]! - d[before]!;
      if (Math.abs(gap * cosine * sine) <= tolerance) {
        rotations.push({ a: before, b: i, cosine, sine });
        z[i] = radius;
        z[before] = 0;
        const left = d[before]! * cosine * cosine + d[i]! * sine * sine;
        d[i] = d[before]! * sine * sine + d[i]! * cosine * cosine;
        d[before] = left;
        active.pop();
        idle.push(before);
      }
    }
    active.push(i);
  }
  return { active, idle, rotations };
}

function rotate(a: Float64Array, b: Float64Array, cosine: number, sine: number): void {
  for (let c = 0; c < a.length; c++) {
    const x = a[c]!;
    const y = b[c]!;
    a[c] = cosine * x - sine * y;
    b[c] = sine * x + cosine * y;
  }
}
