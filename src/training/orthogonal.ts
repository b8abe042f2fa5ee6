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
  const products = new Float64Array(columns);
  // From the last reflection to the first, so that each meets only the entries that are not those of the identity.
  for (let j = columns - 1; j >= 0; j--) {
    const { vector, sign } = reflections[j]!;
    products.fill(0);
    for (let i = j; i < rows; i++) {
      const entry = vector[i - j]!;
      for (let c = j; c < columns; c++) products[c]! += entry * q[i * columns + c]!;
    }
    for (let i = j; i < rows; i++) {
      const entry = 2 * vector[i - j]!;
      for (let c = j; c < columns; c++) q[i * columns + c]! -= entry * products[c]!;
    }
    for (let i = j; i < rows; i++) q[i * columns + j]! *= sign;
  }
  return q;
}

/** The unit vector of the reflection that maps a Gaussian vector to a multiple of the first axis, and the sign of that multiple. */
function reflection(length: number, rng: Rng): { readonly vector: Float64Array; readonly sign: number } {
  const vector = Float64Array.from({ length }, () => rng.gaussian());
  const sign = vector[0]! < 0 ? 1 : -1;
  vector[0]! -= sign * norm(vector);
  const size = norm(vector);
  return { vector: vector.map((entry) => entry / size), sign };
}

const norm = (vector: Float64Array): number => Math.sqrt(vector.reduce((sum, entry) => sum + entry * entry, 0));

/** The transpose of a row-major matrix [rows, columns]. */
export function transposed(matrix: Float64Array, rows: number, columns: number): Float64Array {
  return Float64Array.from(matrix, (_, i) => matrix[(i % rows) * columns + Math.floor(i / rows)]!);
}
