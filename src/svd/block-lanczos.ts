import type { Rng } from "../base/index.ts";
import type { Block, BlockAlgebra, Matrix } from "../runtime/index.ts";
import { Basis } from "./basis.ts";
import { bandedEigen } from "./small/banded-eigen.ts";
import type { SymmetricBand } from "./small/chase-bulges.ts";
import { multiply, rowNorm, zeros } from "./small/matrix.ts";

/** Ritz pairs of a symmetric operator F: the eigenpairs of its projection onto the basis. */
export interface Ritz {
  /** [size], descending: all Ritz values. */
  readonly values: Float64Array;
  /** [count], ‖Fx − θx‖ of the `count` largest pairs, as the recurrence predicts it. */
  readonly residual: Float64Array;
  /** The Ritz vectors of these pairs as combinations of the basis, [count, size]. */
  vectors(): Promise<Matrix>;
}

export interface LanczosOptions {
  /** Applies the symmetric operator F to the rows of a block, [K, length] → [K, length]. */
  readonly apply: (x: Block) => Promise<Block>;
  readonly algebra: BlockAlgebra;
  /** Orthonormal vectors to which the whole basis is made orthogonal. */
  readonly avoided: Block;
  readonly blockRows: number;
  /** The most vectors in the basis, without the avoided ones. */
  readonly capacity: number;
  readonly rng: Rng;
  /** Products shorter than this are rounding errors. */
  readonly negligible: number;
}

/**
 * Block Lanczos builds an orthonormal basis Q from products with a symmetric F. In this basis F is a block tridiagonal matrix T,
 * which is known in float64. Each new block is first made orthogonal to the two blocks before it, as in the recurrence. Its overlaps
 * with all older blocks, which rounding causes and each step amplifies, are then estimated by random combinations of these. Only if
 * they exceed LOSS are the block and the next one made orthogonal to all of them. T differs from the projection of F by about the
 * square of the loss, so it is as accurate as with an orthonormal basis (Simon), but Ritz vectors are orthonormal only up to the loss.
 *
 * If the products give fewer new directions than a block has (in an invariant subspace, or at a rank below the block size),
 * random vectors complete the block. So singular values whose multiplicity exceeds the block size are also found.
 *
 * @see Golub & Underwood 1977; Simon 1984 (partial reorthogonalization); Grimes, Lewis & Simon 1994 (in blocks)
 */
export class BlockLanczos {
  private readonly options: LanczosOptions;
  private readonly basis: Basis;
  private readonly start: number;
  /** The avoided vectors are in the basis. */
  private readonly begun: Promise<void>;
  /** The blocks A_j and B_j of T: F·Q_j = A_j·Q_j + B_j·Q_{j+1} + B_{j−1}ᵀ·Q_{j−1}. */
  private readonly diagonal: Matrix[] = [];
  private readonly coupling: Matrix[] = [];
  /** A lower bound on ‖F‖: the longest product with a unit vector so far. */
  private scale = 0;
  /** The products with random vectors orthogonal to Q were zero, so F should be zero there. */
  private vanished = false;
  /** The overlap with older blocks that may remain, and whether the last block had a larger one, which was removed. */
  private readonly loss: number;
  private restored = false;

  constructor(options: LanczosOptions) {
    const { algebra, avoided, capacity, rng } = options;
    this.options = options;
    this.loss = avoided.rows === 0 ? LOSS : 0;
    this.basis = new Basis(algebra, avoided.length, avoided.rows + capacity, this.loss === 0 ? undefined : rng);
    this.start = avoided.rows;
    this.begun = this.basis.append(avoided);
  }

  /** Frees the basis. */
  dispose(): void {
    this.basis.dispose();
  }

  /** Rows of Q that F was applied to. */
  get size(): number {
    return this.diagonal.reduce((total, { rows }) => total + rows, 0);
  }

  /** Further steps find nothing: Q spans the whole space, or products with random vectors orthogonal to Q were zero. */
  get complete(): boolean {
    return this.vanished || (this.basis.rows === this.basis.length && this.waiting === 0);
  }

  /** There is no room for another step. */
  get full(): boolean {
    return this.basis.capacity < this.basis.length && this.basis.rows + this.options.blockRows > this.basis.capacity;
  }

  /** The most vectors in the basis, without the avoided ones. */
  get capacity(): number {
    return this.basis.capacity - this.start;
  }

  private get waiting(): number {
    return this.basis.rows - this.start - this.size;
  }

  /** Adds directions to start from, as far as they are not in the span yet. Random vectors complete the block. */
  async add(directions: Block): Promise<void> {
    await this.begun;
    await this.basis.extend(directions, 0);
    await this.fill();
  }

  private fill(): Promise<void> {
    return this.basis.extendRandom(this.options.blockRows - this.waiting, this.options.rng);
  }

  /** Applies F to the rows of Q that it was not applied to yet. */
  async step(): Promise<void> {
    await this.begun;
    if (this.waiting === 0) await this.fill();
    const before = this.coupling.at(-1);
    const from = this.start + this.size;
    const rows = this.waiting;
    const near = from - (before?.rows ?? 0);
    const product = await this.options.apply(this.basis.range(from));
    // The block after a restored one still follows from one that was not, so it is made orthogonal to all as well.
    const loss = this.restored ? 0 : this.loss;
    const { coefficients, factor, largest, restored } = await this.basis.extend(product, this.scale, near, loss);
    this.restored = restored;
    this.scale = Math.max(this.scale, largest);
    this.vanished = (before?.columns ?? 0) === 0 && largest <= Math.max(VANISHED * this.scale, this.options.negligible);
    this.diagonal.push(symmetricEnd(coefficients, rows));
    this.coupling.push(factor);
    if (!this.complete) await this.fill();
  }

  /** All Ritz values, and the residuals and vectors of the `count` largest Ritz pairs. */
  async ritz(count: number): Promise<Ritz> {
    const problem = bandedEigen(this.projected(), this.options.algebra.multiply);
    const { values, vectors: ends } = await problem.ends(count);
    const last = this.coupling.at(-1)!;
    const inLast = zeros(count, last.rows);
    for (let i = 0; i < count; i++) {
      inLast.data.set(ends.data.subarray((i + 1) * ends.columns - last.rows, (i + 1) * ends.columns), i * last.rows);
    }
    const outside = last.columns === 0 ? zeros(count, 0) : multiply(inLast, last);
    return {
      values,
      residual: Float64Array.from({ length: count }, (_, i) => rowNorm(outside, i)),
      vectors: async () => (await problem.vectors(count)).vectors,
    };
  }

  /** T as a band matrix. The blocks B_j are lower triangular, so the width of the band is the number of rows of a block. */
  private projected(): SymmetricBand {
    const order = this.size;
    const width = Math.max(...this.diagonal.map(({ rows }) => rows));
    const data = new Float64Array(order * (width + 1));
    const put = (row: number, column: number, entry: number): void => {
      data[row * (width + 1) + width - row + column] = entry;
    };
    let at = 0;
    this.diagonal.forEach((block, j) => {
      const { rows } = block;
      for (let i = 0; i < rows; i++) for (let c = 0; c <= i; c++) put(at + i, at + c, block.data[i * rows + c]!);
      const coupled = this.coupling[j]!;
      if (j + 1 < this.diagonal.length) {
        for (let i = 0; i < rows; i++) {
          for (let c = 0; c < Math.min(i + 1, coupled.columns); c++) {
            put(at + rows + c, at + i, coupled.data[i * coupled.columns + c]!);
          }
        }
      }
      at += rows;
    });
    return { order, width, data };
  }

  /** Linear combinations of the rows of Q: `weights` [count, size]. */
  combine(weights: Matrix): Promise<Block> {
    return this.options.algebra.combine(weights, this.basis.range(this.start, this.start + weights.columns));
  }

  /** For each combination of the rows of Q, the mean squared weight of the rows of the first block: [rows]. */
  firstBlockShares(weights: Matrix): Float64Array {
    const first = this.diagonal[0]!.rows;
    return Float64Array.from({ length: weights.rows }, (_, i) => {
      let total = 0;
      for (let c = 0; c < first; c++) total += weights.data[i * weights.columns + c]! ** 2;
      return total / first;
    });
  }
}

/** The length of the overlaps of a vector with all older ones that may remain. Its square is below the rounding of float32. */
const LOSS = 2e-5;
/** A product below this fraction of the largest is a rounding error of float32. */
const VANISHED = 2 ** -22;

/** The last `rows` columns, averaged with their transpose. */
function symmetricEnd({ columns, data }: Matrix, rows: number): Matrix {
  const end = zeros(rows, rows);
  const at = columns - rows;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < rows; j++) {
      end.data[i * rows + j] = (data[i * columns + at + j]! + data[j * columns + at + i]!) / 2;
    }
  }
  return end;
}
