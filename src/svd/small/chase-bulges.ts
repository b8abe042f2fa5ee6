/** A symmetric matrix whose entries vanish more than `width` away from the diagonal. */
export interface SymmetricBand {
  readonly order: number;
  /** 0 is a diagonal matrix. */
  readonly width: number;
  /** [order, width + 1]: row i holds its entries i − width to i, the diagonal last. What lies left of column 0 is not read. */
  readonly data: Float64Array;
}

/**
 * T = Qᵀ A Q of a band matrix A, with T tridiagonal and Q = H_0 H_1 ⋯ a product of reflectors I − weight·v vᵀ. Sweep s has
 * reflectors k = 0, 1, …, the k-th on the rows from s + 1 + k·width on, `width` of them or what is left.
 */
export interface BandReduction {
  readonly width: number;
  readonly diagonal: Float64Array;
  /** Entry i couples i−1 and i. */
  readonly offDiagonal: Float64Array;
  /** First reflector of each sweep: reflector k of sweep s is number `first[s]` + k. */
  readonly first: Int32Array;
  /** [reflectors, width] */
  readonly reflectors: Float64Array;
  /** [reflectors]; 0 is the identity. */
  readonly weights: Float64Array;
}

/** Of a column whose matrix has entries of size 1: nothing, where reflecting it would divide by what underflows. */
const NEGLIGIBLE_SQUARE = 2 ** -208;

/**
 * Band to tridiagonal form, entries of A of size 1 at most. A sweep clears one column; each reflector fills a block below the
 * band (the bulge), the first column of which the next reflector clears, and so on down the matrix. Some 6·width·order²
 * operations, against order³ for a dense reduction.
 *
 * @see Schwarz 1968, "Tridiagonalization of a symmetric band matrix"; Haidar, Ltaief & Dongarra 2011
 */
export function chaseBulges(band: SymmetricBand): BandReduction {
  const n = band.order;
  const width = Math.min(band.width, n - 1);
  const { a, step } = withRoomForBulges(band, width);
  const at = (row: number, column: number) => row * step + column + step;
  const first = new Int32Array(Math.max(n - 1, 1));
  for (let s = 0; s + 2 < n; s++) first[s + 1] = first[s]! + (width > 1 ? Math.ceil((n - 1 - s) / width) : 0);
  const reflectors = new Float64Array(first[Math.max(n - 2, 0)]! * width);
  const weights = new Float64Array(first[Math.max(n - 2, 0)]!);
  const x = new Float64Array(width);
  const y = new Float64Array(width);

  for (let s = 0; width > 1 && s + 2 < n; s++) {
    let number = first[s]!;
    let from = s + 1;
    let v = reflectors.subarray(number * width, (number + 1) * width);
    let count = Math.min(width, n - from);
    weights[number] = reflectColumn(a, at(from, s), step, count, v);
    for (;;) {
      reflectBothSides(a, at(from, from), step, count, v, weights[number]!, x);
      const below = from + count;
      const left = Math.min(width, n - below);
      if (left === 0) break;
      const block = at(below, from);
      multiplyBlock(a, block, step, left, count, v, weights[number]!, x);
      for (let r = 0; r < left; r++) a[block + r * step] = a[block + r * step]! - x[r]! * v[0]!;
      if (left === 1) {
        for (let c = 1; c < count; c++) a[block + c] = a[block + c]! - x[0]! * v[c]!;
        break;
      }
      number++;
      const next = reflectors.subarray(number * width, (number + 1) * width);
      weights[number] = reflectColumn(a, block, step, left, next);
      reflectBlock(a, block, step, left, count, v, x, next, weights[number]!, y);
      from = below;
      count = left;
      v = next;
    }
  }
  return {
    width,
    diagonal: Float64Array.from({ length: n }, (_, i) => a[at(i, i)]!),
    offDiagonal: Float64Array.from({ length: n }, (_, i) => (i > 0 && width > 0 ? a[at(i, i - 1)]! : 0)),
    first,
    reflectors,
    weights,
  };
}

/** The band with 2·width places a row; entry (i, j) lies at `step`·(i + 1) + j, so that a block is one of a dense matrix. */
function withRoomForBulges({ order, width: given, data }: SymmetricBand, width: number) {
  const step = Math.max(2 * width - 1, 1);
  const a = new Float64Array((order + 1) * (step + 1));
  for (let i = 0; i < order; i++) {
    const used = Math.min(i, width);
    const end = (i + 1) * (given + 1);
    a.set(data.subarray(end - used - 1, end), i * step + i - used + step);
  }
  return { a, step };
}

/** The reflector that turns a column of `count` entries into a multiple of the first unit vector: done, and put into v. */
function reflectColumn(a: Float64Array, start: number, step: number, count: number, v: Float64Array): number {
  let square = 0;
  for (let r = 1; r < count; r++) {
    const entry = a[start + r * step]!;
    v[r] = entry;
    a[start + r * step] = 0;
    square += entry * entry;
  }
  if (square < NEGLIGIBLE_SQUARE) {
    v.fill(0);
    return 0;
  }
  const pivot = a[start]!;
  const length = Math.sqrt(square + pivot * pivot);
  v[0] = pivot > 0 ? pivot + length : pivot - length;
  a[start] = pivot > 0 ? -length : length;
  return 1 / (length * (length + Math.abs(pivot)));
}

/** D ← H D H for a diagonal block, its lower triangle; `x` is room for one row. */
function reflectBothSides(
  a: Float64Array,
  start: number,
  step: number,
  count: number,
  v: Float64Array,
  weight: number,
  x: Float64Array,
): void {
  if (weight === 0) return;
  x.fill(0, 0, count);
  let r = 0;
  for (; r + 1 < count; r += 2) {
    const upper = start + r * step;
    const lower = upper + step;
    const v0 = v[r]!;
    const v1 = v[r + 1]!;
    let x0 = 0;
    let x1 = 0;
    for (let c = 0; c < r; c++) {
      const a0 = a[upper + c]!;
      const a1 = a[lower + c]!;
      const vc = v[c]!;
      x0 += a0 * vc;
      x1 += a1 * vc;
      x[c] = x[c]! + (a0 * v0 + a1 * v1);
    }
    const corner = a[lower + r]!;
    x[r] = x0 + a[upper + r]! * v0 + corner * v1;
    x[r + 1] = x1 + corner * v0 + a[lower + r + 1]! * v1;
  }
  if (r < count) {
    const last = start + r * step;
    const v0 = v[r]!;
    let x0 = a[last + r]! * v0;
    for (let c = 0; c < r; c++) {
      const a0 = a[last + c]!;
      x0 += a0 * v[c]!;
      x[c] = x[c]! + a0 * v0;
    }
    x[r] = x0;
  }
  let overlap = 0;
  for (let c = 0; c < count; c++) overlap += x[c]! * v[c]!;
  const shift = (weight * weight * overlap) / 2;
  for (let c = 0; c < count; c++) x[c] = weight * x[c]! - shift * v[c]!;

  r = 0;
  for (; r + 1 < count; r += 2) {
    const upper = start + r * step;
    const lower = upper + step;
    const v0 = v[r]!;
    const v1 = v[r + 1]!;
    const x0 = x[r]!;
    const x1 = x[r + 1]!;
    for (let c = 0; c <= r; c++) {
      const vc = v[c]!;
      const xc = x[c]!;
      a[upper + c] = a[upper + c]! - (v0 * xc + x0 * vc);
      a[lower + c] = a[lower + c]! - (v1 * xc + x1 * vc);
    }
    a[lower + r + 1] = a[lower + r + 1]! - 2 * v1 * x1;
  }
  if (r < count) {
    const last = start + r * step;
    const v0 = v[r]!;
    const x0 = x[r]!;
    for (let c = 0; c <= r; c++) a[last + c] = a[last + c]! - (v0 * x[c]! + x0 * v[c]!);
  }
}

/** B ← B (I − weight·v vᵀ) for a block of `rows` by `columns` at `start`; `x` is room for a column. */
export function reflectFromRight(
  a: Float64Array,
  start: number,
  step: number,
  rows: number,
  columns: number,
  v: Float64Array,
  weight: number,
  x: Float64Array,
): void {
  if (weight === 0) return;
  multiplyBlock(a, start, step, rows, columns, v, weight, x);
  let r = 0;
  for (; r + 1 < rows; r += 2) {
    const row0 = start + r * step;
    const row1 = row0 + step;
    const x0 = x[r]!;
    const x1 = x[r + 1]!;
    for (let c = 0; c < columns; c++) {
      const vc = v[c]!;
      a[row0 + c] = a[row0 + c]! - x0 * vc;
      a[row1 + c] = a[row1 + c]! - x1 * vc;
    }
  }
  if (r < rows) {
    const row = start + r * step;
    for (let c = 0; c < columns; c++) a[row + c] = a[row + c]! - x[r]! * v[c]!;
  }
}

/** x = weight·B v for a block of `rows` by `columns`. */
function multiplyBlock(
  a: Float64Array,
  start: number,
  step: number,
  rows: number,
  columns: number,
  v: Float64Array,
  weight: number,
  x: Float64Array,
): void {
  let r = 0;
  for (; r + 3 < rows; r += 4) {
    const row0 = start + r * step;
    const row1 = row0 + step;
    const row2 = row1 + step;
    const row3 = row2 + step;
    let x0 = 0;
    let x1 = 0;
    let x2 = 0;
    let x3 = 0;
    for (let c = 0; c < columns; c++) {
      const vc = v[c]!;
      x0 += a[row0 + c]! * vc;
      x1 += a[row1 + c]! * vc;
      x2 += a[row2 + c]! * vc;
      x3 += a[row3 + c]! * vc;
    }
    x[r] = weight * x0;
    x[r + 1] = weight * x1;
    x[r + 2] = weight * x2;
    x[r + 3] = weight * x3;
  }
  for (; r < rows; r++) {
    const row = start + r * step;
    let x0 = 0;
    for (let c = 0; c < columns; c++) x0 += a[row + c]! * v[c]!;
    x[r] = weight * x0;
  }
}

/**
 * B ← H'(B − x vᵀ) for all columns but the first, with H' = I − nextWeight·next nextᵀ: an update of rank two, for which
 * y = nextWeight·(B − x vᵀ)ᵀ next.
 */
function reflectBlock(
  a: Float64Array,
  start: number,
  step: number,
  rows: number,
  columns: number,
  v: Float64Array,
  x: Float64Array,
  next: Float64Array,
  nextWeight: number,
  y: Float64Array,
): void {
  let overlap = 0;
  for (let r = 0; r < rows; r++) overlap += next[r]! * x[r]!;
  for (let c = 1; c < columns; c++) y[c] = -overlap * v[c]!;
  let r = 0;
  for (; r + 3 < rows; r += 4) {
    const row0 = start + r * step;
    const row1 = row0 + step;
    const row2 = row1 + step;
    const row3 = row2 + step;
    const n0 = next[r]!;
    const n1 = next[r + 1]!;
    const n2 = next[r + 2]!;
    const n3 = next[r + 3]!;
    for (let c = 1; c < columns; c++) {
      y[c] = y[c]! + (n0 * a[row0 + c]! + n1 * a[row1 + c]! + (n2 * a[row2 + c]! + n3 * a[row3 + c]!));
    }
  }
  for (; r < rows; r++) {
    const row = start + r * step;
    const n0 = next[r]!;
    for (let c = 1; c < columns; c++) y[c] = y[c]! + n0 * a[row + c]!;
  }
  for (let c = 1; c < columns; c++) y[c] = nextWeight * y[c]!;

  r = 0;
  for (; r + 1 < rows; r += 2) {
    const row0 = start + r * step;
    const row1 = row0 + step;
    const [x0, x1, n0, n1] = [x[r]!, x[r + 1]!, next[r]!, next[r + 1]!];
    for (let c = 1; c < columns; c++) {
      const vc = v[c]!;
      const yc = y[c]!;
      a[row0 + c] = a[row0 + c]! - (x0 * vc + n0 * yc);
      a[row1 + c] = a[row1 + c]! - (x1 * vc + n1 * yc);
    }
  }
  if (r < rows) {
    const row = start + r * step;
    for (let c = 1; c < columns; c++) a[row + c] = a[row + c]! - (x[r]! * v[c]! + next[r]! * y[c]!);
  }
}
