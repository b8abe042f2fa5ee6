import { PushforwardError } from "../base/index.ts";
import { type LinearOperator, sourceSize, targetSize } from "../operator/index.ts";
import type { Block, BlockAlgebra, Matrix, Placement } from "../runtime/index.ts";

/** Computes the products of one solve in blocks, counts them, and checks their shapes. */
export class Products {
  readonly m: number;
  readonly n: number;
  /** How many vectors were multiplied by J and by Jᵀ so far. */
  jvp = 0;
  vjp = 0;
  /** The approximate cost of one product, in multiply-adds. */
  readonly cost: number;
  private readonly J: LinearOperator;
  private readonly algebra: BlockAlgebra;
  private readonly beforeBlock: () => unknown;
  readonly blockRows: number;

  /** `beforeBlock` is called before each block is multiplied, and may throw. */
  constructor(
    J: LinearOperator,
    blockRows: number,
    algebra: BlockAlgebra = J.algebra,
    beforeBlock: () => unknown = () => {},
  ) {
    this.J = J;
    this.beforeBlock = beforeBlock;
    this.algebra = algebra;
    this.blockRows = blockRows;
    this.m = targetSize(J);
    this.n = sourceSize(J);
    this.cost = J.productCost ?? this.m * this.n;
  }

  get count(): number {
    return this.jvp + this.vjp;
  }

  /** J·v for each row. */
  async apply(v: Block, placement?: Placement): Promise<Block> {
    this.jvp += v.rows;
    return this.inBlocks(v, this.m, "J", (part, into) => this.J.apply(part, into), placement);
  }

  /** Jᵀ·u for each row. */
  async applyTranspose(u: Block, placement?: Placement): Promise<Block> {
    this.vjp += u.rows;
    return this.inBlocks(u, this.n, "Jᵀ", (part, into) => this.J.applyTranspose(part, into), placement);
  }

  private async inBlocks(
    x: Block,
    length: number,
    name: string,
    product: (part: Block, placement?: Placement) => Promise<Block>,
    placement?: Placement,
  ): Promise<Block> {
    const whole = placement?.into ?? this.algebra.allocate(x.rows, length);
    for (let from = 0; from < x.rows; from += this.blockRows) {
      this.beforeBlock();
      const to = Math.min(x.rows, from + this.blockRows);
      const into = whole.range(from, to);
      const result = checkedShape(await product(x.range(from, to), { into }), to - from, length, name);
      if (result === into) continue;
      using elsewhere = result; // The operator made a block of its own.
      await this.algebra.copy(elsewhere, into);
    }
    return whole;
  }
}

function checkedShape(result: Block, rows: number, length: number, name: string): Block {
  if (result.rows === rows && result.length === length) return result;
  throw new PushforwardError("shape-mismatch", {
    what: `A product by ${name} of ${rows} vectors gave ${result.rows} rows of ${result.length} entries, not ${rows} rows of ${length}.`,
    fix: "The operator's products must agree with its source and target shapes.",
  });
}

/**
 * Checks a matrix of inner products of vectors that came from J, and returns it.
 *
 * @throws PushforwardError `not-finite` if an entry is not finite, because then a product was not finite either
 */
export function checkedFinite<M extends Pick<Matrix, "data">>(inner: M): M {
  if (inner.data.every(Number.isFinite)) return inner;
  throw new PushforwardError("not-finite", {
    what: "A product with J or Jᵀ is NaN or infinite.",
    fix: "Look for overflow or NaN in the model's own values at this input.",
  });
}
