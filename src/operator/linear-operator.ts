import { type Shape, sizeOf } from "../base/index.ts";
import type { Block, BlockAlgebra, Placement } from "../runtime/index.ts";

/**
 * A linear map J from `source` (n numbers) to `target` (m numbers), available only through its products with blocks of vectors.
 */
export interface LinearOperator {
  readonly source: Shape;
  readonly target: Shape;
  /** The block size with which products cost the least per vector; any other size works too. */
  readonly preferredRows: number;
  readonly algebra: BlockAlgebra;
  /** The approximate cost of one product, in multiply-adds of a fast matrix product; m·n is assumed if it is absent. */
  readonly productCost?: number;
  /** J·v for each row v: [K, n] → [K, m]. The result belongs to the caller, and may be in the memory `into`. */
  apply(v: Block, placement?: Placement): Promise<Block>;
  /** Jᵀ·u for each row u: [K, m] → [K, n]. */
  applyTranspose(u: Block, placement?: Placement): Promise<Block>;
  /**
   * The indices of the rows of J that are not zero by structure, ascending: after a ReLU, those of the active neurons. Absent if the
   * structure of J does not determine them.
   */
  activeRows?(): Promise<Uint32Array | undefined>;
}

/** m, the number of rows of J. */
export const targetSize = (J: LinearOperator): number => sizeOf(J.target);
/** n, the number of columns of J. */
export const sourceSize = (J: LinearOperator): number => sizeOf(J.source);
