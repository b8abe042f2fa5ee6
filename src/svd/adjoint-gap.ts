import type { Rng } from "../base/index.ts";
import type { Block, BlockAlgebra } from "../runtime/index.ts";
import { checkedFinite, type Products } from "./products.ts";
import { randomBlock } from "./random-block.ts";

/** The number of random vectors on each side. */
export const GAP_VECTORS = 16;
/**
 * The standard deviation of so many normal deviates exceeds their root mean square by more than this factor less than once in 10⁵
 * times: χ² with 16 degrees of freedom is below 16 / 2.84² with the probability 9.7e-06.
 */
export const CERTAIN = 2.84;

/** Vectors u and v, one in each row, and what is used as their products Jᵀu and Jv. */
export interface Multiplied {
  readonly u: Block;
  readonly v: Block;
  readonly Jtu: Block;
  readonly Jv: Block;
}

/**
 * Random vectors z and w and their products Jz and Jᵀw, which test whether other products belong to the same matrix.
 *
 * Residuals do not show all of a disagreement between J and the given Jᵀ: if Jᵀu is wrong by a component orthogonal to V, Jv and
 * Jᵀu can still be consistent with each other. For standard normal z, ⟨Jᵀu, z⟩ − ⟨u, Jz⟩ has the standard deviation ‖e‖, where e is
 * the difference between the given Jᵀu and the product of u with the transpose of J. The same holds for w, with the sides
 * exchanged. Rounding contributes no more to it than to a residual, because the errors of the entries of Jz are independent of u,
 * and an entry of Jz is not larger than ‖J‖ times a normal deviate. So the test is as sharp for a flat spectrum as for any other.
 */
export class Witnesses {
  private readonly algebra: BlockAlgebra;
  private readonly z: Block;
  private readonly w: Block;
  private readonly Jz: Block;
  private readonly Jtw: Block;

  private constructor(algebra: BlockAlgebra, z: Block, w: Block, Jz: Block, Jtw: Block) {
    this.algebra = algebra;
    this.z = z;
    this.w = w;
    this.Jz = Jz;
    this.Jtw = Jtw;
  }

  /** Draws the vectors and multiplies them. They must not depend on the vectors that they test. */
  static async drawn(products: Products, algebra: BlockAlgebra, rng: Rng): Promise<Witnesses> {
    const z = await randomBlock(algebra, rng, GAP_VECTORS, products.n);
    const w = await randomBlock(algebra, rng, GAP_VECTORS, products.m);
    return new Witnesses(algebra, z, w, await products.apply(z), await products.applyTranspose(w));
  }

  /**
   * For each row, estimates of how far Jᵀu is from the product with the transpose of J, and Jv from that with the transpose of the
   * given Jᵀ; the larger is returned, [rows]. The distance exceeds CERTAIN times its estimate with a probability below 10⁻⁵.
   *
   * @throws PushforwardError `not-finite` if a product is not finite
   */
  async gaps({ u, v, Jtu, Jv }: Multiplied): Promise<Float64Array> {
    const [byZ, byW] = [await this.estimates(Jtu, this.z, u, this.Jz), await this.estimates(Jv, this.w, v, this.Jtw)];
    return byZ.map((gap, i) => Math.max(gap, byW[i]!));
  }

  /** The root mean square of ⟨product, random⟩ − ⟨vector, random product⟩, for each row. */
  private async estimates(product: Block, random: Block, vector: Block, randomProduct: Block): Promise<Float64Array> {
    const [{ data: here }, { data: there }] = [
      checkedFinite(await this.algebra.gram(product, random, { exact: true })),
      checkedFinite(await this.algebra.gram(vector, randomProduct, { exact: true })),
    ];
    return Float64Array.from({ length: product.rows }, (_, row) => {
      let square = 0;
      for (let at = row * GAP_VECTORS; at < (row + 1) * GAP_VECTORS; at++) square += (here[at]! - there[at]!) ** 2;
      return Math.sqrt(square / GAP_VECTORS);
    });
  }
}
