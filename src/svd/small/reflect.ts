import { NEGLIGIBLE_SQUARE } from "./reflector-block.ts";

// Reflections of dense blocks inside a larger matrix. The right neighbour of an entry is the next number, and the entry below it is
// `step` numbers further. The loops take two or four rows at a time, so that each entry of a vector is read once for all of them.

/** The reflector that turns a column of `count` entries into a multiple of the first unit vector. It is applied and stored in v. */
export function reflectColumn(a: Float64Array, start: number, step: number, count: number, v: Float64Array): number {
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

/** D ← H D H for the lower triangle of a diagonal block; `x` is memory for one row. */
export function reflectBothSides(
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

/** B ← B (I − weight·v vᵀ) for a block of `rows` by `columns` at `start`; `x` is memory for a column. */
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
  subtractOuter(a, start, step, rows, columns, v, x);
}

/** B ← B − x vᵀ for a block of `rows` by `columns`. */
export function subtractOuter(
  a: Float64Array,
  start: number,
  step: number,
  rows: number,
  columns: number,
  v: Float64Array,
  x: Float64Array,
): void {
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
export function multiplyBlock(
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
export function reflectBlock(
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
