import type { Block } from "./block.ts";
import type { BlockAlgebra } from "./block-algebra.ts";

/** The blocks of one computation: all that its algebra creates are freed together at the end, however it ends. */
export class Workspace implements Disposable {
  readonly algebra: BlockAlgebra;
  readonly #blocks = new Set<Block>();

  constructor(algebra: BlockAlgebra) {
    const noted = (block: Block): Block => {
      this.#blocks.add(block);
      return block;
    };
    /** What an operation returns, which is new unless it was written to given memory. */
    const result = async (made: Promise<Block>, into: Block | undefined): Promise<Block> =>
      into === undefined ? noted(await made) : made;
    this.algebra = {
      ...algebra,
      upload: (...all) => noted(algebra.upload(...all)),
      allocate: (...all) => noted(algebra.allocate(...all)),
      stack: (blocks) => result(algebra.stack(blocks), undefined),
      combine: (c, q, options) => result(algebra.combine(c, q, options), options?.into),
      subtract: (w, c, q, options) => result(algebra.subtract(w, c, q, options), options?.into),
      mix: (terms, options) => result(algebra.mix(terms, options), options?.into),
      select: (x, positions, options) => result(algebra.select(x, positions, options), options?.into),
      scatter: (x, positions, length, options) => result(algebra.scatter(x, positions, length, options), options?.into),
    };
  }

  [Symbol.dispose](): void {
    for (const block of this.#blocks) block.dispose();
    this.#blocks.clear();
  }
}
