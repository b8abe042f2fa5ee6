import type { Rng } from "../../src/base/index.ts";

/** Householder reflections on each side. Vectors of the solver are drawn alike in every direction: a few are enough. */
const REFLECTIONS = 3;

/** A matrix in float64 with the singular values that it was given. */
export interface Intended {
  readonly m: number;
  readonly n: number;
  /** [min(m, n)], descending. */
  readonly sigma: Float64Array;
  /** [m, n] row-major. */
  readonly matrix: Float64Array;
}

/** U·diag(σ)·Vᵀ, with the factors apart. */
interface Factored extends Intended {
  /** [m, min(m, n)] and [n, min(m, n)] row-major, orthonormal columns. */
  readonly u: Float64Array;
  readonly v: Float64Array;
}

/** A matrix with given singular values (descending), its vectors turned by random reflections. */
export function withSpectrum(rng: Rng, m: number, n: number, sigma: Float64Array): Factored {
  const r = sigma.length;
  const [u, v] = [identity(m, r), identity(n, r)];
  for (let i = 0; i < REFLECTIONS; i++) {
    reflectRows(u, r, randomUnit(rng, m));
    reflectRows(v, r, randomUnit(rng, n));
  }
  const matrix = new Float64Array(m * n);
  for (let row = 0; row < m; row++) {
    for (let column = 0; column < n; column++) {
      let total = 0;
      for (let i = 0; i < r; i++) total += u[row * r + i]! * sigma[i]! * v[column * r + i]!;
      matrix[row * n + column] = total;
    }
  }
  return { m, n, sigma, matrix, u, v };
}

/** σ on places of their own, nothing else: exact in float32 where σ is, and as disconnected as a matrix can be. */
export function permuted(rng: Rng, m: number, n: number, sigma: Float64Array): Intended {
  const [rows, columns] = [shuffled(rng, m), shuffled(rng, n)];
  const matrix = new Float64Array(m * n);
  sigma.forEach((value, i) => {
    matrix[rows[i]! * n + columns[i]!] = rng.uniform() < 0.5 ? value : -value;
  });
  return { m, n, sigma, matrix };
}

/**
 * Läuchli's matrix, [n + 1, n]: a row of ones above e times the identity. Forming JᵀJ in float32 loses every σ but the
 * first where e < 2⁻¹².
 *
 * @see Läuchli 1961
 */
export function lauchli(n: number, e: number): Float64Array {
  const matrix = new Float64Array((n + 1) * n);
  for (let column = 0; column < n; column++) {
    matrix[column] = 1;
    matrix[(column + 1) * n + column] = e;
  }
  return matrix;
}

/**
 * Kahan's upper triangular matrix, [n, n]: diag(1, s, s², …) times ones on the diagonal and −c above it. Its smallest σ is
 * far below what its diagonal shows.
 *
 * @see Kahan 1966
 */
export function kahan(n: number, angle: number): Float64Array {
  const matrix = new Float64Array(n * n);
  for (let row = 0; row < n; row++) {
    const scale = Math.sin(angle) ** row;
    for (let column = row; column < n; column++) {
      matrix[row * n + column] = column === row ? scale : -Math.cos(angle) * scale;
    }
  }
  return matrix;
}

/** Independent normal entries of variance 1/n: a spectrum with the edges of Marchenko and Pastur. */
export const gaussianMatrix = (rng: Rng, m: number, n: number): Float64Array =>
  Float64Array.from({ length: m * n }, () => rng.gaussian() / Math.sqrt(n));

/** A·B of [m, p] and [p, n], row-major. */
export function product(a: Float64Array, b: Float64Array, p: number): Float64Array {
  const [m, n] = [a.length / p, b.length / p];
  const c = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < p; j++) {
      const weight = a[i * p + j]!;
      for (let column = 0; column < n; column++) c[i * n + column]! += weight * b[j * n + column]!;
    }
  }
  return c;
}

/** Aᵀ of a row-major matrix with so many columns. */
export function transposed(a: Float64Array, columns: number): Float64Array {
  const rows = a.length / columns;
  const result = new Float64Array(a.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) result[column * rows + row] = a[row * columns + column]!;
  }
  return result;
}

function identity(rows: number, columns: number): Float64Array {
  const matrix = new Float64Array(rows * columns);
  for (let i = 0; i < columns; i++) matrix[i * columns + i] = 1;
  return matrix;
}

/** (I − 2hhᵀ)·A, in place, for a unit vector h as long as a column. */
function reflectRows(a: Float64Array, columns: number, h: Float64Array): void {
  const overlap = new Float64Array(columns);
  h.forEach((entry, row) => {
    for (let column = 0; column < columns; column++) overlap[column]! += entry * a[row * columns + column]!;
  });
  h.forEach((entry, row) => {
    for (let column = 0; column < columns; column++) a[row * columns + column]! -= 2 * entry * overlap[column]!;
  });
}

function randomUnit(rng: Rng, length: number): Float64Array {
  const vector = Float64Array.from({ length }, () => rng.gaussian());
  const norm = Math.hypot(...vector);
  return vector.map((entry) => entry / norm);
}

function shuffled(rng: Rng, count: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = rng.integer(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
