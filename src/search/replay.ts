import { createRng } from "../base/index.ts";
import type { SearchRun } from "../results/index.ts";
import { shuffled } from "../training/index.ts";
import { bookOf } from "./drive.ts";
import { compare, type FilterName, type Verdict } from "./filters.ts";
import type { Candidate } from "./space.ts";
import { type Book, plan, poolOf, type Strategy, trainingCost } from "./strategies.ts";

/** Trained candidates on which strategies are replayed, with one seed of their trainings. */
export interface ReplayTable {
  /** The indices of the candidates of which all is known. */
  readonly candidates: readonly number[];
  readonly book: Book;
  /** Seconds of the measurements of a candidate. */
  measuring(candidate: number, what: "spectrum" | "gradient"): number;
  /** Seconds of its training from the rung before. */
  training(candidate: number, rung: number): number;
  /** The error on examples that chose nothing. */
  testError(candidate: number, rung: number): number;
  /** The mean seconds of a whole training, over all candidates and seeds. */
  readonly whole: number;
}

/** The tables of a search in which every candidate was trained, one for each seed. Candidates of which something is missing are left out. */
export function replayTables(run: SearchRun, candidates: readonly Candidate[]): readonly ReplayTable[] {
  const { seeds, rungs } = run.manifest;
  const parts = ["spectrum", "gradient"] as const;
  const known = candidates
    .map(({ index }) => index)
    .filter((candidate) =>
      seeds.every(
        (_, seed) =>
          parts.every((part) => run.isDone(part, { candidate, seed })) &&
          rungs.every((_, rung) => run.isDone("train", { candidate, seed, rung })),
      ),
    );
  const secondsAt = (candidate: number, seed: number, rung: number) =>
    run.value("train_seconds", { candidate, seed, rung });
  const wholes = known.flatMap((candidate) =>
    seeds.map((_, seed) => rungs.reduce((sum, _, rung) => sum + secondsAt(candidate, seed, rung), 0)),
  );
  const whole = wholes.reduce((sum, seconds) => sum + seconds, 0) / wholes.length;
  return seeds.map((_, seed) => {
    const { judge, error, loss } = bookOf(run, candidates, seed);
    const verdicts = new Map<string, Verdict>();
    return {
      candidates: known,
      book: {
        error,
        loss,
        judge: (filter: FilterName, candidate: number) => {
          const key = `${filter} ${candidate}`;
          const verdict = verdicts.get(key) ?? judge(filter, candidate);
          verdicts.set(key, verdict);
          return verdict;
        },
      },
      measuring: (candidate, what) => run.value(`${what}_seconds`, { candidate, seed }),
      training: (candidate, rung) => secondsAt(candidate, seed, rung),
      testError: (candidate, rung) => run.value("test_error", { candidate, seed, rung }),
      whole,
    };
  });
}

/** What a strategy gives and costs. */
export interface Outcome {
  /** The test error of the candidate that it picks. */
  readonly error: number;
  readonly seconds: number;
}

/** Runs a strategy of a size on candidates in this order. */
export function outcomeOf(strategy: Strategy, size: number, order: readonly number[], table: ReplayTable): Outcome {
  const reached = new Map<number, number>();
  let seconds = 0;
  for (const stage of plan(strategy, size, order, table.book)) {
    if (stage.kind === "measure") {
      for (const candidate of stage.candidates) seconds += table.measuring(candidate, stage.what);
    } else if (stage.kind === "train") {
      for (const candidate of stage.candidates) {
        for (let rung = (reached.get(candidate) ?? -1) + 1; rung <= stage.rung; rung++) {
          seconds += table.training(candidate, rung);
        }
        reached.set(candidate, stage.rung);
      }
    }
  }
  const { error, loss } = table.book;
  let best: readonly [candidate: number, rung: number] | undefined;
  for (const [candidate, rung] of reached) {
    const isBetter =
      best === undefined ||
      (compare(best[1], rung) ||
        compare(error(candidate, rung), error(...best)) ||
        compare(loss(candidate, rung), loss(...best)) ||
        candidate - best[0]) < 0;
    if (isBetter) best = [candidate, rung];
  }
  return { error: best === undefined ? Number.NaN : table.testError(...best), seconds };
}

/**
 * What the largest size of a strategy that stays within so many seconds gives, as for a user who knows what trainings take. A strategy whose
 * smallest size costs more is run at that size.
 */
export function outcomeWithin(
  strategy: Strategy,
  seconds: number,
  order: readonly number[],
  table: ReplayTable,
): Outcome {
  const expected = Math.max(1, Math.floor((0.6 * seconds) / table.whole / trainingCost(strategy, 1)));
  let size = Math.min(expected, order.length);
  let found = outcomeOf(strategy, size, order, table);
  if (found.seconds > seconds) {
    while (found.seconds > seconds && size > 1) found = outcomeOf(strategy, --size, order, table);
    return found;
  }
  // Beyond the end of the table a larger size changes nothing.
  while (poolOf(strategy, size) < order.length) {
    const next = outcomeOf(strategy, ++size, order, table);
    if (next.seconds > seconds) break;
    found = next;
  }
  return found;
}

/** The order of the candidates in a replay, and the seed of the trainings that it takes. */
export interface ReplayOrder {
  readonly seed: number;
  readonly order: readonly number[];
}

/** Orders for replays: all strategies are replayed on the same ones. */
export function replayOrders(tables: readonly ReplayTable[], count: number): readonly ReplayOrder[] {
  const { candidates } = tables[0]!;
  return Array.from({ length: count }, (_, replay) => ({
    seed: replay % tables.length,
    order: shuffled(candidates.length, createRng("replay", replay)).map((i) => candidates[i]!),
  }));
}
