import type { Block, BlockAlgebra, Placement } from "../runtime/index.ts";
import type { Products } from "./products.ts";
import { Scratch } from "./scratch.ts";

/** The side of J with fewer entries, and the positions of these entries. On the target side, only active rows count. */
export interface ShortSide {
  readonly of: "target" | "source";
  readonly positions: Uint32Array;
}

/** Chooses the short side of an m × n operator. If `activeRows` is given, all other rows are zero. */
export function shortSide(m: number, n: number, activeRows: Uint32Array | undefined): ShortSide {
  const targets = activeRows?.length ?? m;
  if (targets > n) return { of: "source", positions: positionsBelow(n) };
  return { of: "target", positions: activeRows ?? positionsBelow(m) };
}

const positionsBelow = (count: number): Uint32Array => Uint32Array.from({ length: count }, (_, i) => i);

/**
 * J as an operator on its short side, where vectors have only the entries at `positions`. `rise` multiplies by Jᵀ or J and gives
 * vectors of the long side; `fall` multiplies by the other and gives vectors of the short side. So `fall` after `rise` is JJᵀ or
 * JᵀJ, whichever is smaller, and `rise` has the singular values of J in both cases.
 */
export class SideOperator {
  /** The length of a vector on the short side, and on the long side. */
  readonly length: number;
  readonly longLength: number;
  readonly of: ShortSide["of"];
  private readonly wholeLength: number;
  private readonly scratch: Scratch;
  private readonly products: Products;
  private readonly algebra: BlockAlgebra;
  /** The positions of the entries of the short side; absent if that is all of them. */
  private readonly positions: Uint32Array | undefined;

  constructor(products: Products, algebra: BlockAlgebra, { of, positions }: ShortSide) {
    this.products = products;
    this.algebra = algebra;
    this.scratch = new Scratch(algebra);
    this.of = of;
    this.length = positions.length;
    this.wholeLength = of === "target" ? products.m : products.n;
    this.longLength = of === "target" ? products.n : products.m;
    if (positions.length < this.wholeLength) this.positions = positions;
  }

  /** Frees the memory for short-lived results. */
  dispose(): void {
    this.scratch.dispose();
  }

  /** [K, length] → [K, longLength] */
  async rise(x: Block, placement?: Placement): Promise<Block> {
    // A caller without memory for the result multiplies many vectors only once, so no scratch memory is reserved for them.
    const put = placement === undefined ? undefined : this.scratch.take("spread", x.rows, this.wholeLength);
    const whole = await this.spread(x, put);
    return this.of === "target"
      ? this.products.applyTranspose(whole, placement)
      : this.products.apply(whole, placement);
  }

  /** [K, longLength] → [K, length] */
  async fall(y: Block, placement?: Placement): Promise<Block> {
    const put = this.positions === undefined ? placement : this.scratch.take("spread", y.rows, this.wholeLength);
    const whole = await (this.of === "target" ? this.products.apply(y, put) : this.products.applyTranspose(y, put));
    return this.narrow(whole, placement);
  }

  /** Vectors of the short side in their full length, with zeros at all other positions. */
  async spread(x: Block, placement?: Placement): Promise<Block> {
    const { positions, wholeLength } = this;
    return positions === undefined ? x : this.algebra.scatter(x, positions, wholeLength, placement);
  }

  /** The entries at `positions` of vectors in their full length. */
  async narrow(x: Block, placement?: Placement): Promise<Block> {
    return this.positions === undefined ? x : this.algebra.select(x, this.positions, placement);
  }

  /** The pair (u, v), given a vector of the short side and its partner on the long side. */
  pair<T>(short: T, long: T): { readonly u: T; readonly v: T } {
    return this.of === "target" ? { u: short, v: long } : { u: long, v: short };
  }
}

/** An empty block of vectors of the given length. */
export const noVectors = (algebra: BlockAlgebra, length: number): Block =>
  algebra.upload(new Float32Array(0), 0, length);
