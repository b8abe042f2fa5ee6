import type { Shape } from "../base/index.ts";
import type { LinearOperator } from "../operator/index.ts";
import type { Block, BlockAlgebra, Placement } from "../runtime/index.ts";

/** An operator that records how long its products take. */
export class TimedOperator implements LinearOperator {
  readonly source: Shape;
  readonly target: Shape;
  readonly preferredRows: number;
  readonly productCost?: number;
  readonly algebra: BlockAlgebra;
  readonly #forward: number[] = [];
  readonly #backward: number[] = [];
  readonly #active: Promise<Uint32Array | undefined>;
  #J: LinearOperator | undefined;

  constructor(J: LinearOperator) {
    this.source = J.source;
    this.target = J.target;
    this.preferredRows = J.preferredRows;
    if (J.productCost !== undefined) this.productCost = J.productCost;
    this.algebra = J.algebra;
    this.#active = Promise.resolve(J.activeRows?.());
    this.#J = J;
  }

  /** Seconds for one vector: the median of all calls except the first, which warms up. */
  get secondsOfJ(): number {
    return median(this.#forward);
  }

  get secondsOfTranspose(): number {
    return median(this.#backward);
  }

  apply(v: Block, placement?: Placement): Promise<Block> {
    return noted(this.#forward, v.rows, () => this.#J!.apply(v, placement));
  }

  applyTranspose(u: Block, placement?: Placement): Promise<Block> {
    return noted(this.#backward, u.rows, () => this.#J!.applyTranspose(u, placement));
  }

  activeRows(): Promise<Uint32Array | undefined> {
    return this.#active;
  }

  /** Drops the operator, which may hold much memory. Sizes and times remain, but products can no longer be computed. */
  release(): void {
    this.#J = undefined;
  }
}

async function noted(times: number[], rows: number, product: () => Promise<Block>): Promise<Block> {
  const started = performance.now();
  const result = await product();
  times.push((performance.now() - started) / 1000 / rows);
  return result;
}

function median(times: readonly number[]): number {
  const warm = times.length > 1 ? times.slice(1) : times;
  return [...warm].sort((a, b) => a - b)[Math.floor(warm.length / 2)]!;
}
