import type { Block, BlockAlgebra } from "../operator/index.ts";
import { type Measured, measure } from "./certificate.ts";
import { outsideOf } from "./outside.ts";
import { checkedFinite, type Products } from "./products.ts";
import type { SideOperator } from "./short-side.ts";
import { symmetricEigen } from "./small/eigen.ts";
import { rowRange, scaleRows } from "./small/matrix.ts";

/** Orthonormal vectors of found triplets, as the short and the long side know them. */
export interface Pairs {
  readonly short: Block;
  readonly long: Block;
}

/** Long vectors of smaller σ, in units of the largest, would be off from orthogonal by the rounding of the larger ones. */
const LEAST = 5e-3;

/**
 * Makes triplets of orthonormal vectors x of the short side, [count, length], and measures them: W = the images of x on the
 * long side, by fresh products; the singular triplets of W, from its Gram matrix in float64, turn both sides. What W has in
 * the vectors found before is taken out, and what is left below `LEAST` of the largest σ is left for another search.
 */
export async function twoSidedFinish(
  x: Block,
  found: Pairs,
  side: SideOperator,
  products: Products,
  algebra: BlockAlgebra,
): Promise<Measured> {
  const images = await side.rise(x);
  const long = await outsideOf(images, found.long, algebra);
  const gram = checkedFinite(await algebra.gram(long, long, { exact: true }));
  const { values, vectors: all } = await symmetricEigen(gram, algebra.multiply);
  const count = values.filter((value) => value > LEAST ** 2 * values[0]!).length;
  const vectors = rowRange(all, 0, count);
  const inverse = values.subarray(0, count).map((value) => value ** -0.5);
  const turned = await side.spread(await algebra.combine(vectors, x));
  const partner = await algebra.combine(scaleRows(vectors, inverse), long);
  // Without `outsideOf`, the images of the turned vectors are known: the same combinations of W.
  const known = {
    of: side.of === "target" ? "u" : "v",
    images: (from: number, to: number) => algebra.combine(rowRange(vectors, from, to), images),
  } as const;
  return measure(products, algebra, side.pair(turned.data, partner.data), found.long.rows === 0 ? known : undefined);
}
