import { gaussianArray, type Rng } from "../base/index.ts";
import { type Block, type BlockAlgebra, block, stacked } from "../operator/index.ts";
import type { Measured } from "./certificate.ts";
import { checkedFinite, type Products } from "./products.ts";

/** The number of random vectors on each side. */
export const GAP_VECTORS = 16;
/**
 * The root mean square of so many normal deviates exceeds their standard deviation by more than this factor less than once in 10⁵
 * times: 16 · 1.81² is exceeded by χ² with 16 degrees of freedom with the probability 9.4e-6.
 */
export const EXPLAINED = 1.81;
/** A converged triplet may deviate by at most this fraction of the tolerance, because the sample can be too low by the rest. */
const CERTAIN = 2 / 3;
/** The rounding of the inner product of a product with a unit vector, relative to the length of the product. */
const ROUNDING = 2 ** -21;

/**
 * How far J and the given Jᵀ are from being adjoint at the triplets, as far as the residuals do not show it. Residuals show only
 * part of it: if Jᵀu is wrong by a component orthogonal to V, Jv and Jᵀu can still be consistent with each other. For standard
 * normal z, uᵀ(Jz) − σ vᵀz has the standard deviation ‖Jᵀu − σv‖, where Jᵀ is the true transpose of J; the same holds for Jᵀw with
 * the sides exchanged. Returns the largest root mean square of this deviation among the triplets for which it is larger than
 * their residual and rounding explain, or leaves it in doubt whether they are within `tol` relative to the largest σ. Returns 0
 * if there is no such triplet.
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
  /** The inner products of singular vectors with random vectors, and with products of random vectors: [k, 2 · GAP_VECTORS]. */
  const inner = async (vectors: Float32Array, random: Block, product: Block) =>
    checkedFinite(await algebra.gram(block(vectors, k), stacked(random, product), { exact: true })).data;
  const [byU, byV] = [await inner(u, w, Jz), await inner(v, z, Jtw)];
  const unexplained = async (product: Block, after: Float64Array, before: Float64Array): Promise<number> => {
    const lengths = await algebra.dots(product, product);
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
