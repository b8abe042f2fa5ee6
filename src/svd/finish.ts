import { type Block, type BlockAlgebra, rowsOf } from "../operator/index.ts";
import { FINE, type Measured, measure } from "./certificate.ts";
import { outsideOf } from "./outside.ts";
import { checkedFinite, type Products } from "./products.ts";
import type { SideOperator } from "./short-side.ts";
import { symmetricEigen } from "./small/eigen.ts";
import { diagonal, rowRange, scaleRows } from "./small/matrix.ts";

/** Orthonormal vectors of found triplets, as the short and the long side know them. */
export interface Pairs {
  readonly short: Block;
  readonly long: Block;
}

/** Long vectors of smaller σ, in units of the largest, would be off from orthogonal by the rounding of the larger ones. */
const LEAST = 5e-3;

/** What is to become triplets. */
interface Finish {
  /** Orthonormal vectors of the short side, [count, length]. */
  readonly x: Block;
  /** Their images on the long side, where the search's products tell them. */
  readonly images: Block | undefined;
  readonly found: Pairs;
  readonly side: SideOperator;
  readonly products: Products;
  readonly algebra: BlockAlgebra;
  /** Relative to ‖J‖. */
  readonly tol: number;
}

/**
 * Makes triplets of vectors x of the short side and measures them: W = the images of x on the long side, combined from those
 * of the search's basis, else by fresh products; the singular triplets of W, from its Gram matrix in float64, turn both
 * sides. What W has in the vectors found before is taken out, and what is left below `LEAST` of the largest σ is left for
 * another search.
 */
export async function twoSidedFinish({ x, images, found, side, products, algebra, tol }: Finish): Promise<Measured> {
  const all = images ?? (await side.rise(x));
  const long = await outsideOf(all, found.long, algebra);
  const gram = checkedFinite(await algebra.gram(long, long, { exact: true }));
  const { values, vectors: every } = await symmetricEigen(gram, algebra.multiply);
  const count = values.filter((value) => value > LEAST ** 2 * values[0]!).length;
  const vectors = rowRange(every, 0, count);
  const lengths = values.subarray(0, count).map(Math.sqrt);
  const inverse = lengths.map((length) => 1 / length);
  const turned = await side.spread(await algebra.combine(vectors, x));
  const partner = await algebra.combine(scaleRows(vectors, inverse), long);
  const known = {
    of: side.of === "target" ? "u" : "v",
    // Where nothing was taken out of an image, it is its partner times its length.
    images: (from: number, to: number) =>
      long === all
        ? algebra.combine(diagonal(lengths.subarray(from, to)), rowsOf(partner, from, to))
        : algebra.combine(rowRange(vectors, from, to), all),
  } as const;
  return measure(products, algebra, side.pair(turned.data, partner.data), tol < FINE ? undefined : known);
}
