import type { Rng } from "../base/index.ts";
import type { BlockAlgebra } from "../runtime/index.ts";
import { BlockLanczos } from "./block-lanczos.ts";
import { eigenvalueAt } from "./choose-filter.ts";
import { noVectors, type SideOperator } from "./short-side.ts";

/** The number of random vectors in the first block, and of vectors in all: `most`, or this fraction of the short side. */
const VECTORS = { start: 8, most: 160, part: 1 / 6 };

/**
 * Estimates the singular value of J at any rank, counted from 1. A short block Lanczos process gives the largest singular values
 * themselves, and the density of those below (stochastic Lanczos quadrature).
 *
 * @throws PushforwardError `not-finite` if a product is not finite
 * @see Ubaru, Chen & Saad 2017
 */
export async function density(side: SideOperator, algebra: BlockAlgebra, rng: Rng): Promise<(rank: number) => number> {
  const { length } = side;
  if (length === 0) return () => 0;
  const blockRows = Math.min(VECTORS.start, length);
  const lanczos = new BlockLanczos({
    apply: async (x) => side.fall(await side.rise(x)),
    algebra,
    avoided: noVectors(algebra, length),
    blockRows,
    capacity: Math.max(2 * blockRows, Math.min(VECTORS.most, Math.ceil(VECTORS.part * length))),
    rng,
    negligible: 0,
  });
  do await lanczos.step();
  while (!lanczos.complete && !lanczos.full);
  const ritz = await lanczos.ritz(lanczos.size);
  const { values } = ritz;
  const weights = lanczos.firstBlockShares(await ritz.vectors());
  return (rank) => Math.sqrt(Math.max(0, eigenvalueAt({ values, weights, length }, rank)));
}
