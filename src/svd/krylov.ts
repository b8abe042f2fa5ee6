import { Bidiagonalization } from "./bidiagonalize.ts";
import { type Measured, measure } from "./certificate.ts";
import { MAX_PROBES, PROBE_VECTORS, probe } from "./missed.ts";
import type { Ritz } from "./projected.ts";
import { rowRange } from "./small/matrix.ts";
import { completed, interruptedError, type Outcome, type Solve, stoppedBy } from "./solve.ts";

export interface KrylovOptions {
  readonly blockRows: number;
  /** Vectors kept on each side, at least `leastBasis`. */
  readonly maxBasis: number;
  /** Vectors multiplied in search, at most; certifying what was found comes on top. */
  readonly maxProducts: number;
}

/** Predicted residuals must be this much below the tolerance: the measured ones also have rounding in them. */
const MARGIN = 0.5;
/** If measured residuals disagree with predicted ones, the margin shrinks by this factor, so many times. */
const TIGHTEN = 0.25;
const MAX_TIGHTENINGS = 2;
/** Growth of the basis between two looks at the projected problem, whose cost is cubic. */
const GROWTH = { least: 1.1, usual: 1.2, most: 1.4 };
/** Part of the room beyond k that a restart fills with the next Ritz vectors. */
const KEEP = 0.5;

/**
 * The k largest singular triplets by block Golub-Kahan-Lanczos bidiagonalization with thick restart: grow, look, and
 * restart with the best Ritz vectors when the memory is full. Once the predicted residuals are small, measure. Then probe
 * with random vectors for a larger singular value outside of the set, and go on from where one was seen.
 *
 * @throws PushforwardError `interrupted` if aborted before there was anything to measure
 * @see Wu & Simon 2000 (thick restart); Baglama & Reichel 2006
 */
export async function krylov(solve: Solve, options: KrylovOptions): Promise<Outcome> {
  const { products, algebra, k, tol, rng } = solve;
  const run = new Bidiagonalization(products, algebra, { ...options, rng });
  const keep = k + Math.floor(KEEP * (options.maxBasis - leastBasis(k, options.blockRows)));
  const schedule = new Schedule(k, 2 * options.blockRows);
  let searched = 0;
  let margin = MARGIN;
  let tightenings = 0;
  let probes = 0;

  for (;;) {
    const cut = solve.interrupted() ? "interrupted" : searched >= options.maxProducts ? "budget" : undefined;
    if (cut !== undefined) {
      if (run.size.v === 0) throw interruptedError();
      return { measured: await measured(run, await run.ritz(k), solve), missed: { kind: "none" }, stopped: cut };
    }
    const before = products.count;
    await run.step();
    searched += products.count - before;
    if (!(run.complete || run.full || run.size.v >= schedule.next)) {
      solve.report(schedule.converged);
      continue;
    }

    const ritz = await run.ritz(run.full ? keep : k);
    const converged = schedule.look(run.size.v, ritz, margin * tol);
    solve.report(converged);
    if (converged === k || run.complete) {
      const set = await measured(run, ritz, solve);
      const stopped = stoppedBy(set);
      if (stopped === "budget" && !run.complete && tightenings < MAX_TIGHTENINGS) {
        tightenings++;
        margin *= TIGHTEN;
      } else {
        if (run.whole || k === Math.min(products.m, products.n)) {
          return { measured: set, missed: { kind: "exact" }, stopped };
        }
        const { bound, seen, directions } = await probe(products, algebra, set, rng);
        probes++;
        if (!overlooked(seen, set, tol) || probes === MAX_PROBES) return { measured: set, missed: bound, stopped };
        await run.reseed(first(ritz, k), directions);
        schedule.again(run.size.v);
        continue;
      }
    }
    if (run.full) {
      await run.restart(ritz);
      schedule.restarted();
    }
  }
}

/** The smallest `maxBasis`: k triplets, and four blocks of the width that a probe may give them. */
export function leastBasis(k: number, blockRows: number): number {
  return k + 4 * Math.max(blockRows, PROBE_VECTORS);
}

/** Whether a vector outside of the set is stretched by more than the smallest σ in it, rounding and tolerance allowed for. */
function overlooked(seen: number, { sigma, norm, floor }: Measured, tol: number): boolean {
  return seen > sigma.at(-1)! + 2 * Math.max(tol * norm, floor);
}

function first({ sigma, residual, u, v }: Ritz, count: number): Ritz {
  const rows = Math.min(count, sigma.length);
  return {
    sigma: sigma.subarray(0, rows),
    residual: residual.subarray(0, rows),
    u: rowRange(u, 0, rows),
    v: rowRange(v, 0, rows),
  };
}

async function measured(run: Bidiagonalization, ritz: Ritz, solve: Solve): Promise<Measured> {
  const { u, v } = await run.vectors(ritz, Math.min(solve.k, ritz.sigma.length));
  return measure(solve.products, solve.algebra, await completed(solve, u, v), solve.tol);
}

/** When to look at the projected problem. */
class Schedule {
  /** Size of the basis at which to look next. */
  next: number;
  /** Triplets below the goal at the last look. */
  converged = 0;
  private readonly k: number;
  private readonly step: number;
  private last: { readonly size: number; readonly logResidual: number } | undefined;

  constructor(k: number, step: number) {
    this.k = k;
    this.step = step;
    this.next = k + step;
  }

  /** Counts what is below the goal (relative to the largest σ) and predicts when all k will be. */
  look(size: number, { sigma, residual }: Ritz, goal: number): number {
    const limit = goal * (sigma[0] ?? 0);
    const wanted = residual.subarray(0, this.k);
    this.converged = wanted.filter((value) => value <= limit).length;
    const logResidual = Math.log(Math.max(...wanted, Number.MIN_VALUE));
    let predicted = GROWTH.usual * size;
    if (this.last !== undefined && logResidual < this.last.logResidual) {
      const slope = (logResidual - this.last.logResidual) / (size - this.last.size);
      predicted = size + (Math.log(limit) - logResidual) / slope;
    }
    this.last = { size, logResidual };
    this.next = Math.max(size + this.step, Math.min(GROWTH.most * size, Math.max(GROWTH.least * size, predicted)));
    return this.converged;
  }

  /** After a restart the bases fill up before anything new is known. */
  restarted(): void {
    this.next = Number.POSITIVE_INFINITY;
    this.last = undefined;
  }

  /** After new directions came in: give them a few steps. */
  again(size: number): void {
    this.next = size + 2 * this.step;
    this.last = undefined;
  }
}
