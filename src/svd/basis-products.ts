import type { Block, BlockAlgebra, Matrix, Placement } from "../runtime/index.ts";

/**
 * Products with the vectors of a basis, stored in the order of the vectors: those on the long side, with J or Jᵀ, and those of these
 * products with the other of the two, back on the short side. From them the products with any linear combination of the vectors
 * follow without another multiplication.
 */
export class BasisProducts implements Disposable {
  private readonly algebra: BlockAlgebra;
  private readonly risen: Block;
  private readonly returned: Block;
  private rows = 0;

  /** `longLength` and `length`: entries of a product on either side; `most`: how many of each can be stored. */
  constructor(algebra: BlockAlgebra, { longLength, length }: { longLength: number; length: number }, most: number) {
    this.algebra = algebra;
    this.risen = algebra.allocate(most, longLength);
    this.returned = algebra.allocate(most, length);
  }

  /** Memory for the products with the next `rows` vectors of the basis; `undefined` if there is not enough of it. */
  room(rows: number): { readonly risen: Placement; readonly returned: Placement } | undefined {
    const from = this.rows;
    if (from + rows > this.risen.rows) return undefined;
    this.rows += rows;
    return {
      risen: { into: this.risen.range(from, this.rows) },
      returned: { into: this.returned.range(from, this.rows) },
    };
  }

  /** The products with linear combinations of the vectors, `weights` [count, vectors]: on the long side, and back on the short side. */
  async combine(weights: Matrix): Promise<{ readonly risen: Block; readonly returned: Block }> {
    return {
      risen: await this.algebra.combine(weights, this.risen.range(0, this.rows)),
      returned: await this.algebra.combine(weights, this.returned.range(0, this.rows)),
    };
  }

  [Symbol.dispose](): void {
    this.risen.dispose();
    this.returned.dispose();
  }
}
