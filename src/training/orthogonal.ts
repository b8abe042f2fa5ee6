import type { Rng } from "../base/index.ts";

/**
 * A random matrix [rows, columns] whose columns are orthonormal if rows ≥ columns, and whose rows are if not: a part of an orthogonal
 * matrix that is uniformly distributed (by the Haar measure). Row-major.
 *
 * It is the factor Q of the QR decomposition of a Gaussian matrix, with the signs that make the diagonal of R positive. The
 * reflections of that decomposition are drawn directly, since each is that of a Gaussian vector of its own.
 *
 * @see Stewart 1980, "The efficient generation of random orthogonal matrices"; Mezzadri 2007
 */
export function haarOrthogonal(rows: number, columns: number, rng: Rng): Float64Array {
  if (rows < columns) return transposed(haarOrthogonal(columns, rows, rng), columns, rows);
  const reflections = Array.from({ length: columns }, (_, j) => reflection(rows - j, rng));
  const q = new Float64Array(rows * columns);
  for (let j = 0; j < columns; j++) q[j * columns + j] = 1;
  // From the last reflection to the first, so that each meets only the entries that are not those of the identity.
  for (let j = Math.floor((columns - 1) / FOUR) * FOUR; j >= 0; j -= FOUR) {
    reflectFour(
      q,
      { rows, columns, from: j },
      reflections.slice(j, j + FOUR).map(({ vector }) => vector),
    );
  }
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) q[i * columns + j]! *= reflections[j]!.sign;
  return q;
}

/** Reflections that are applied together, so that the matrix is read and written once for all of them. */
const FOUR = 4;

/**
 * Applies up to four reflections 1 − v·vᵀ to the rows and columns of a matrix from `from` on, the last one first. The k-th vector begins at
 * the row from + k.
 */
function reflectFour(
  q: Float64Array,
  { rows, columns, from }: { readonly rows: number; readonly columns: number; readonly from: number },
  vectors: readonly Float64Array[],
): void {
  const [a, b, c, d] = Array.from({ length: FOUR }, (_, k) => {
    const whole = new Float64Array(rows);
    if (vectors[k] !== undefined) whole.set(vectors[k], from + k);
    return whole;
  }) as [Float64Array, Float64Array, Float64Array, Float64Array];
  const [pa, pb, pc, pd] = Array.from({ length: FOUR }, () => new Float64Array(columns)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  for (let i = from; i < rows; i++) {
    const [ai, bi, ci, di] = [a[i]!, b[i]!, c[i]!, d[i]!];
    for (let j = from, at = i * columns + from; j < columns; j++, at++) {
      const entry = q[at]!;
      pa[j]! += ai * entry;
      pb[j]! += bi * entry;
      pc[j]! += ci * entry;
      pd[j]! += di * entry;
    }
  }
  // A reflection meets what the ones after it have left.
  const [ab, ac, ad, bc, bd, cd] = [dot(a, b), dot(a, c), dot(a, d), dot(b, c), dot(b, d), dot(c, d)];
  for (let j = from; j < columns; j++) {
    pc[j]! -= cd * pd[j]!;
    pb[j]! -= bd * pd[j]! + bc * pc[j]!;
    pa[j]! -= ad * pd[j]! + ac * pc[j]! + ab * pb[j]!;
  }
  for (let i = from; i < rows; i++) {
    const [ai, bi, ci, di] = [a[i]!, b[i]!, c[i]!, d[i]!];
    for (let j = from, at = i * columns + from; j < columns; j++, at++) {
      q[at]! -= ai * pa[j]! + bi * pb[j]! + ci * pc[j]! + di * pd[j]!;
    }
  }
}

/** The vector of length √2 of the reflection that maps a Gaussian vector to a multiple of the first axis, and the sign of that multiple. */
function reflection(length: number, rng: Rng): { readonly vector: Float64Array; readonly sign: number } {
  const vector = new Float64Array(length);
  for (let i = 0; i < length; i++) vector[i] = rng.gaussian();
  const sign = vector[0]! < 0 ? 1 : -1;
  vector[0]! -= sign * Math.sqrt(dot(vector, vector));
  const size = Math.sqrt(dot(vector, vector) / 2);
  for (let i = 0; i < length; i++) vector[i]! /= size;
  return { vector, sign };
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** The transpose of a row-major matrix [rows, columns]. */
export function transposed(matrix: Float64Array, rows: number, columns: number): Float64Array {
  return Float64Array.from(matrix, (_, i) => matrix[(i % rows) * columns + Math.floor(i / rows)]!);
}
