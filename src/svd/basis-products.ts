import type { Block, BlockAlgebra, Matrix } from "../runtime/index.ts";

/**
 * The products of J or Jᵀ with the vectors of a basis, stored in the order of the vectors. From them the product with any
 * linear combination of the vectors follows without another multiplication.
 */
export class BasisProducts {
  private readonly algebra: BlockAlgebra;
  private readonly all: Block;
  private rows = 0;

  /** `length`: entries of one product; `most`: how many products can be stored. */
  constructor(algebra: BlockAlgebra, length: number, most: number) {
    this.algebra = algebra;
    this.all = algebra.allocate(most, length);
  }

  /** Memory for the products with the next `rows` vectors of the basis; `undefined` if there is not enough of it. */
  room(rows: number): { readonly into: Block } | undefined {
    const from = this.rows;
    if (from + rows > this.all.rows) return undefined;
    this.rows += rows;
    return { into: this.all.range(from, this.rows) };
  }

  /** The products with linear combinations of the vectors: `weights` [count, vectors] → [count, length]. */
  combine(weights: Matrix): Promise<Block> {
    return this.algebra.combine(weights, this.all.range(0, this.rows));
  }

  dispose(): void {
    this.all.dispose();
  }
}
