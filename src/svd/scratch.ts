import type { Block, BlockAlgebra } from "../runtime/index.ts";

/**
 * Memory for short-lived results, allocated once and reused. Writing to newly allocated pages can take longer than computing
 * what is written.
 */
export class Scratch {
  private readonly held = new Map<string, Block>();
  private readonly algebra: BlockAlgebra;

  constructor(algebra: BlockAlgebra) {
    this.algebra = algebra;
  }

  /** Memory for `rows` vectors. The next call with the same name returns the same memory. */
  take(name: string, rows: number, length: number): { readonly into: Block } {
    let held = this.held.get(name);
    if (held === undefined || held.length !== length || held.rows < rows) {
      held?.dispose();
      held = this.algebra.allocate(rows, length);
      this.held.set(name, held);
    }
    return { into: held.range(0, rows) };
  }

  /** Frees all of it. */
  dispose(): void {
    for (const held of this.held.values()) held.dispose();
    this.held.clear();
  }
}
