import type { Rng } from "../base/index.ts";
import type { Block, BlockAlgebra, Matrix } from "../operator/index.ts";
import { BlockLanczos, type Ritz } from "./block-lanczos.ts";
import { NEGLIGIBLE } from "./certificate.ts";
import { applyFilter, type Filter, filterInverse, filterResidual, NO_FILTER } from "./filter.ts";
import type { Pairs } from "./finish.ts";
import { Images } from "./images.ts";
import { outsideOf } from "./outside.ts";
import { plan, resolves } from "./plan.ts";
import { Schedule } from "./schedule.ts";
import type { Scratch } from "./scratch.ts";
import type { SideOperator } from "./short-side.ts";
import { rowRange } from "./small/matrix.ts";

export interface RunOptions {
  readonly side: SideOperator;
  readonly algebra: BlockAlgebra;
  /** Triplets found before, which the run stays away from. */
  readonly found: Pairs;
  /** The largest σ found before; 0 if there is none. */
  readonly norm: number;
  /** Triplets wanted, at most, and the σ that they must exceed. */
  readonly limit: number;
  readonly above: number;
  readonly blockRows: number;
  /** Vectors searched with, at most. */
  readonly capacity: number;
  /** Of so many vectors the images on the long side are kept. */
  readonly maxImages: number;
  /** A power of two by which J is divided within the run, as its square must be a float32 number; usually 1. */
  readonly unit: number;
  /** One product with J or Jᵀ, in multiply-adds. */
  readonly productCost: number;
  /** What a filter's recurrence adds to a product with G, in multiply-adds for each vector. */
  readonly mixCost: number;
  /** Singular values of J by rank, where they are known beforehand. */
  readonly sigmaAt: ((rank: number) => number) | undefined;
  readonly rng: Rng;
  readonly scratch: Scratch;
}

/** What a look at the projected problem shows. */
export interface Look {
  readonly ritz: Ritz;
  /** The eigenvalue of G, in the run's units, for each Ritz value, descending. */
  readonly values: Float64Array;
  /** There is nothing but rounding error. */
  readonly isNothing: boolean;
  /** Ritz pairs that this run is after: within `limit`, and not so small that they drown in rounding. */
  readonly wanted: number;
  /** [wanted], ‖Jv − σu‖ as predicted. */
  readonly residual: Float64Array;
  /** The largest σ seen, in this run or before. */
  readonly top: number;
}

/** Rounding of float32 products, relative to the largest σ². What it does to a residual grows as σ falls. */
const NOISE = 1e-7;
/** Smallest σ that a run may be after, in units of the largest: what rounding leaves of it, within these limits. */
const LEVEL = { least: 0.02, most: 0.5 };
/** Size of the basis at the first look, in units of what is wanted. */
const FIRST_LOOK = 1.25;
/** Of a filter; a spectrum that needs more is flat to float32. */
const MAX_DEGREE = 256;
/** A filter's cutoff that proved too high is lowered by this factor. */
const LOWER = 0.98;

/**
 * One search for the largest singular triplets, by block Lanczos on G = JJᵀ or JᵀJ on the short side, or on a polynomial in G
 * where that should be faster. It sees σ², so in float32 it finds only σ not far below the largest.
 */
export class Run {
  private readonly options: RunOptions;
  private filter: Filter = NO_FILTER;
  private lanczos: BlockLanczos;
  /** Of the basis, while it is searched with G itself. */
  private images: Images | undefined;
  private schedule: Schedule;

  constructor(options: RunOptions) {
    this.options = options;
    const { algebra, side, maxImages } = options;
    if (maxImages > 0) this.images = new Images(algebra, side.longLength, maxImages);
    this.lanczos = this.begun();
    this.schedule = this.planned();
  }

  /** Eigenvalues of G up to here are rounding error. */
  private get negligible(): number {
    return ((NEGLIGIBLE * this.options.norm) / this.options.unit) ** 2;
  }

  get size(): number {
    return this.lanczos.size;
  }

  /** There is nothing more to find by going on. */
  get complete(): boolean {
    return this.lanczos.complete;
  }

  get full(): boolean {
    return this.lanczos.full;
  }

  /** Whether to look. */
  get due(): boolean {
    return this.complete || this.full || this.size >= this.schedule.next;
  }

  /** Converged at the last look. */
  get converged(): number {
    return this.schedule.converged;
  }

  /** Adds directions to search in. */
  add(directions: Block): Promise<void> {
    return this.lanczos.add(directions);
  }

  step(): Promise<void> {
    return this.lanczos.step();
  }

  /** Solves the projected problem; `tolerance` is what residuals may be, relative to the largest σ. */
  async look(tolerance: number): Promise<Look> {
    const { limit, above, norm, blockRows, unit } = this.options;
    const ritz = await this.lanczos.ritz(Math.min(this.size, limit + blockRows));
    const values = ritz.values.map((value) => filterInverse(this.filter, value));
    const level = values[0]! * Math.min(LEVEL.most, Math.max(LEVEL.least, NOISE / tolerance)) ** 2;
    const least = Math.max(level, this.negligible, (above / unit) ** 2);
    const wanted = Math.max(1, values.subarray(0, limit).filter((value) => value > least).length);
    const residual = Float64Array.from({ length: wanted }, (_, i) => {
      return (unit * filterResidual(this.filter, ritz.residual[i]!, ritz.values[i]!)) / Math.sqrt(values[i]!);
    });
    const top = Math.max(norm, unit * Math.sqrt(Math.max(0, values[0]!)));
    this.schedule.look(this.size, residual, tolerance * top);
    return { ritz, values, isNothing: values[0]! <= this.negligible, wanted, residual, top };
  }

  /** The first `count` Ritz vectors, [count, length of the short side]. */
  async vectors({ ritz }: Look, count: number): Promise<Block> {
    return this.lanczos.combine(rowRange(await ritz.vectors(), 0, count));
  }

  /** Their images on the long side, by products of the search; `undefined` where those are not at hand. */
  async imagesOf({ ritz }: Look, count: number): Promise<Block | undefined> {
    return this.images?.combine(rowRange(await ritz.vectors(), 0, count));
  }

  /**
   * Starts again with a filter, from random combinations of the wanted Ritz vectors, where that should be faster than going
   * on, or where there is no room.
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
    this.images = undefined;
    this.lanczos = this.begun();
    this.schedule = this.planned();
    await this.lanczos.add(start);
  }

  private async better({ ritz, values, wanted }: Look, tolerance: number): Promise<Filter | undefined> {
    const { blockRows, side, productCost, mixCost } = this.options;
    const { size, capacity } = this.lanczos;
    const headroom = tolerance / NOISE;
    if (this.filter.degree === 1 && (this.full || productCost < side.length * capacity)) {
      const weights = this.lanczos.firstBlockShares(await ritz.vectors());
      const { length } = side;
      const costs = { productCost, mixCost };
      const known = this.knownEigenvalues();
      const standing = { wanted, size, capacity, blockRows, length, values, weights, known, headroom, ...costs };
      const planned = plan(standing);
      if (planned.degree > 1) return planned;
    }
    if (!this.full) return undefined;
    const last = values[wanted - 1]!;
    // Ritz values are lower bounds. One that is not above the cutoff when there is no more room says that it is too high.
    const cutoff = last > this.filter.cutoff ? last : LOWER * this.filter.cutoff;
    const doubled = { degree: Math.min(MAX_DEGREE, 2 * this.filter.degree), cutoff };
    return resolves(doubled, values[0]!, last, headroom) ? doubled : { ...doubled, degree: this.filter.degree };
  }

  /** Of G by rank, outside of what was found. */
  private knownEigenvalues(): ((rank: number) => number) | undefined {
    const { sigmaAt, found, unit } = this.options;
    return sigmaAt && ((rank) => (sigmaAt(found.short.rows + rank) / unit) ** 2);
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

  private planned(): Schedule {
    const { limit, blockRows } = this.options;
    return new Schedule(Math.ceil(FIRST_LOOK * limit) + 2 * blockRows, 2 * blockRows);
  }

  /** G on vectors outside of the found ones of the short side; those of the long side are taken out between its factors. */
  private async gram(x: Block): Promise<Block> {
    const { side, algebra, found, scratch } = this.options;
    const room = x.rows * side.longLength;
    const kept = this.images?.room(x.rows);
    if (kept === undefined) this.images = undefined;
    const images = await side.rise(x, kept ?? scratch.take("long", room));
    if (kept !== undefined && images.data.buffer !== kept.into.buffer) kept.into.set(images.data);
    const outside = await outsideOf(
      images,
      found.long,
      algebra,
      scratch.take("outside", found.long.rows > 0 ? room : 0),
    );
    const result = await side.fall(await this.inUnits(outside), scratch.take("short", x.data.length));
    return this.inUnits(result);
  }

  private async inUnits(x: Block): Promise<Block> {
    const { algebra, unit } = this.options;
    const term = { weight: 0, block: x };
    return unit === 1 ? x : algebra.mix([{ weight: 1 / unit, block: x }, term, term]);
  }
}
