import type { Rng } from "../base/index.ts";
import type { Block, BlockAlgebra, Matrix } from "../runtime/index.ts";
import { BasisProducts } from "./basis-products.ts";
import { BlockLanczos, type Ritz } from "./block-lanczos.ts";
import { NEGLIGIBLE } from "./certificate.ts";
import { chooseFilter, resolves } from "./choose-filter.ts";
import { applyFilter, type Filter, filterInverse, filterResidual, NO_FILTER } from "./filter.ts";
import type { KnownRise, Pairs } from "./finish.ts";
import { outsideOf } from "./outside.ts";
import { Schedule } from "./schedule.ts";
import type { Scratch } from "./scratch.ts";
import type { SideOperator } from "./short-side.ts";
import { rowRange } from "./small/matrix.ts";

export interface RoundOptions {
  readonly side: SideOperator;
  readonly algebra: BlockAlgebra;
  /** The triplets of earlier rounds. This round searches orthogonal to them. */
  readonly found: Pairs;
  /** The largest σ of earlier rounds; 0 if there is none. */
  readonly norm: number;
  /** How many triplets are wanted at most, and the value that their σ must exceed. */
  readonly limit: number;
  readonly above: number;
  readonly blockRows: number;
  /** The most vectors that the basis may have. */
  readonly capacity: number;
  /** For how many vectors of the basis the products are stored. */
  readonly maxStored: number;
  /** J is divided by this power of two during the round, so that its square can be represented in float32; usually 1. */
  readonly scale: number;
  /** One product with J or Jᵀ, in multiply-adds. */
  readonly productCost: number;
  /** What the recurrence of a filter adds to a product with G, in multiply-adds for each vector. */
  readonly mixCost: number;
  /** The singular values of J by rank, if they are known beforehand. */
  readonly sigmaAt: ((rank: number) => number) | undefined;
  readonly rng: Rng;
  readonly scratch: Scratch;
}

/** What one solution of the projected eigenproblem shows. */
export interface Look {
  readonly ritz: Ritz;
  /** The eigenvalue of G that belongs to each Ritz value, descending; G is that of J divided by `scale`. */
  readonly values: Float64Array;
  /** All Ritz values are rounding errors. */
  readonly isNothing: boolean;
  /** The number of Ritz pairs that this round wants: at most `limit`, and only those that are not hidden by rounding. */
  readonly wanted: number;
  /** [wanted], ‖Jv − σu‖ as the recurrence predicts it. */
  readonly residual: Float64Array;
  /** The largest σ seen, in this round or before. */
  readonly top: number;
}

/** The rounding of float32 products, relative to the largest σ². Its effect on a residual grows as σ falls. */
const NOISE = 1e-7;
/**
 * The smallest σ that a round may search for, as a fraction of its largest. The fraction depends on rounding and on the
 * tolerance, within these limits.
 */
const LEVEL = { least: 0.02, most: 0.5 };
/** The size of the basis at which the projected problem is first solved, as a multiple of the triplets wanted. */
const FIRST_LOOK = 1.25;
/** The highest degree of a filter. A spectrum that needs a higher one cannot be told from a flat one in float32. */
const MAX_DEGREE = 256;
/** A filter is considered again when the basis has grown by this factor. It takes the vectors of the whole projected problem. */
const AGAIN = 1.6;
/** The cutoff of a filter that proves too high is lowered by this factor. */
const LOWER = 0.98;

/**
 * One round of a search for the largest singular triplets: block Lanczos on the short side with G = JJᵀ or JᵀJ, or with a
 * polynomial in G where that should be faster. The eigenvalues of G are σ², so in float32 a round finds only those σ that are
 * not far below its largest.
 */
export class Round {
  private readonly options: RoundOptions;
  private filter: Filter = NO_FILTER;
  private lanczos: BlockLanczos;
  /** The products of the basis vectors, while there is no filter. */
  private stored: BasisProducts | undefined;
  private schedule: Schedule;
  /** The size of the basis when a filter was last considered. */
  private considered = 0;

  constructor(options: RoundOptions) {
    this.options = options;
    const { algebra, side, maxStored } = options;
    if (maxStored > 0) this.stored = new BasisProducts(algebra, side, maxStored);
    this.lanczos = this.begun();
    this.schedule = this.newSchedule();
  }

  /** Eigenvalues of G that are not larger than this are rounding errors. */
  private get negligible(): number {
    return ((NEGLIGIBLE * this.options.norm) / this.options.scale) ** 2;
  }

  get size(): number {
    return this.lanczos.size;
  }

  /** Further steps cannot find anything more. */
  get complete(): boolean {
    return this.lanczos.complete;
  }

  get full(): boolean {
    return this.lanczos.full;
  }

  /** Whether it is time to solve the projected problem. */
  get due(): boolean {
    return this.complete || this.full || this.size >= this.schedule.next;
  }

  /** The number of triplets that had converged when the projected problem was last solved. */
  get converged(): number {
    return this.schedule.converged;
  }

  /** Frees the vectors of the round. */
  [Symbol.dispose](): void {
    this.forget();
    this.lanczos.dispose();
  }

  private forget(): void {
    this.stored?.[Symbol.dispose]();
    this.stored = undefined;
  }

  /** Adds directions to search in. */
  add(directions: Block): Promise<void> {
    return this.lanczos.add(directions);
  }

  step(): Promise<void> {
    return this.lanczos.step();
  }

  /** Solves the projected problem. `tolerance` is the residual allowed, relative to the largest σ. */
  async look(tolerance: number): Promise<Look> {
    const { limit, above, norm, blockRows, scale } = this.options;
    const ritz = await this.lanczos.ritz(Math.min(this.size, limit + blockRows));
    const values = ritz.values.map((value) => filterInverse(this.filter, value));
    const level = values[0]! * Math.min(LEVEL.most, Math.max(LEVEL.least, NOISE / tolerance)) ** 2;
    const least = Math.max(level, this.negligible, (above / scale) ** 2);
    const wanted = Math.max(1, values.subarray(0, limit).filter((value) => value > least).length);
    const residual = Float64Array.from({ length: wanted }, (_, i) => {
      return (scale * filterResidual(this.filter, ritz.residual[i]!, ritz.values[i]!)) / Math.sqrt(values[i]!);
    });
    const top = Math.max(norm, scale * Math.sqrt(Math.max(0, values[0]!)));
    this.schedule.look(this.size, residual, tolerance * top);
    return { ritz, values, isNothing: values[0]! <= this.negligible, wanted, residual, top };
  }

  /** The first `count` Ritz vectors, [count, length of the short side]. */
  async vectors({ ritz }: Look, count: number): Promise<Block> {
    return this.lanczos.combine(rowRange(await ritz.vectors(), 0, count));
  }

  /** The products of these Ritz vectors, if those of the basis are stored; otherwise `undefined`. */
  async productsOf({ ritz }: Look, count: number): Promise<KnownRise | undefined> {
    if (this.stored === undefined) return undefined;
    const { risen, returned } = await this.stored.combine(rowRange(await ritz.vectors(), 0, count));
    if (this.isPlain) return { risen, returned };
    returned.dispose();
    return { risen };
  }

  /** Whether G is JJᵀ or JᵀJ itself: nothing is removed between the two, and nothing is scaled. */
  private get isPlain(): boolean {
    return this.options.found.long.rows === 0 && this.options.scale === 1;
  }

  /**
   * Starts again with a filter, from random combinations of the wanted Ritz vectors, if that should be faster than going on,
   * or if the basis is full.
   */
  async reconsider(look: Look, tolerance: number): Promise<void> {
    const filter = await this.better(look, tolerance);
    if (filter === undefined) return;
    const { algebra, blockRows, rng } = this.options;
    const weights: Matrix = {
      rows: blockRows,
      columns: look.wanted,
      data: Float64Array.from({ length: blockRows * look.wanted }, () => rng.gaussian()),
    };
    const mixtures = await algebra.multiply(weights, rowRange(await look.ritz.vectors(), 0, look.wanted));
    const start = await this.lanczos.combine(mixtures);
    this.filter = filter;
    this.forget();
    this.lanczos.dispose();
    this.lanczos = this.begun();
    this.schedule = this.newSchedule();
    await this.lanczos.add(start);
  }

  private async better({ ritz, values, wanted }: Look, tolerance: number): Promise<Filter | undefined> {
    const { blockRows, side, productCost, mixCost } = this.options;
    const { size, capacity } = this.lanczos;
    const headroom = tolerance / NOISE;
    const isDue = this.full || (productCost < side.length * capacity && size >= AGAIN * this.considered);
    if (this.filter.degree === 1 && isDue) {
      this.considered = size;
      const weights = this.lanczos.firstBlockShares(await ritz.vectors());
      const { length } = side;
      const costs = { productCost, mixCost };
      const known = this.knownEigenvalues();
      const standing = { wanted, size, capacity, blockRows, length, values, weights, known, headroom, ...costs };
      const chosen = chooseFilter(standing);
      if (chosen.degree > 1) return chosen;
    }
    if (!this.full) return undefined;
    const last = values[wanted - 1]!;
    // Ritz values are lower bounds. If the basis is full and the last one is not above the cutoff, the cutoff is too high.
    const cutoff = last > this.filter.cutoff ? last : LOWER * this.filter.cutoff;
    const doubled = { degree: Math.min(MAX_DEGREE, 2 * this.filter.degree), cutoff };
    return resolves(doubled, values[0]!, last, headroom) ? doubled : { ...doubled, degree: this.filter.degree };
  }

  /** The eigenvalues of G by rank, without those of the triplets found before. */
  private knownEigenvalues(): ((rank: number) => number) | undefined {
    const { sigmaAt, found, scale } = this.options;
    return sigmaAt && ((rank) => (sigmaAt(found.short.rows + rank) / scale) ** 2);
  }

  private begun(): BlockLanczos {
    const { algebra, found, blockRows, capacity, rng, scratch } = this.options;
    const { filter } = this;
    return new BlockLanczos({
      apply: (x) => applyFilter(filter, (y) => this.gram(y), x, algebra, scratch),
      algebra,
      avoided: found.short,
      blockRows,
      capacity,
      rng,
      negligible: filter.degree === 1 ? this.negligible : 0,
    });
  }

  private newSchedule(): Schedule {
    const { limit, blockRows } = this.options;
    return new Schedule(Math.ceil(FIRST_LOOK * limit) + 2 * blockRows, 2 * blockRows);
  }

  /**
   * G times vectors that are orthogonal to the short vectors of the triplets found before. Between the two factors of G, the
   * components along the long vectors of these triplets are removed.
   */
  private async gram(x: Block): Promise<Block> {
    const { side, algebra, found, scratch } = this.options;
    const memory = this.stored?.room(x.rows);
    if (memory === undefined) this.forget();
    const risen = await side.rise(x, memory?.risen ?? scratch.take("long", x.rows, side.longLength));
    const outside = await outsideOf(
      risen,
      found.long,
      algebra,
      scratch.take("outside", found.long.rows > 0 ? x.rows : 0, side.longLength),
    );
    const returned = memory?.returned ?? scratch.take("short", x.rows, x.length);
    return this.scaledDown(await side.fall(await this.scaledDown(outside), returned));
  }

  private async scaledDown(x: Block): Promise<Block> {
    const { algebra, scale } = this.options;
    const term = { weight: 0, block: x };
    return scale === 1 ? x : algebra.mix([{ weight: 1 / scale, block: x }, term, term]);
  }
}
