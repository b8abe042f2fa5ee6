import { type Shape, sizeOf } from "../base/index.ts";
import type { Block, BlockAlgebra, Placement } from "./block-algebra.ts";

/**
 * A linear map J from `source` (n numbers) to `target` (m numbers), known only by its products with blocks of vectors.
 */
export interface LinearOperator {
  readonly source: Shape;
  readonly target: Shape;
  /** The block size at which products are cheapest per vector; any other size works. */
  readonly preferredRows: number;
  readonly algebra: BlockAlgebra;
  /** About what one product costs, in multiply-adds of a fast matrix product; taken for m·n where it is absent. */
  readonly productCost?: number;
  /** J·v for each row v: [K, n] → [K, m]. The result is the caller's own; `into` may be used for it. */
  apply(v: Block, placement?: Placement): Promise<Block>;
  /** Jᵀ·u for each row u: [K, m] → [K, n]. */
  applyTranspose(u: Block, placement?: Placement): Promise<Block>;
  /**
   * Indices of the rows of J that can be non-zero, ascending, where the structure tells (the units that a ReLU lets
   * through, say); absent where it does not.
   */
  activeRows?(): Promise<Uint32Array | undefined>;
}

/** m, the number of rows of J. */
export const targetSize = (J: LinearOperator): number => sizeOf(J.target);
/** n, the number of columns of J. */
export const sourceSize = (J: LinearOperator): number => sizeOf(J.source);
