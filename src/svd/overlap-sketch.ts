import type { Rng } from "../base/index.ts";
import type { Block, BlockAlgebra, Matrix } from "../runtime/index.ts";
import { checkedFinite } from "./products.ts";
import { rowNorm } from "./small/matrix.ts";

/** The number of combinations. χ² with 16 degrees of freedom is below 16 / 3² with the probability 4.4e-6. */
const COMBINATIONS = 16;

/**
 * Measures how far vectors are from orthogonal to a growing set of rows q_1 … q_p, without a product with each of them. It keeps a
 * few combinations z = Σ g_j q_j with standard normal weights. For a vector w, ⟨z, w⟩ has the variance Σ ⟨q_j, w⟩², so its mean
 * square over the combinations estimates the squared length of the overlaps of w with all rows. It is too low by more than a factor of
 * 9 with a probability below 10⁻⁵. Rounding in float32 adds about 1e-7 √p.
 */
export class OverlapSketch {
  private readonly algebra: BlockAlgebra;
  private readonly rng: Rng;
  /** [COMBINATIONS, length], and memory for the next sum. */
  private sums: Block;
  private spare: Block;

  constructor(algebra: BlockAlgebra, length: number, rng: Rng) {
    this.algebra = algebra;
    this.rng = rng;
    this.sums = algebra.upload(new Float32Array(COMBINATIONS * length), COMBINATIONS, length);
    this.spare = algebra.allocate(COMBINATIONS, length);
  }

  /** Counts some more rows. */
  async add(rows: Block): Promise<void> {
    const data = Float64Array.from({ length: COMBINATIONS * rows.rows }, () => this.rng.gaussian());
    const weights: Matrix = { rows: COMBINATIONS, columns: rows.rows, data };
    await this.algebra.subtract(this.sums, weights, rows, { into: this.spare });
    [this.sums, this.spare] = [this.spare, this.sums];
  }

  /** The estimated length of the overlaps of a row of w with all rows, for the row of w where it is largest. */
  async largest(w: Block): Promise<number> {
    const products = checkedFinite(await this.algebra.gram(w, this.sums));
    let most = 0;
    for (let row = 0; row < w.rows; row++) most = Math.max(most, rowNorm(products, row));
    return most / Math.sqrt(COMBINATIONS);
  }

  dispose(): void {
    this.sums.dispose();
    this.spare.dispose();
  }
}
