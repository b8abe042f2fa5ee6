import type { OnnxModel, Tensor } from "../onnx/index.ts";
import type { Feeds } from "./backend.ts";
import type { Block } from "./block.ts";
import type { BlockAlgebra, Matrix } from "./block-algebra.ts";

/** What the algebra sums more exactly than in float32. */
export interface ExactSums extends Pick<BlockAlgebra, "dots" | "squaredDifference"> {
  /** A·Bᵀ. There is at least one row on each side. */
  gram(a: Block, b: Block): Promise<Matrix>;
  /** C·Q, [c.rows · q.length]. There is at least one row on each side. */
  combine(c: Matrix, q: Block): Promise<Float32Array>;
}

/** Runs a graph and reads its result y. */
export type ReadResult = (model: OnnxModel, feeds: Feeds) => Promise<Tensor>;
