import { type Block, block, type Matrix, type Placement } from "../operator/index.ts";
import { BlockLanczos, type Ritz } from "./block-lanczos.ts";
import { type Measured, measure, merged } from "./certificate.ts";
import { applyFilter, type Filter, filterInverse, filterResidual, NO_FILTER } from "./filter.ts";
import { PROBE_VECTORS } from "./missed.ts";
import { plan, resolves } from "./plan.ts";
import { checkedFinite } from "./products.ts";
import { Schedule } from "./schedule.ts";
import { Scratch } from "./scratch.ts";
import { noVectors, SideOperator, shortSide } from "./short-side.ts";
import { symmetricEigen } from "./small/eigen.ts";
import { rowRange, scaleRows } from "./small/matrix.ts";
import { completed, interruptedError, type Outcome, type Solve } from "./solve.ts";

type Cut = Outcome["cut"];

export interface SearchOptions {
  readonly blockRows: number;
  /** Vectors kept, at least `leastBasis`. */
  readonly maxBasis: number;
  /** Vectors multiplied in search, at most; certifying what was found comes on top. */
  readonly maxProducts: number;
}

/** Predicted residuals must be this much below the tolerance: the measured ones also have rounding in them. */
const MARGIN = 0.5;
/** If measured residuals disagree with predicted ones, the margin shrinks by this factor, so many times. */
const TIGHTEN = 0.25;
const MAX_TIGHTENINGS = 2;
/** σ below this part of ‖J‖ is rounding error of float32 products and counts as zero. */
const RANK = 2 ** -22;
/** Rounding of float32 products, relative to the largest σ². What it does to a residual grows as σ falls. */
const NOISE = 1e-7;
/** Of a filter; a spectrum that needs more is flat to float32. */
const MAX_DEGREE = 256;
/** A filter's cutoff that proved too high is lowered by this factor. */
const LOWER = 0.98;

/** What one search goes after. */
interface Goal {
  /** Triplets, at most. */
  readonly limit: number;
  /** Only σ above this matter. */
  readonly above: number;
  /** Where to begin; at random unless given. */
  readonly directions?: Block;
}

/**
 * Searches for the largest singular triplets, one Lanczos run after the other, each outside of what was found before.
 *
 * A run works with G = JJᵀ or JᵀJ on the short side, so it sees σ²: in float32 it finds the larger σ well, and a run of its
 * own, with everything before taken out on both sides, those far below.
 */
export class Search {
  private readonly solve: Solve;
  private readonly options: SearchOptions;
  private readonly side: SideOperator;
  private readonly scratch = new Scratch();
  private found: Measured | undefined;
  private searched = 0;
  private margin = MARGIN;
  private tightenings = 0;

  constructor(solve: Solve, options: SearchOptions) {
    const { products, algebra, activeRows } = solve;
    this.solve = solve;
    this.options = options;
    this.side = new SideOperator(products, algebra, shortSide(products.m, products.n, activeRows));
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

  /** Searches for what is larger than the smallest σ found, until there is nothing, and keeps the k largest. */
  async beyond(directions: Block): Promise<Cut> {
    const start = await (this.side.of === "source"
      ? directions
      : this.side.narrow(await this.solve.products.apply(directions)));
    let goal: Goal = { limit: this.solve.k, above: this.smallest, directions: start };
    for (;;) {
      const before = this.smallest;
      const cut = await this.run(goal);
      if (cut !== undefined || this.smallest === before) return cut;
      goal = { limit: this.solve.k, above: this.smallest };
    }
  }

  /** The triplets found, made up to k by random ones. */
  async completed(): Promise<Measured> {
    const { solve, found } = this;
    const { products, algebra, k } = solve;
    if (found?.sigma.length === k) return found;
    const all = await completed(
      solve,
      block(found?.u ?? noVectors(products.m).data, this.count),
      block(found?.v ?? new Float32Array(0), this.count),
    );
    const rest = await measure(products, algebra, {
      u: all.u.slice(this.count * products.m),
      v: all.v.slice(this.count * products.n),
    });
    return found === undefined ? rest : merged(found, rest, k);
  }

  /** Residual that a search may leave, in units of the rounding of a product. */
  private get headroom(): number {
    return (this.margin * this.solve.tol) / NOISE;
  }

  private get count(): number {
    return this.found?.sigma.length ?? 0;
  }

  private get smallest(): number {
    return this.found?.sigma.at(-1) ?? 0;
  }

  /** One run; adds what it found, and says if it was cut short. */
  private async run(goal: Goal): Promise<Cut> {
    const { solve, options } = this;
    const { algebra, k, tol } = solve;
    const avoided = await this.avoided();
    const capacity = Math.max(options.maxBasis - avoided.short.rows, leastBasis(goal.limit, options.blockRows));
    const norm = this.found?.sigma[0] ?? 0;
    const negligible = (RANK * norm) ** 2;
    let filter = NO_FILTER;
    const begin = async (directions: Block | undefined): Promise<BlockLanczos> => {
      const lanczos = new BlockLanczos({
        apply: (x) => applyFilter(filter, (y) => this.gram(y, avoided.long), x, algebra, this.scratch),
        algebra,
        avoided: avoided.short,
        blockRows: options.blockRows,
        capacity,
        rng: solve.rng,
        negligible: filter.degree === 1 ? negligible : 0,
      });
      if (directions !== undefined) await lanczos.add(directions);
      return lanczos;
    };
    let lanczos = await begin(goal.directions);
    let schedule = new Schedule(goal.limit + 2 * options.blockRows, 2 * options.blockRows);

    for (;;) {
      const cut = solve.interrupted() ? "interrupted" : this.searched >= options.maxProducts ? "budget" : undefined;
      if (cut === "interrupted" && this.count === 0 && this.searched === 0) throw interruptedError();
      if (cut !== undefined && lanczos.size > 0) {
        const ritz = await lanczos.ritz(Math.min(goal.limit, lanczos.size));
        const positive = ritz.values.subarray(0, ritz.vectors.rows).filter((value) => value > negligible).length;
        if (positive > 0) this.add(await this.finish(lanczos, ritz, positive, avoided));
        return cut;
      }
      await this.step(lanczos);
      if (!(lanczos.complete || lanczos.full || lanczos.size >= schedule.next)) {
        solve.report(Math.min(k, this.count + schedule.converged));
        continue;
      }

      const ritz = await lanczos.ritz(Math.min(lanczos.size, goal.limit + options.blockRows));
      const lambda = ritz.values.map((value) => filterInverse(filter, value));
      if (lambda[0]! <= negligible) return undefined;
      const top = Math.max(norm, Math.sqrt(lambda[0]!));
      const level = Math.max(lambda[0]! * Math.min(0.5, 1 / this.headroom) ** 2, negligible, goal.above ** 2);
      const wanted = Math.max(1, lambda.subarray(0, goal.limit).filter((value) => value > level).length);
      const residual = Float64Array.from({ length: wanted }, (_, i) => {
        return filterResidual(filter, ritz.residual[i]!, ritz.values[i]!) / Math.sqrt(lambda[i]!);
      });
      const limit = this.margin * tol * top;
      const converged = schedule.look(lanczos.size, residual, limit);
      solve.report(Math.min(k, this.count + converged));
      if (converged === wanted || lanczos.complete) {
        const set = await this.finish(lanczos, ritz, wanted, avoided);
        const accepted = Math.max(tol * top, set.floor);
        if (
          set.residual.every((value) => value <= accepted) ||
          lanczos.complete ||
          this.tightenings === MAX_TIGHTENINGS
        ) {
          this.add(set);
          return undefined;
        }
        this.tightenings++;
        this.margin *= TIGHTEN;
      }
      const sure = lanczos.full ? leading(residual, limit) : 0;
      if (sure > 0) {
        this.add(await this.finish(lanczos, ritz, sure, avoided));
        return undefined;
      }
      const better = this.better(filter, lanczos, { ...ritz, values: lambda }, wanted);
      if (better !== undefined) {
        const start = await mixture(lanczos, ritz, wanted, options.blockRows, solve);
        filter = better;
        lanczos = await begin(start);
        schedule = new Schedule(goal.limit + 2 * options.blockRows, 2 * options.blockRows);
      }
    }
  }

  /** The vectors found so far, as the short and the long side know them. */
  private async avoided(): Promise<Avoided> {
    const { side, found } = this;
    if (found === undefined) return { short: noVectors(side.length), long: noVectors(side.longLength) };
    const [u, v] = [block(found.u, this.count), block(found.v, this.count)];
    return side.of === "target" ? { short: await side.narrow(u), long: v } : { short: await side.narrow(v), long: u };
  }

  /** G on vectors that are orthogonal to the short avoided ones: the long ones are taken out between the two products. */
  private async gram(x: Block, avoided: Block): Promise<Block> {
    const long = await this.side.rise(x, this.scratch.take("long", x.rows * this.side.longLength));
    const outside = await this.outside(
      long,
      avoided,
      this.scratch.take("outside", avoided.rows > 0 ? long.data.length : 0),
    );
    return this.side.fall(outside, this.scratch.take("short", x.data.length));
  }

  private async outside(y: Block, avoided: Block, placement?: Placement): Promise<Block> {
    const { algebra } = this.solve;
    if (avoided.rows === 0) return y;
    return algebra.subtract(y, checkedFinite(await algebra.gram(y, avoided)), avoided, placement);
  }

  private async step(lanczos: BlockLanczos): Promise<void> {
    const { products } = this.solve;
    const before = products.count;
    await lanczos.step();
    this.searched += products.count - before;
  }

  /**
   * The first `count` Ritz vectors x as triplets: W = their images on the long side, by fresh products; the singular triplets
   * of W, from its Gram matrix in float64, turn both sides.
   */
  private async finish(
    lanczos: BlockLanczos,
    ritz: Ritz,
    count: number,
    { long: avoided }: Avoided,
  ): Promise<Measured> {
    const { products, algebra } = this.solve;
    const short = await lanczos.vectors(ritz, count);
    const images = await this.side.rise(short);
    const long = await this.outside(images, avoided);
    const { values, vectors } = await symmetricEigen(
      checkedFinite(await algebra.gram(long, long, { exact: true })),
      algebra.multiply,
    );
    const inverse = values.map((value) => (value > 0 ? value ** -0.5 : 0));
    const turned = await this.side.spread(await algebra.combine(vectors, short));
    const partner = await algebra.combine(scaleRows(vectors, inverse), long);
    const pair = this.side.pair(turned.data, partner.data);
    return measure(
      products,
      algebra,
      pair,
      avoided.rows > 0
        ? undefined
        : {
            of: this.side.of === "target" ? "u" : "v",
            images: (from, to) => algebra.combine(rowRange(vectors, from, to), images),
          },
    );
  }

  private add(set: Measured): void {
    this.found = this.found === undefined ? set : merged(this.found, set, this.solve.k);
  }

  /** A filter to start again with, where that should be faster or there is no room to go on; `values` are those of G. */
  private better(filter: Filter, lanczos: BlockLanczos, ritz: Ritz, wanted: number): Filter | undefined {
    const { values } = ritz;
    if (filter.degree === 1) {
      const planned = plan({
        wanted,
        size: lanczos.size,
        capacity: lanczos.capacity,
        blockRows: this.options.blockRows,
        length: this.side.length,
        values,
        weights: lanczos.weights(ritz),
        productCost: this.solve.products.cost,
        headroom: this.headroom,
      });
      if (planned.degree > 1) return planned;
    }
    if (!lanczos.full) return undefined;
    const last = values[wanted - 1]!;
    // Ritz values are lower bounds. One that is not above the cutoff when there is no more room says that it is too high.
    const cutoff = last > filter.cutoff ? last : LOWER * filter.cutoff;
    const doubled = { degree: Math.min(MAX_DEGREE, 2 * filter.degree), cutoff };
    return resolves(doubled, values[0]!, last, this.headroom) ? doubled : { ...doubled, degree: filter.degree };
  }
}

interface Avoided {
  readonly short: Block;
  readonly long: Block;
}

/** A block of random combinations of the first Ritz vectors. */
async function mixture(
  lanczos: BlockLanczos,
  { vectors }: Ritz,
  count: number,
  rows: number,
  { algebra, rng }: Solve,
): Promise<Block> {
  const weights: Matrix = {
    rows,
    columns: count,
    data: Float64Array.from({ length: rows * count }, () => rng.gaussian()),
  };
  return lanczos.combine(await algebra.multiply(weights, rowRange(vectors, 0, count)));
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
