import { PushforwardError } from "../base/index.ts";
import type { SearchPart, SearchRun } from "../results/index.ts";
import { filters } from "./filters.ts";
import { rungsOf } from "./rungs.ts";
import { brackets, poolOf, type Strategy, trainingCost } from "./strategies.ts";

/** How large a strategy is, and how many candidates it looks at. */
export interface Size {
  readonly size: number;
  readonly pool: number;
}

/** What a strategy measures of its candidates before it trains them. */
export const measuredBy = ({ filter }: Strategy): "spectrum" | "gradient" | undefined => {
  const needs = filter === undefined ? "nothing" : filters[filter].needs;
  return needs === "nothing" ? undefined : needs;
};

/**
 * The largest size of a strategy whose cost stays within a budget.
 *
 * @param budget full trainings
 * @param measuring what the measurements of the candidate of an index cost, in full trainings
 * @throws PushforwardError `usage` if even the smallest costs more
 */
export function sizeWithin(strategy: Strategy, budget: number, measuring: (index: number) => number): Size {
  let [measured, costs] = [0, 0];
  let size = 0;
  for (;;) {
    const pool = poolOf(strategy, size + 1);
    for (; measured < pool; measured++) costs += measuring(measured);
    const whole = costs + trainingCost(strategy, size + 1);
    if (whole > budget) {
      if (size > 0) return { size, pool: poolOf(strategy, size) };
      throw new PushforwardError("usage", {
        what: `The smallest search of this kind costs ${whole.toFixed(1)} full trainings.`,
        where: { option: "--budget" },
        fix: `Give a budget of at least ${Math.ceil(whole)}.`,
      });
    }
    size++;
  }
}

/** A piece of work, and its share of a full training. */
interface Work {
  readonly part: SearchPart;
  readonly rung?: number;
  readonly share: number;
}

/** The pieces of work of a strategy in their order, and those that are stored already. */
export function workOf(
  strategy: Strategy,
  { size, pool }: Size,
  measuring: (index: number) => number,
): readonly Work[] {
  const what = measuredBy(strategy);
  const measures =
    what === undefined
      ? []
      : Array.from({ length: pool }, (_, index): Work => ({ part: what, share: measuring(index) }));
  const rungs = brackets[strategy.schedule](size).flatMap(({ count, first }) => rungsOf(count, first));
  const trainings = rungs.flatMap(({ rung, size: number, share }) =>
    Array.from({ length: number }, (): Work => ({ part: "train", rung, share })),
  );
  return [...measures, ...trainings];
}

/** The shares of the pieces of work that are not stored yet. */
export function workLeft(
  work: readonly Work[],
  run: SearchRun,
): { readonly left: readonly number[]; readonly done: number } {
  const stored = new Map<string, number>();
  const { candidates, seeds, rungs } = run.manifest;
  for (let candidate = 0; candidate < candidates.length; candidate++) {
    for (let seed = 0; seed < seeds.length; seed++) {
      for (const part of ["spectrum", "gradient"] as const) {
        if (run.isDone(part, { candidate, seed })) count(stored, part);
      }
      for (let rung = 0; rung < rungs.length; rung++) {
        if (run.isDone("train", { candidate, seed, rung })) count(stored, `train ${rung}`);
      }
    }
  }
  const left = work.filter(({ part, rung }) => {
    const key = rung === undefined ? part : `${part} ${rung}`;
    const known = stored.get(key) ?? 0;
    stored.set(key, known - 1);
    return known <= 0;
  });
  return { left: left.map(({ share }) => share), done: work.length - left.length };
}

const count = (counts: Map<string, number>, key: string): void => void counts.set(key, (counts.get(key) ?? 0) + 1);

/** The pieces of work of a table: every candidate is measured and trained with every seed. */
export function workOfTable(pool: number, seeds: number, measuring: (index: number) => number): readonly Work[] {
  return Array.from({ length: pool * seeds }, (_, i): readonly Work[] => [
    { part: "spectrum", share: measuring(Math.floor(i / seeds)) },
    { part: "gradient", share: 0 },
    ...rungsOf(1).map(({ rung, share }): Work => ({ part: "train", rung, share })),
  ]).flat();
}
