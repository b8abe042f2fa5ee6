import type { Block, BlockAlgebra, Matrix } from "../runtime/index.ts";
import type { Witnesses } from "./adjoint-gap.ts";
import { FINE, type Measured, measure } from "./certificate.ts";
import { outsideOf } from "./outside.ts";
import { checkedFinite, type Products } from "./products.ts";
import type { SideOperator } from "./short-side.ts";
import { symmetricEigen } from "./small/eigen.ts";
import { diagonal, rowRange, scaleRows, transpose } from "./small/matrix.ts";

/** The orthonormal vectors of the triplets found, on the short side and on the long side. */
export interface Pairs {
  readonly short: Block;
  readonly long: Block;
}

/** Products of vectors of the short side, from the stored products of the search. */
export interface KnownRise {
  /** [count, long side] */
  readonly risen: Block;
  /** The products of `risen` back on the short side, [count, short side]; absent if something was removed in between. */
  readonly returned?: Block;
}

/** Below this fraction of the largest σ, rounding of the large components would make the long vectors not orthogonal. */
const LEAST = 5e-3;

/**
 * Combined products on the way back are divided by σ, and so is their rounding, which is relative to the largest σ². They are used
 * where this error is expected to be below this part of the tolerance; for smaller σ the products are computed anew.
 */
const ROUNDING = { returned: 3e-7, part: 0.2 };

/** The vectors of the short side from which triplets are made. */
interface Finish {
  /** Vectors of the short side, [count, length], orthonormal up to the loss that a search allows. */
  readonly x: Block;
  /** The products of x, if the stored products of the search give them. */
  readonly known: KnownRise | undefined;
  readonly found: Pairs;
  readonly side: SideOperator;
  readonly products: Products;
  readonly algebra: BlockAlgebra;
  readonly witnesses: Witnesses | undefined;
  /** Relative to ‖J‖. */
  readonly tol: number;
}

/**
 * Makes triplets from vectors x of the short side and measures them. First x is made orthonormal, by its Gram matrix. Let W be the products of x on the long side, combined from
 * the stored products of the search or else computed anew. The components of W along the vectors found before are removed. The
 * singular triplets of W, from its Gram matrix in float64, give the pairs (u, v). Triplets with σ below `LEAST` times the
 * largest are left to another round.
 */
export async function twoSidedFinish(finish: Finish): Promise<Measured> {
  const { x, known: fromSearch, found, side, products, algebra, witnesses, tol } = finish;
  const all = fromSearch?.risen ?? (await side.rise(x));
  const long = await outsideOf(all, found.long, algebra);
  const whiten = await inverseRoot(checkedFinite(await algebra.gram(x, x, { exact: true })), algebra);
  const product = checkedFinite(await algebra.gram(long, long, { exact: true }));
  const gram = await algebra.multiply(await algebra.multiply(whiten, product), whiten);
  const { values, vectors: every } = await symmetricEigen(gram, algebra.multiply);
  const count = values.filter((value) => value > LEAST ** 2 * values[0]!).length;
  const vectors = await algebra.multiply(rowRange(every, 0, count), whiten);
  const lengths = values.subarray(0, count).map(Math.sqrt);
  const inverse = lengths.map((length) => 1 / length);
  const turned = await side.spread(await algebra.combine(vectors, x));
  const partner = await algebra.combine(scaleRows(vectors, inverse), long);
  // If nothing was removed from the products, each is its partner vector times its length.
  const along = (from: number, to: number) =>
    long === all
      ? algebra.combine(diagonal(lengths.subarray(from, to)), partner.range(from, to))
      : algebra.combine(rowRange(vectors, from, to), all);
  const returned = long === all ? fromSearch?.returned : undefined;
  const least = (lengths[0]! * ROUNDING.returned) / (ROUNDING.part * tol);
  const across = async (from: number, to: number) => {
    if (returned === undefined || lengths[to - 1]! < least) return undefined;
    const weights = scaleRows(rowRange(vectors, from, to), inverse.subarray(from, to));
    return side.spread(await algebra.combine(weights, returned));
  };
  const known = side.of === "target" ? { u: along, v: across } : { u: across, v: along };
  const measured = await measure(products, algebra, side.pair(turned, partner), {
    known: tol < FINE ? undefined : known,
    witnesses,
  });
  for (const block of [all, long, returned]) block?.dispose();
  return measured;
}

/** A^(−½) of a symmetric matrix that is close to the identity. */
async function inverseRoot(a: Matrix, { multiply }: BlockAlgebra): Promise<Matrix> {
  const { values, vectors } = await symmetricEigen(a, multiply);
  return multiply(
    transpose(vectors),
    scaleRows(
      vectors,
      values.map((value) => value ** -0.5),
    ),
  );
}
