import type { Block } from "./block.ts";

/** A small dense matrix in float64, row-major, in JavaScript. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/**
 * The operations of a solver on long vectors. The backend computes them where the vectors are, so that long vectors need no
 * JavaScript loop. Small matrices are float64 in JavaScript. New blocks belong to the caller, who disposes of them.
 */
export interface BlockAlgebra {
  /** A block of `rows` vectors from an array, which must not be written to afterwards. The length must be given where `rows` may be 0. */
  upload(data: Float32Array, rows: number, length?: number): Block;
  /** Memory for a block that is written later, by `into`. */
  allocate(rows: number, length: number): Block;
  /** Copies x to `into`, which has its shape, and returns that. */
  copy(x: Block, into: Block): Promise<Block>;
  /** The rows of all blocks, which have one length, in one new block. */
  stack(blocks: readonly Block[]): Promise<Block>;
  /**
   * A·Bᵀ, [a.rows, b.rows]. With `exact` the products are summed in float64, which is slower (on a device without float64, blocks are
   * brought to the CPU for it); otherwise in float32. "in pieces" stays on the device: where it has no float64, it sums short
   * pieces, which are added in float64, so that `rounding` bounds the error.
   */
  gram(a: Block, b: Block, options?: { readonly exact?: boolean | "in pieces" }): Promise<Matrix>;
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
  /**
   * The error of inner products summed in pieces and of differences, relative to the lengths of the vectors, beside the rounding of the
   * vectors themselves. It is 0 on a device with float64, where these sums are in float64.
   */
  readonly rounding: number;
  /** The sum of squares of each row of A − diag(s)·B, [rows], summed in float64 or in pieces; residuals are computed from it. */
  squaredDifference(a: Block, s: Float64Array, b: Block): Promise<Float64Array>;
  /** Row i of A times row i of B, [rows], summed in float64 or in pieces. */
  dots(a: Block, b: Block): Promise<Float64Array>;
}

/** Where to write a result. */
export interface Placement {
  /**
   * Memory of exactly the shape of the result, which must not overlap the operands. By default new memory is allocated. Writing to
   * new memory can take longer than computing the result.
   */
  readonly into?: Block;
}

/** A block and its weight in a sum. */
interface Term {
  readonly weight: number;
  readonly block: Block;
}

/** A block of vectors of one length, which must be given where there may be none. */
export function blockOf(
  algebra: Pick<BlockAlgebra, "upload">,
  vectors: readonly Float32Array[],
  length = vectors[0]!.length,
): Block {
  const data = new Float32Array(vectors.length * length);
  for (const [row, vector] of vectors.entries()) data.set(vector, row * length);
  return algebra.upload(data, vectors.length, length);
}
