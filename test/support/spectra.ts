import { createRng } from "../../src/base/index.ts";
import { denseMatrix, type LinearOperator } from "../../src/operator/index.ts";
import type { BlockAlgebra } from "../../src/runtime/index.ts";
import { jsAlgebra } from "./js-algebra.ts";

/** `count` orthonormal vectors of one length in float64, by Gram-Schmidt, twice. */
export function orthonormalRows(count: number, length: number, seed: number): Float64Array[] {
  const rng = createRng(seed, "orthonormal");
  const rows: Float64Array[] = [];
  for (let i = 0; i < count; i++) {
    const row = Float64Array.from({ length }, () => rng.gaussian());
    for (let pass = 0; pass < 2; pass++) {
      for (const other of rows) {
        const overlap = dot(row, other);
        for (let c = 0; c < length; c++) row[c] = row[c]! - overlap * other[c]!;
      }
    }
    const norm = Math.sqrt(dot(row, row));
    rows.push(row.map((entry) => entry / norm));
  }
  return rows;
}

/** The m×n matrix U Σ Vᵀ with random U and V and the given singular values, row-major. */
export function matrixWithSpectrum(m: number, n: number, sigma: readonly number[], seed = 1): Float64Array {
  const [u, v] = [orthonormalRows(sigma.length, m, seed), orthonormalRows(sigma.length, n, seed + 1)];
  const matrix = new Float64Array(m * n);
  sigma.forEach((value, j) => {
    for (let r = 0; r < m; r++) {
      const weight = value * u[j]![r]!;
      for (let c = 0; c < n; c++) matrix[r * n + c] = matrix[r * n + c]! + weight * v[j]![c]!;
    }
  });
  return matrix;
}

/** An operator around a matrix. */
export function operatorOf(
  matrix: ArrayLike<number>,
  m: number,
  n: number,
  algebra: BlockAlgebra = jsAlgebra,
): LinearOperator {
  return denseMatrix(matrix, { source: [n], target: [m] }, algebra);
}

/** Singular values of a matrix, descending, by one-sided Jacobi rotations in float64: an answer of another kind. */
export function jacobiSingularValues(matrix: ArrayLike<number>, m: number, n: number): Float64Array {
  const short = Math.min(m, n);
  const long = Math.max(m, n);
  const rows = Array.from({ length: short }, (_, i) =>
    Float64Array.from({ length: long }, (_, j) => Number(m <= n ? matrix[i * n + j] : matrix[j * n + i])),
  );
  // Rows whose product is rounding error of the whole are as orthogonal as they get.
  const negligible = 1e-32 * rows.reduce((total, row) => total + dot(row, row), 0);
  for (let rotated = true; rotated; ) {
    rotated = false;
    for (let i = 0; i < short; i++) {
      for (let j = i + 1; j < short; j++) rotated = rotate(rows[i]!, rows[j]!, negligible) || rotated;
    }
  }
  return Float64Array.from(rows, (row) => Math.sqrt(dot(row, row)))
    .sort()
    .reverse();
}

function rotate(x: Float64Array, y: Float64Array, negligible: number): boolean {
  const [xx, yy, xy] = [dot(x, x), dot(y, y), dot(x, y)];
  if (Math.abs(xy) <= Math.max(1e-15 * Math.sqrt(xx * yy), negligible)) return false;
  const zeta = (yy - xx) / (2 * xy);
  const tangent = (zeta >= 0 ? 1 : -1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
  const cosine = 1 / Math.sqrt(1 + tangent * tangent);
  const sine = cosine * tangent;
  for (let c = 0; c < x.length; c++) {
    const [a, b] = [x[c]!, y[c]!];
    x[c] = cosine * a - sine * b;
    y[c] = sine * a + cosine * b;
  }
  return true;
}

export function dot(x: ArrayLike<number>, y: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < x.length; i++) total += x[i]! * y[i]!;
  return total;
}
