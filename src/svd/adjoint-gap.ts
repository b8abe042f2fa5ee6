import { gaussianArray, type Rng } from "../base/index.ts";
import { type Block, type BlockAlgebra, block, stacked } from "../operator/index.ts";
import type { Measured } from "./certificate.ts";
import { checkedFinite, type Products } from "./products.ts";

/** Random vectors on each side. */
export const GAP_VECTORS = 16;
/** Root mean squares of so many normal deviates exceed what is behind them by more than this once in 10⁵ times. */
const EXPLAINED = 1.7;
/** A triplet within the tolerance must not deviate by more than this part of it: the sample could be low by the rest. */
const CERTAIN = 2 / 3;
/** Rounding of a product's inner product with a unit vector, in units of the product's length. */
const ROUNDING = 2 ** -21;

/**
 * How far J and the given Jᵀ are from being adjoint where it touches the triplets, as far as residuals do not show it: a
 * wrong part of Jᵀu outside of the span of V leaves Jv and Jᵀu consistent with each other. For standard normal z,
 * uᵀ(Jz) − σ vᵀz has the standard deviation ‖Jᵀu − σv‖ with J's true transpose, and correspondingly for Jᵀw. Returns the
 * largest deviation (in the root mean square) that neither the triplet's residual nor rounding explains, or that leaves in
 * doubt whether the triplet is within `tol`, relative to the largest σ; 0 if there is none.
 */
export async function adjointGap(
  products: Products,
  algebra: BlockAlgebra,
  { u, v, sigma, residual }: Measured,
  tol: number,
  rng: Rng,
): Promise<number> {
  const k = sigma.length;
  const goal = tol * sigma[0]!;
  const z = block(gaussianArray(rng, GAP_VECTORS * products.n), GAP_VECTORS);
  const w = block(gaussianArray(rng, GAP_VECTORS * products.m), GAP_VECTORS);
  const [Jz, Jtw] = [await products.apply(z), await products.applyTranspose(w)];
  /** Each random vector's and each image's inner products with the vectors of its side, [k, 2 · GAP_VECTORS]. */
  const inner = async (vectors: Float32Array, random: Block, image: Block) =>
    checkedFinite(await algebra.gram(block(vectors, k), stacked(random, image), { exact: true })).data;
  const [byU, byV] = [await inner(u, w, Jz), await inner(v, z, Jtw)];
  const unexplained = async (image: Block, after: Float64Array, before: Float64Array): Promise<number> => {
    const lengths = await algebra.dots(image, image);
    const rounding = ROUNDING * Math.sqrt(Math.max(...lengths));
    let gap = 0;
    for (let i = 0; i < k; i++) {
      let square = 0;
      for (let j = 0; j < GAP_VECTORS; j++) {
        const row = 2 * GAP_VECTORS * i;
        square += (after[row + GAP_VECTORS + j]! - sigma[i]! * before[row + j]!) ** 2 / GAP_VECTORS;
      }
      const deviation = Math.sqrt(square);
      const explained = EXPLAINED * residual[i]!;
      const allowed = residual[i]! <= goal ? Math.min(explained, CERTAIN * goal) : explained;
      if (deviation > allowed + rounding) gap = Math.max(gap, deviation);
    }
    return gap;
  };
  return Math.max(await unexplained(Jz, byU, byV), await unexplained(Jtw, byV, byU));
}
