/**
 * K vectors of length n, row-major: row i is vector i. `rows` may be smaller than the capacity of `data`.
 */
export interface Block {
  readonly rows: number;
  readonly length: number;
  /** `rows · length` entries. */
  readonly data: Float32Array;
}

/** A small dense matrix in float64, row-major. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/**
 * The operations of a solver on long vectors. The backend computes them, so that long vectors need no JavaScript loop. Small
 * matrices are float64 in JavaScript.
 */
export interface BlockAlgebra {
  /** A·Bᵀ, [a.rows, b.rows]. With `exact` the products are summed in float64, which is slower; otherwise in float32. */
  gram(a: Block, b: Block, options?: { readonly exact?: boolean }): Promise<Matrix>;
  /** C·Q: `c` [r, q.rows] times q gives a block of r rows. With `exact` sums are in float64 and rounded once. */
  combine(c: Matrix, q: Block, options?: Placement & { readonly exact?: boolean }): Promise<Block>;
  /** W − C·Q: `c` [w.rows, q.rows]. */
  subtract(w: Block, c: Matrix, q: Block, options?: Placement): Promise<Block>;
  /** A·B of small matrices, in float64. */
  multiply(a: Matrix, b: Matrix): Promise<Matrix>;
  /** αA + βB + γC */
  mix(terms: readonly [Term, Term, Term], options?: Placement): Promise<Block>;
  /** Selects entries: entry j of each row of the result is the entry at `positions[j]` of that row. */
  select(x: Block, positions: Uint32Array, options?: Placement): Promise<Block>;
  /** The transpose of `select`: rows of `length`, zero except at `positions`, which must be distinct. */
  scatter(x: Block, positions: Uint32Array, length: number, options?: Placement): Promise<Block>;
  /** The sum of squares of each row of A − diag(s)·B, [rows]; residuals are computed from it. */
  squaredDifference(a: Block, s: Float64Array, b: Block): Promise<Float64Array>;
  /** Row i of A times row i of B, [rows], summed in float64. */
  dots(a: Block, b: Block): Promise<Float64Array>;
}

/** Where to write a result. */
export interface Placement {
  /**
   * Memory that may hold the result. It must be at least as large as the result and must not overlap the operands. By default new
   * memory is allocated. Writing to new memory can take longer than computing the result.
   */
  readonly into?: Float32Array;
}

/** A block and its weight in a sum. */
interface Term {
  readonly weight: number;
  readonly block: Block;
}

/** A block around an array that holds `rows` vectors. */
export function block(data: Float32Array, rows: number): Block {
  return { rows, length: rows === 0 ? 0 : data.length / rows, data };
}

/** Rows `from` to `to` (exclusive) of a block, sharing its memory. */
export function rowsOf(source: Block, from: number, to: number): Block {
  const { length } = source;
  return { rows: to - from, length, data: source.data.subarray(from * length, to * length) };
}

/** The rows of all blocks in one new block. At least one block must be given. */
export function stacked(...blocks: readonly [Block, ...Block[]]): Block {
  const rows = blocks.reduce((sum, one) => sum + one.rows, 0);
  const { length } = blocks[0];
  const data = new Float32Array(rows * length);
  let at = 0;
  for (const one of blocks) {
    data.set(one.data, at);
    at += one.data.length;
  }
  return { rows, length, data };
}

/** A block of the given vectors. They must have the same length, and there must be at least one. */
export function blockOf(vectors: readonly Float32Array[]): Block {
  return stacked(...(vectors.map((vector) => block(vector, 1)) as [Block, ...Block[]]));
}
