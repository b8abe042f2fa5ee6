import { gaussianArray } from "../base/index.ts";
import { type Block, block } from "../operator/index.ts";
import { type Measured, measure, merged } from "./certificate.ts";
import { type Pairs, twoSidedFinish } from "./finish.ts";
import { PROBE_VECTORS } from "./missed.ts";
import { Run } from "./run.ts";
import { Scratch } from "./scratch.ts";
import { noVectors, SideOperator } from "./short-side.ts";
import { completed, interruptedError, type Outcome, type Solve } from "./solve.ts";

export interface SearchOptions {
  readonly blockRows: number;
  /** Vectors kept, at least `leastBasis`. */
  readonly maxBasis: number;
  /** Of so many of them the images on the other side are kept; 0 where multiplying again is cheaper. */
  readonly maxImages: number;
  /** Vectors multiplied in search, at most; certifying what was found comes on top. */
  readonly maxProducts: number;
  /** What a filter's recurrence adds to a product with G, in multiply-adds for each vector. */
  readonly mixCost: number;
  /** Singular values of J by rank, where they are known beforehand. */
  readonly sigmaAt?: (rank: number) => number;
}

type Cut = Outcome["cut"];

/** What one run goes after: so many triplets, with σ above this, from there. */
interface Goal {
  readonly limit: number;
  readonly above: number;
  readonly directions?: Block;
}

/** Predicted residuals must be this much below the tolerance: the measured ones also have rounding in them. */
const MARGIN = 0.2;
/** If measured residuals disagree with predicted ones, the margin shrinks by this factor, so many times. */
const TIGHTEN = 0.25;
const MAX_TIGHTENINGS = 2;
/** Norms from 2^−MODERATE to 2^MODERATE are squared without harm. */
const MODERATE = 24;

/**
 * Searches for the largest singular triplets, one run after the other, each outside of what was found before: so σ far below
 * the first ones are found at their own scale, and what a run overlooked is found by the next.
 */
export class Search {
  /** Vectors in the basis, for each look at a projected problem. */
  readonly looks: number[] = [];
  private readonly solve: Solve;
  private readonly options: SearchOptions;
  private readonly side: SideOperator;
  private readonly scratch = new Scratch();
  private unit: number | undefined;
  private found: Measured | undefined;
  private searched = 0;
  private margin = MARGIN;
  private tightenings = 0;

  constructor(solve: Solve, options: SearchOptions) {
    this.solve = solve;
    this.options = options;
    this.side = new SideOperator(solve.products, solve.algebra, solve.side);
  }

  /** Searches until there are k triplets, or no more that are not zero. */
  async untilFull(): Promise<Cut> {
    for (;;) {
      const before = this.count;
      if (before >= Math.min(this.solve.k, this.side.length)) return undefined;
      const cut = await this.run({ limit: this.solve.k - before, above: 0 });
      if (cut !== undefined || this.count === before) return cut;
    }
  }

  /**
   * Searches for what is larger than the smallest σ found, until there is nothing, and keeps the k largest. `directions`
   * [K, n] lead there.
   */
  async beyond(directions: Block): Promise<Cut> {
    const { side, solve } = this;
    const start = side.of === "source" ? directions : await side.narrow(await solve.products.apply(directions));
    let goal: Goal = { limit: solve.k, above: this.smallest, directions: start };
    for (;;) {
      const before = this.smallest;
      const cut = await this.run(goal);
      if (cut !== undefined || this.smallest === before) return cut;
      goal = { limit: solve.k, above: this.smallest };
    }
  }

  /** The triplets found, made up to k by random ones. */
  async completed(): Promise<Measured> {
    const { solve, found, count } = this;
    const { products, algebra, k } = solve;
    if (found !== undefined && count === k) return found;
    const u = found === undefined ? noVectors(products.m) : block(found.u, count);
    const v = found === undefined ? noVectors(products.n) : block(found.v, count);
    const all = await completed(solve, u, v);
    const added = { u: all.u.slice(count * products.m), v: all.v.slice(count * products.n) };
    const rest = await measure(products, algebra, added);
    return found === undefined ? rest : merged(found, rest, k);
  }

  private get count(): number {
    return this.found?.sigma.length ?? 0;
  }

  private get smallest(): number {
    return this.found?.sigma.at(-1) ?? 0;
  }

  /** Adds what one run finds, and says if it was cut short. */
  private async run({ limit, above, directions }: Goal): Promise<Cut> {
    const { solve, options, side, scratch } = this;
    const { algebra, k, tol, rng, products } = solve;
    const found = await this.pairs();
    this.unit ??= await this.measuredUnit();
    const { blockRows, maxBasis, maxImages, maxProducts, mixCost } = options;
    const run = new Run({
      side,
      algebra,
      found,
      norm: this.found?.sigma[0] ?? 0,
      limit,
      above,
      blockRows,
      unit: this.unit,
      capacity: Math.max(maxBasis - this.count, leastBasis(limit, blockRows)),
      maxImages,
      productCost: products.cost,
      mixCost,
      sigmaAt: options.sigmaAt,
      rng,
      scratch,
    });
    if (run.complete) return undefined;
    if (directions !== undefined) await run.add(directions);
    const before = this.count;

    for (;;) {
      const cut = solve.interrupted() ? "interrupted" : this.searched >= maxProducts ? "budget" : undefined;
      if (cut === "interrupted" && this.searched === 0) throw interruptedError();
      if (cut === undefined || run.size === 0) {
        const multiplied = products.count;
        await run.step();
        this.searched += products.count - multiplied;
        if (cut === undefined && !run.due) {
          solve.report(Math.min(k, before + run.converged));
          continue;
        }
      }

      const look = await run.look(this.margin * tol);
      this.looks.push(run.size);
      solve.report(Math.min(k, before + run.converged));
      if (look.isNothing) return cut;
      const allowed = this.margin * tol * look.top;
      const sure = run.full ? leading(look.residual, allowed) : 0;
      const through = run.converged === look.wanted || run.complete;
      if (!(through || sure > 0 || cut !== undefined)) {
        await run.reconsider(look, this.margin * tol);
        continue;
      }
      const count = through || cut !== undefined ? look.wanted : sure;
      const [x, images] = [await run.vectors(look, count), await run.imagesOf(look, count)];
      const set = await twoSidedFinish({ x, images, found, side, products, algebra, tol });
      const bad = set.residual.some((value) => value > Math.max(tol * look.top, set.floor));
      if (bad && !run.complete && cut === undefined && this.tightenings < MAX_TIGHTENINGS) {
        this.tightenings++;
        this.margin *= TIGHTEN;
        await run.reconsider(look, this.margin * tol);
        continue;
      }
      this.found = this.found === undefined ? set : merged(this.found, set, k);
      return cut;
    }
  }

  /** 1, unless a random vector shows that J's square might overflow or vanish: then a power of two near its image's length. */
  private async measuredUnit(): Promise<number> {
    const { algebra, rng } = this.solve;
    const image = await this.side.rise(block(gaussianArray(rng, this.side.length), 1));
    const [square] = await algebra.dots(image, image);
    const exponent = Math.round(Math.log2(Math.sqrt(square!)));
    return Number.isFinite(exponent) && Math.abs(exponent) > MODERATE ? 2 ** exponent : 1;
  }

  /** The vectors found so far. */
  private async pairs(): Promise<Pairs> {
    const { side, found, count } = this;
    if (found === undefined) return { short: noVectors(side.length), long: noVectors(side.longLength) };
    const [u, v] = [block(found.u, count), block(found.v, count)];
    return side.of === "target" ? { short: await side.narrow(u), long: v } : { short: await side.narrow(v), long: u };
  }
}

/** How many of the first residuals are within the limit. */
function leading(residual: Float64Array, limit: number): number {
  const first = residual.findIndex((value) => value > limit);
  return first < 0 ? residual.length : first;
}

/** The smallest `maxBasis`: k triplets, and four blocks of the width that a probe may give them. */
export function leastBasis(k: number, blockRows: number): number {
  return k + 4 * Math.max(blockRows, PROBE_VECTORS);
}
