import type { Block } from "../runtime/index.ts";
import { floorsOf, type Measured, measure, merged } from "./certificate.ts";
import { type Pairs, twoSidedFinish } from "./finish.ts";
import { PROBE_VECTORS } from "./missed.ts";
import { randomBlock } from "./random-block.ts";
import { type Look, Round } from "./round.ts";
import { Scratch } from "./scratch.ts";
import { noVectors, SideOperator } from "./short-side.ts";
import { completed, interruptedError, type Outcome, type Solve } from "./solve.ts";

export interface SearchOptions {
  readonly blockRows: number;
  /** The most vectors in the basis; at least `leastBasis`. */
  readonly maxBasis: number;
  /** For how many of them the products are stored; 0 where multiplying again is cheaper. */
  readonly maxStored: number;
  /** The most vectors multiplied during the search. The products that measure the result come in addition. */
  readonly maxProducts: number;
  /** What the recurrence of a filter adds to a product with G, in multiply-adds for each vector. */
  readonly mixCost: number;
  /** The singular values of J by rank, if they are known beforehand. */
  readonly sigmaAt?: (rank: number) => number;
}

type Cut = Outcome["cut"];

/** What one round searches for: at most `limit` triplets with σ above `above`, starting from `directions`. */
interface Goal {
  readonly limit: number;
  readonly above: number;
  readonly directions?: Block;
}

/** Predicted residuals must be below this fraction of the tolerance, because measured ones also contain rounding. */
const MARGIN = 0.2;
/** If measured residuals are larger than predicted, the margin is multiplied by this factor, at most so many times. */
const TIGHTEN = 0.25;
const MAX_TIGHTENINGS = 2;
/** Norms from 2^−MODERATE to 2^MODERATE can be squared without overflow or underflow. */
const MODERATE = 24;

/**
 * Searches for the largest singular triplets in rounds. Each round searches orthogonal to the triplets found before. So a σ far
 * below the first ones is found at its own scale, and a triplet that one round missed is found by the next.
 */
export class Search {
  /** The size of the basis each time that the projected problem was solved. */
  readonly looks: number[] = [];
  private readonly solve: Solve;
  private readonly options: SearchOptions;
  private readonly side: SideOperator;
  private readonly scratch: Scratch;
  private scale: number | undefined;
  private found: Measured | undefined;
  private searched = 0;
  private margin = MARGIN;
  private tightenings = 0;

  constructor(solve: Solve, options: SearchOptions) {
    this.solve = solve;
    this.options = options;
    this.side = new SideOperator(solve.products, solve.algebra, solve.side);
    this.scratch = new Scratch(solve.algebra);
  }

  /** Frees the memory of the search; the triplets that it returned remain. */
  dispose(): void {
    this.side.dispose();
    this.scratch.dispose();
  }

  /** Searches until there are k triplets, or until all other singular values are zero. */
  async untilFull(): Promise<Cut> {
    for (;;) {
      const before = this.count;
      if (before >= Math.min(this.solve.k, this.side.length)) return undefined;
      const cut = await this.round({ limit: this.solve.k - before, above: 0 });
      if (cut !== undefined || this.count === before) return cut;
    }
  }

  /**
   * Searches for singular values larger than the smallest one found until no more appear, and retains the k largest.
   * `directions` [K, n] are the vectors to start from.
   */
  async beyond(directions: Block): Promise<Cut> {
    const { side, solve } = this;
    const start = side.of === "source" ? directions : await side.narrow(await solve.products.apply(directions));
    let goal: Goal = { limit: solve.k, above: this.smallest, directions: start };
    for (;;) {
      const before = this.smallest;
      const cut = await this.round(goal);
      if (cut !== undefined || this.smallest === before) return cut;
      goal = { limit: solve.k, above: this.smallest };
    }
  }

  /** The triplets found. If there are fewer than k, random orthonormal vectors are added and measured. */
  async completed(): Promise<Measured> {
    const { solve, found, count } = this;
    const { products, algebra, k } = solve;
    if (found !== undefined && count === k) return found;
    const u = found?.u ?? noVectors(algebra, products.m);
    const v = found?.v ?? noVectors(algebra, products.n);
    const all = await completed(solve, u, v);
    const added = { u: all.u.range(count), v: all.v.range(count) };
    const rest = await measure(products, algebra, added, { witnesses: await solve.witnesses() });
    return found === undefined ? rest : merged(found, rest, k, algebra);
  }

  private get count(): number {
    return this.found?.sigma.length ?? 0;
  }

  private get smallest(): number {
    return this.found?.sigma.at(-1) ?? 0;
  }

  /** Adds the triplets that one round finds. Returns why the round was stopped early, if it was. */
  private async round({ limit, above, directions }: Goal): Promise<Cut> {
    const { solve, options, side, scratch } = this;
    const { algebra, k, tol, rng, products } = solve;
    const found = await this.pairs();
    this.scale ??= await this.measuredScale();
    const { blockRows, maxBasis, maxStored, maxProducts, mixCost } = options;
    using round = new Round({
      side,
      algebra,
      found,
      norm: this.found?.sigma[0] ?? 0,
      limit,
      above,
      blockRows,
      scale: this.scale,
      capacity: Math.max(maxBasis - this.count, leastBasis(limit, blockRows)),
      maxStored,
      productCost: products.cost,
      mixCost,
      sigmaAt: options.sigmaAt,
      rng,
      scratch,
    });
    if (round.complete) return undefined;
    if (directions !== undefined) await round.add(directions);
    const before = this.count;

    for (;;) {
      const cut = solve.interrupted() ? "interrupted" : this.searched >= maxProducts ? "budget" : undefined;
      if (cut === "interrupted" && this.searched === 0) throw interruptedError();
      if (cut === undefined || round.size === 0) {
        const multiplied = products.count;
        await round.step();
        this.searched += products.count - multiplied;
        if (cut === undefined && !round.due) {
          solve.report(Math.min(k, before + round.converged));
          continue;
        }
      }

      const look = await round.look(this.margin * tol);
      this.looks.push(round.size);
      solve.report(Math.min(k, before + round.converged));
      if (look.isNothing) return cut;
      this.tell(look);
      const allowed = this.margin * tol * look.top;
      const sure = round.full ? leading(look.residual, allowed) : 0;
      const through = round.converged === look.wanted || round.complete;
      if (!(through || sure > 0 || cut !== undefined)) {
        await round.reconsider(look, this.margin * tol);
        continue;
      }
      const count = through || cut !== undefined ? look.wanted : sure;
      using x = await round.vectors(look, count);
      const known = await round.productsOf(look, count);
      const witnesses = await solve.witnesses();
      const set = await twoSidedFinish({ x, known, found, side, products, algebra, witnesses, tol });
      const floors = floorsOf(set);
      const bad = set.residual.some((value, i) => value > Math.max(tol * look.top, floors[i]!));
      if (bad && !round.complete && cut === undefined && this.tightenings < MAX_TIGHTENINGS) {
        this.tightenings++;
        this.margin *= TIGHTEN;
        await round.reconsider(look, this.margin * tol);
        continue;
      }
      this.found = this.found === undefined ? set : await merged(this.found, set, k, algebra);
      return cut;
    }
  }

  /**
   * 1, unless the product with a random vector shows that the square of J could overflow or underflow. Then it is a power of two
   * near the length of that product.
   */
  private async measuredScale(): Promise<number> {
    const { algebra, rng } = this.solve;
    using random = await randomBlock(algebra, rng, 1, this.side.length);
    using product = await this.side.rise(random);
    const [square] = await algebra.dots(product, product);
    const exponent = Math.round(Math.log2(Math.sqrt(square!)));
    return Number.isFinite(exponent) && Math.abs(exponent) > MODERATE ? 2 ** exponent : 1;
  }

  /** Tells the singular values of the triplets found and of a look. */
  private tell({ values, residual, wanted }: Look): void {
    const sigma = values.subarray(0, wanted).map((value) => this.scale! * Math.sqrt(Math.max(0, value)));
    const both = [
      ...Array.from(this.found?.sigma ?? [], (own, i) => [own, this.found!.residual[i]!] as const),
      ...Array.from(sigma, (own, i) => [own, residual[i]!] as const),
    ];
    const largest = both.sort(([a], [b]) => b - a).slice(0, this.solve.k);
    const column = (at: 0 | 1) => Float64Array.from(largest, (pair) => pair[at]);
    this.solve.estimate(column(0), column(1));
  }

  /** The vectors found so far. */
  private async pairs(): Promise<Pairs> {
    const { side, found } = this;
    const { algebra } = this.solve;
    if (found === undefined) {
      return { short: noVectors(algebra, side.length), long: noVectors(algebra, side.longLength) };
    }
    const { u, v } = found;
    return side.of === "target" ? { short: await side.narrow(u), long: v } : { short: await side.narrow(v), long: u };
  }
}

/** How many residuals, counted from the first, are within the limit. */
function leading(residual: Float64Array, limit: number): number {
  const first = residual.findIndex((value) => value > limit);
  return first < 0 ? residual.length : first;
}

/** The smallest `maxBasis`: room for k triplets and four blocks. A block has at least as many rows as a probe has vectors. */
export function leastBasis(k: number, blockRows: number): number {
  return k + 4 * Math.max(blockRows, PROBE_VECTORS);
}
