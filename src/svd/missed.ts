import type { Rng } from "../base/index.ts";
import type { Block, BlockAlgebra } from "../runtime/index.ts";
import type { Measured } from "./certificate.ts";
import { outsideOf } from "./outside.ts";
import { checkedFinite, type Products } from "./products.ts";
import { randomBlock } from "./random-block.ts";
import { symmetricEigen } from "./small/eigen.ts";
import { diagonal, multiply, multiplyTransposed, scaleRows } from "./small/matrix.ts";
import type { Bound } from "./triplets.ts";

/** What random vectors show about the singular values outside of a set of triplets. */
export interface Probe {
  readonly bound: Bound & { readonly kind: "probable" };
  /** A lower bound on the largest σ outside of the set, up to the residuals of the set. */
  readonly seen: number;
  /** [PROBE_VECTORS, n]: the vectors that show this lower bound, from which the search can go on. */
  readonly directions: Block;
}

/** The number of random vectors in a probe. */
export const PROBE_VECTORS = 8;
/** The most probes in one solve. The failure probability is divided among them. */
export const MAX_PROBES = 8;
const FAILURE = 1e-6;
/** α of the lemma: α^−PROBE_VECTORS = FAILURE / MAX_PROBES. */
const ALPHA = (FAILURE / MAX_PROBES) ** (-1 / PROBE_VECTORS);
const POWERS = { least: 2, most: 8 };

/**
 * Bounds the largest singular value outside of the triplets (U, Σ, V) from above and below.
 *
 * Let A = (I − UUᵀ)J(I − VVᵀ). J differs from UΣVᵀ + A by Jv − σu in V's columns and by Jᵀu − σv in U's rows, so by at most
 * E = (Σ residual²)^½, and by Weyl's inequality no singular value outside of the set exceeds ‖A‖ + E. B = A(AᵀA)^q has
 * ‖B‖ = ‖A‖^(2q+1), and for r independent standard normal vectors ω and α > 1, ‖B‖ ≤ α·(2/π)^½·max ‖Bω‖ except with
 * probability α^−r (the lemma, with B in the place of its matrix). The root of order 2q+1 shrinks the factor, also where
 * many singular values of A are close to the largest. q is chosen beforehand such that the probe costs at most about a sixth of
 * the solve, within POWERS. Each vector is scaled to length 1 after each product, and the logarithms of the lengths are added.
 * This is right because B is linear, and nothing overflows.
 *
 * The lower bound is the largest singular value of A on the span of the last vectors.
 *
 * @see Halko, Martinsson & Tropp 2011, Lemma 4.1; Horn & Johnson 2013, Cor. 7.3.5
 */
export async function probe(products: Products, algebra: BlockAlgebra, set: Measured, rng: Rng): Promise<Probe> {
  const { u: U, v: V } = set;
  const power = probePower(products.count);

  const logLength = new Float64Array(PROBE_VECTORS);
  /** Rows scaled to length 1; the lengths that they had are recorded, and the rows are freed. */
  const normalized = async (row: Block): Promise<Block> => {
    using x = row;
    const squares = await algebra.dots(x, x);
    squares.forEach((square, i) => {
      logLength[i] = logLength[i]! + Math.log(square) / 2;
    });
    return await algebra.combine(diagonal(squares.map((square) => (square > 0 ? square ** -0.5 : 0))), x);
  };

  /** The component of rows outside of the vectors; the rows are freed. */
  const outside = async (rows: Block, vectors: Block): Promise<Block> => {
    using x = rows;
    return await outsideOf(x, vectors, algebra);
  };

  const random = await randomBlock(algebra, rng, PROBE_VECTORS, products.n);
  let w = await normalized(await outside(random, V));
  let y = await outside(await products.apply(w), U);
  for (let q = 0; q < power; q++) {
    w.dispose();
    using unit = await normalized(y);
    w = await normalized(await outside(await products.applyTranspose(unit), V));
    y = await outside(await products.apply(w), U);
  }
  const seen = await largestRatio(algebra, w, y);
  await normalized(y);
  const norm = Math.exp((Math.log(ALPHA * Math.sqrt(2 / Math.PI)) + Math.max(...logLength)) / (2 * power + 1));
  return {
    bound: { kind: "probable", bound: norm + Math.hypot(...set.residual), failureProbability: FAILURE },
    seen,
    directions: w,
  };
}

/** The power q of a probe, after a search with `count` products. */
export function probePower(count: number): number {
  return Math.min(POWERS.most, Math.max(POWERS.least, Math.floor(count / (12 * PROBE_VECTORS))));
}

/** The largest ‖cy‖/‖cw‖ over all weights c, where cw and cy are the combinations of the rows of w and of y. */
async function largestRatio(algebra: BlockAlgebra, w: Block, y: Block): Promise<number> {
  const { values, vectors } = await symmetricEigen(
    checkedFinite(await algebra.gram(w, w, { exact: true })),
    algebra.multiply,
  );
  const rank = values.filter((value) => value > 1e-6 * values[0]!).length;
  const whiten = scaleRows(
    { rows: rank, columns: w.rows, data: vectors.data.subarray(0, rank * w.rows) },
    values.subarray(0, rank).map((value) => value ** -0.5),
  );
  const gram = checkedFinite(await algebra.gram(y, y, { exact: true }));
  const { values: ratios } = await symmetricEigen(
    multiplyTransposed(multiply(whiten, gram), whiten),
    algebra.multiply,
    0,
  );
  return Math.sqrt(Math.max(ratios[0] ?? 0, 0));
}
