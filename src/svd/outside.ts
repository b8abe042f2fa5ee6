import type { Block, BlockAlgebra, Placement } from "../operator/index.ts";
import { checkedFinite } from "./products.ts";

/** What y has outside of the span of orthonormal vectors, [y.rows, length]; y itself where there are none. */
export async function outsideOf(
  y: Block,
  vectors: Block,
  algebra: BlockAlgebra,
  placement?: Placement,
): Promise<Block> {
  if (vectors.rows === 0) return y;
  return algebra.subtract(y, checkedFinite(await algebra.gram(y, vectors)), vectors, placement);
}
