import type { Block, BlockAlgebra, Placement } from "../operator/index.ts";
import { type Measured, measure } from "./certificate.ts";
import { checkedFinite, type Products } from "./products.ts";
import type { SideOperator } from "./short-side.ts";
import { symmetricEigen } from "./small/eigen.ts";
import { rowRange, scaleRows } from "./small/matrix.ts";

/** Orthonormal vectors of found triplets, as the short and the long side know them. */
export interface Pairs {
  readonly short: Block;
  readonly long: Block;
}

/** What y has outside of the span of orthonormal vectors. */
export async function outsideOf(
  y: Block,
  vectors: Block,
  algebra: BlockAlgebra,
  placement?: Placement,
): Promise<Block> {
  if (vectors.rows === 0) return y;
  return algebra.subtract(y, checkedFinite(await algebra.gram(y, vectors)), vectors, placement);
}

/**
 * Makes triplets of orthonormal vectors x of the short side, [count, length], and measures them: W = the images of x on the
 * long side, by fresh products; the singular triplets of W, from its Gram matrix in float64, turn both sides. What W has in
 * the vectors found before is taken out.
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
  const { values, vectors } = await symmetricEigen(gram, algebra.multiply);
  const inverse = values.map((value) => (value > 0 ? value ** -0.5 : 0));
  const turned = await side.spread(await algebra.combine(vectors, x));
  const partner = await algebra.combine(scaleRows(vectors, inverse), long);
  // Without `outsideOf`, the images of the turned vectors are known: the same combinations of W.
  const known = {
    of: side.of === "target" ? "u" : "v",
    images: (from: number, to: number) => algebra.combine(rowRange(vectors, from, to), images),
  } as const;
  return measure(products, algebra, side.pair(turned.data, partner.data), found.long.rows === 0 ? known : undefined);
}
