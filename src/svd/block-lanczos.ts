import type { Rng } from "../base/index.ts";
import type { Block, BlockAlgebra, Matrix } from "../operator/index.ts";
import { Basis } from "./basis.ts";
import { bandedEigen } from "./small/banded-eigen.ts";
import type { SymmetricBand } from "./small/chase-bulges.ts";
import { multiply, rowNorm, zeros } from "./small/matrix.ts";

/** Ritz pairs of a symmetric operator F: eigenpairs of what it does within the basis. */
export interface Ritz {
  /** [size], descending: all Ritz values. */
  readonly values: Float64Array;
  /** [count], ‖Fx − θx‖ of the largest, as the recurrence predicts it. */
  readonly residual: Float64Array;
  /** The Ritz vectors of these in the basis, [count, size]. */
  vectors(): Promise<Matrix>;
}

export interface LanczosOptions {
  /** F on the rows of a block: symmetric, [K, length] → [K, length]. */
  readonly apply: (x: Block) => Promise<Block>;
  readonly algebra: BlockAlgebra;
  /** Orthonormal vectors that the search stays away from. */
  readonly avoided: Block;
  readonly blockRows: number;
  /** Vectors searched with, at most. */
  readonly capacity: number;
  readonly rng: Rng;
  /** Images shorter than this are rounding error. */
  readonly negligible: number;
}

/**
 * Block Lanczos: an orthonormal basis Q, grown by products with a symmetric F, in which F is the block tridiagonal T, known
 * in float64. Each block is made orthogonal first to the two before it, as the recurrence says, then once more to all,
 * against what rounding left.
 *
 * Where F leads to fewer directions than a block has (an invariant subspace, a rank below the block), random ones take their
 * place; so multiplicities beyond the block size and disconnected parts of the spectrum are found in time.
 *
 * @see Golub & Underwood 1977; Grimes, Lewis & Simon 1994
 */
export class BlockLanczos {
  private readonly options: LanczosOptions;
  private readonly basis: Basis;
  private readonly start: number;
  /** Diagonal blocks of T, and the blocks that couple each to the next: F·Q_j = A_j·Q_j + B_j·Q_{j+1} + B_{j−1}ᵀ·Q_{j−1}. */
  private readonly diagonal: Matrix[] = [];
  private readonly coupling: Matrix[] = [];
  /** A lower bound on ‖F‖: the largest image of a unit vector so far. */
  private scale = 0;
  /** F is zero outside of Q, as far as random vectors tell. */
  private vanished = false;

  constructor(options: LanczosOptions) {
    const { algebra, avoided, capacity } = options;
    this.options = options;
    this.basis = new Basis(algebra, avoided.length, avoided.rows + capacity);
    this.basis.append(avoided);
    this.start = avoided.rows;
  }

  /** Rows of Q that F was applied to. */
  get size(): number {
    return this.diagonal.reduce((total, { rows }) => total + rows, 0);
  }

  /** There is nothing more to find by going on: Q spans everything, or F vanishes outside of it as far as random vectors tell. */
  get complete(): boolean {
    return this.vanished || (this.basis.rows === this.basis.length && this.waiting === 0);
  }

  /** Another step would not fit. */
  get full(): boolean {
    return this.basis.capacity < this.basis.length && this.basis.rows + this.options.blockRows > this.basis.capacity;
  }

  /** Vectors searched with, at most. */
  get capacity(): number {
    return this.basis.capacity - this.start;
  }

  private get waiting(): number {
    return this.basis.rows - this.start - this.size;
  }

  /** Adds directions to start from, as far as they are new; random ones make up a block. */
  async add(directions: Block): Promise<void> {
    await this.basis.extend(directions, 0);
    await this.fill();
  }

  private fill(): Promise<void> {
    return this.basis.extendRandom(this.options.blockRows - this.waiting, this.options.rng);
  }

  /** Applies F to the rows that wait. */
  async step(): Promise<void> {
    if (this.waiting === 0) await this.fill();
    const before = this.coupling.at(-1);
    const from = this.start + this.size;
    const rows = this.waiting;
    const near = from - (before?.rows ?? 0);
    const image = await this.options.apply(this.basis.range(from));
    const { coefficients, factor, largest } = await this.basis.extend(image, this.scale, near);
    this.scale = Math.max(this.scale, largest);
    this.vanished = (before?.columns ?? 0) === 0 && largest <= Math.max(VANISHED * this.scale, this.options.negligible);
    this.diagonal.push(symmetricEnd(coefficients, rows));
    this.coupling.push(factor);
    if (!this.complete) await this.fill();
  }

  /** All Ritz values, and what is known of the `count` largest Ritz pairs. */
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

  /** T, whose couplings are lower triangular: it reaches no further from the diagonal than a block has rows. */
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

  /** Combinations of the rows of Q: `weights` [count, size]. */
  combine(weights: Matrix): Promise<Block> {
    return this.options.algebra.combine(weights, this.basis.range(this.start, this.start + weights.columns));
  }

  /** The part of each combination of the rows of Q that lies in its first block, a row of it on average: [rows]. */
  firstBlockShares(weights: Matrix): Float64Array {
    const first = this.diagonal[0]!.rows;
    return Float64Array.from({ length: weights.rows }, (_, i) => {
      let total = 0;
      for (let c = 0; c < first; c++) total += weights.data[i * weights.columns + c]! ** 2;
      return total / first;
    });
  }
}

/** An image below this part of the largest is rounding error of float32. */
const VANISHED = 2 ** -22;

/** The last `rows` columns, made symmetric. */
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
