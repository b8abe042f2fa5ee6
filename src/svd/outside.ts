import type { Block, BlockAlgebra, Placement } from "../runtime/index.ts";
import { checkedFinite } from "./products.ts";

/** The component of each row of y that is orthogonal to the given orthonormal vectors, [y.rows, length]. */
export async function outsideOf(
  y: Block,
  vectors: Block,
  algebra: BlockAlgebra,
  placement?: Placement,
): Promise<Block> {
  if (vectors.rows === 0) return y;
  return algebra.subtract(y, checkedFinite(await algebra.gram(y, vectors)), vectors, placement);
}
