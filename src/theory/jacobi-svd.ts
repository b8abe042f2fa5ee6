/** A singular value decomposition in float64, A = Σ_i u_i·σ_i·v_iᵀ. */
export interface Decomposition {
  /** Descending, min(rows, columns) of them. */
  readonly sigma: Float64Array;
  /** [number of σ][rows], orthonormal; rows of zeros where σ is 0. */
  readonly left: readonly Float64Array[];
  /** [number of σ][columns], orthonormal. */
  readonly right: readonly Float64Array[];
}

/** Two columns count as orthogonal if the cosine between them is not larger. */
const ORTHOGONAL = 1e-15;

/**
 * The singular values and vectors of a small matrix, row-major, by one-sided Jacobi rotations: columns are rotated in pairs until all are
 * orthogonal; their lengths are the singular values. It shares nothing with the solver, so that the two can be compared.
 *
 * @see Hestenes 1958; Demmel & Veselić 1992
 */
export function jacobiSvd(matrix: ArrayLike<number>, rows: number, columns: number): Decomposition {
  if (rows < columns) {
    const { sigma, left, right } = jacobiSvd(transposed(matrix, rows, columns), columns, rows);
    return { sigma, left: right, right: left };
  }
  const vectors = Array.from({ length: columns }, (_, c) => {
    return Float64Array.from({ length: rows }, (_, r) => matrix[r * columns + c]!);
  });
  const rotations = Array.from({ length: columns }, (_, c) => new Float64Array(columns).fill(1, c, c + 1));
  while (sweep(vectors, rotations)) {}
  const lengths = vectors.map((vector) => Math.sqrt(dot(vector, vector)));
  const order = lengths.map((_, c) => c).sort((a, b) => lengths[b]! - lengths[a]!);
  return {
    sigma: Float64Array.from(order, (c) => lengths[c]!),
    left: order.map((c) => vectors[c]!.map((entry) => (lengths[c] === 0 ? 0 : entry / lengths[c]!))),
    right: order.map((c) => rotations[c]!),
  };
}

/** Rotates every pair of columns once, and says whether one of them was not orthogonal. */
function sweep(vectors: readonly Float64Array[], rotations: readonly Float64Array[]): boolean {
  let rotated = false;
  for (let p = 0; p < vectors.length; p++) {
    for (let q = p + 1; q < vectors.length; q++) {
      const [a, b] = [vectors[p]!, vectors[q]!];
      const [aa, bb, ab] = [dot(a, a), dot(b, b), dot(a, b)];
      if (Math.abs(ab) <= ORTHOGONAL * Math.sqrt(aa * bb)) continue;
      rotated = true;
      const cotangent = (bb - aa) / (2 * ab);
      const tangent = (cotangent < 0 ? -1 : 1) / (Math.abs(cotangent) + Math.hypot(1, cotangent));
      const cosine = 1 / Math.hypot(1, tangent);
      rotate(a, b, cosine, cosine * tangent);
      rotate(rotations[p]!, rotations[q]!, cosine, cosine * tangent);
    }
  }
  return rotated;
}

function rotate(a: Float64Array, b: Float64Array, cosine: number, sine: number): void {
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]!, b[i]!];
    a[i] = cosine * x - sine * y;
    b[i] = sine * x + cosine * y;
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function transposed(matrix: ArrayLike<number>, rows: number, columns: number): Float64Array {
  return Float64Array.from({ length: rows * columns }, (_, i) => matrix[(i % rows) * columns + Math.floor(i / rows)]!);
}
