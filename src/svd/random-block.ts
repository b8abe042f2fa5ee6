import type { Rng } from "../base/index.ts";
import type { Block, BlockAlgebra } from "../runtime/index.ts";
import { breathe } from "./breathe.ts";

/** How many numbers are drawn before other tasks may run. */
const PART = 2 ** 17;

/** `rows` vectors of standard normal numbers, which are zero outside of `support`, if it is given. */
export async function randomBlock(
  algebra: BlockAlgebra,
  rng: Rng,
  rows: number,
  length: number,
  support?: Uint32Array,
): Promise<Block> {
  const data = new Float32Array(rows * length);
  const drawn = support?.length ?? length;
  for (let row = 0; row < rows; row++) {
    for (let from = 0; from < drawn; from += PART) {
      const to = Math.min(drawn, from + PART);
      for (let i = from; i < to; i++) data[row * length + (support?.[i] ?? i)] = rng.gaussian();
      await breathe();
    }
  }
  return algebra.upload(data, rows, length);
}
