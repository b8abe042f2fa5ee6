import { type Block, type BlockAlgebra, block, type Matrix, rowsOf } from "../operator/index.ts";

/** What a search's products made of the vectors of its basis, in their order: so those of combinations are known. */
export class Images {
  private readonly algebra: BlockAlgebra;
  private readonly all: Block;
  private rows = 0;

  /** `length`: of an image; `most`: how many can be kept. */
  constructor(algebra: BlockAlgebra, length: number, most: number) {
    this.algebra = algebra;
    this.all = block(new Float32Array(most * length), most);
  }

  /** Where the images of so many more vectors are to go; `undefined` where there is no room. */
  room(rows: number): { readonly into: Float32Array } | undefined {
    const from = this.rows;
    if (from + rows > this.all.rows) return undefined;
    this.rows += rows;
    return { into: rowsOf(this.all, from, this.rows).data };
  }

  /** The images of combinations of the vectors: `weights` [count, vectors] → [count, length]. */
  combine(weights: Matrix): Promise<Block> {
    return this.algebra.combine(weights, rowsOf(this.all, 0, this.rows));
  }
}
