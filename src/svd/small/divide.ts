import type { Matrix } from "../../runtime/index.ts";
import { breathe } from "../breathe.ts";
import { type Deflation, deflate, rotate } from "./deflate.ts";
import { implicitQl } from "./implicit-ql.ts";
import { multiply as multiplyHere, rowOf, rowRange, zeros } from "./matrix.ts";
import { rootValues, secularRoots, secularVectors } from "./secular.ts";

/** A·B in float64. The caller passes its fastest implementation. */
export type Multiply = (a: Matrix, b: Matrix) => Promise<Matrix>;

/** Eigenvalues in ascending order, and a row for each of the largest of them, in the same order. */
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

/** Below this order the direct method is faster. */
const SMALL = 40;

/**
 * The eigenproblem of a symmetric tridiagonal matrix (`offDiagonal[i]` couples i−1 and i) by divide and conquer. The matrix is two
 * smaller tridiagonal matrices plus a rank-one correction. The eigenvalues of the sum are the roots of a rational function, and lie
 * between those of the halves. Most of the work are products of the vectors, which `multiply` computes.
 *
 * The error of each value, and of the orthogonality, is about n·2⁻⁵²·‖T‖, however clustered the values are (Gu & Eisenstat).
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
  const order = Array.from(unsorted.keys()).sort((i, j) => unsorted[i]! - unsorted[j]!);
  const isUpper = order.map((i) => i < p);
  const rowBefore = (i: number) => (isUpper[i] ? rowOf(upper.rows, order[i]!) : rowOf(lower.rows, order[i]! - p));
  const d = Float64Array.from(order, (i) => unsorted[i]!);
  const last = isCarried ? 1 : p - 1;
  const z = Float64Array.from(
    order,
    (_, i) => (isUpper[i] ? rowBefore(i)[last]! : sign * rowBefore(i)[0]!) * Math.SQRT1_2,
  );
  const rho = 2 * strength;
  const deflation = deflate(d, z, rho);
  const { active, idle } = deflation;

  const zActive = Float64Array.from(active, (i) => z[i]!);
  const roots = secularRoots(
    Float64Array.from(active, (i) => d[i]!),
    zActive.map((value) => rho * value * value),
  );
  await breathe();
  const values = new Float64Array(n);
  values.set(rootValues(roots));
  values.set(
    idle.map((i) => d[i]!),
    active.length,
  );
  const ascending = Array.from(values.keys()).sort((i, j) => values[i]! - values[j]!);
  const wanted = ascending.slice(n - count);
  const wantedRoots = wanted.filter((i) => i < active.length);
  const vectors = secularVectors(roots, zActive, wantedRoots);
  await breathe();

  // The vectors of each half are zero at the entries of the other half, so there are two products. Carried rows have no halves.
  const sides: readonly Side[] = isCarried
    ? [{ at: 0, columns: upper.rows.columns, row: (i) => rowBefore(i).with(isUpper[i] ? 1 : 0, 0) }]
    : [
        { at: 0, columns: p, row: (i) => (isUpper[i] ? rowBefore(i) : undefined) },
        { at: p, columns: n - p, row: (i) => (isUpper[i] ? undefined : rowBefore(i)) },
      ];
  const rows = zeros(count, isCarried ? upper.rows.columns : n);
  for (const side of sides) {
    const { taking, positions, aside } = deflatedRows(side, deflation, n);
    const rotated = await multiply(pickColumns(vectors, positions), taking);
    let next = 0;
    wanted.forEach((i, to) => {
      const row = i < active.length ? rowOf(rotated, next++) : aside(idle[i - active.length]!);
      if (row !== undefined) rows.data.set(row, to * rows.columns + side.at);
    });
  }
  return { values: Float64Array.from(ascending, (i) => values[i]!), rows };
}

/** Columns `at` to `at` + `columns` of the rows of a problem joined from two halves. */
interface Side {
  readonly at: number;
  readonly columns: number;
  /** Row i before the correction; absent where it is zero. */
  readonly row: (i: number) => Float64Array | undefined;
}

/** The rows of one side after deflation: those that take part, with their positions among `active`, and those set aside. */
function deflatedRows({ columns, row }: Side, { active, idle, rotations }: Deflation, n: number) {
  const before = Array.from({ length: n }, (_, i) => row(i));
  const present = before.map((entries) => entries !== undefined);
  for (const { a, b } of rotations) {
    const either = present[a]! || present[b]!;
    present[a] = either;
    present[b] = either;
  }
  const positions = Array.from(active.keys()).filter((position) => present[active[position]!]);
  const members = [...positions.map((position) => active[position]!), ...idle.filter((i) => present[i])];
  const all = zeros(members.length, columns);
  const rowAt = new Map(members.map((i, to) => [i, rowOf(all, to)]));
  for (const [i, entries] of rowAt) if (before[i] !== undefined) entries.set(before[i]);
  for (const { a, b, cosine, sine } of rotations) {
    const [x, y] = [rowAt.get(a), rowAt.get(b)];
    if (x !== undefined && y !== undefined) rotate(x, y, cosine, sine);
  }
  return { taking: rowRange(all, 0, positions.length), positions, aside: (i: number) => rowAt.get(i) };
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
