import type { SearchRun } from "../results/index.ts";
import type { Facts } from "./facts.ts";
import { filters } from "./filters.ts";
import type { Job } from "./labor.ts";
import { LAST } from "./rungs.ts";
import type { Candidate } from "./space.ts";
import { type Book, byError, plan, type Strategy } from "./strategies.ts";

/** The name under which every candidate is trained with every seed, to replay strategies on. */
export const TABLE = "table";

/** What is stored of a search, as strategies look it up; of the seed of this index. */
export function bookOf(run: SearchRun, candidates: readonly Candidate[], seed = 0): Book {
  const { power } = run.manifest;
  return {
    judge: (filter, candidate) => filters[filter].judge(factsOf(run, candidates[candidate]!, seed, power)),
    error: (candidate, rung) => run.value("validation_error", { candidate, seed, rung }),
    loss: (candidate, rung) => run.value("validation_loss", { candidate, seed, rung }),
  };
}

function factsOf(run: SearchRun, { index, recipe }: Candidate, seed: number, power: number): Facts {
  const place = { candidate: index, seed };
  const sigmaAt = (time: number) => ({
    spread: run.value("log_sigma", place, time),
    centre: run.value("log_sigma_centre", place, time),
  });
  const spectrum = { start: sigmaAt(0), after: sigmaAt(1), curvature: run.value("curvature", place) };
  return {
    recipe,
    power,
    ...(run.isDone("spectrum", place) && { spectrum }),
    ...(run.isDone("gradient", place) && { gradient: run.value("gradient_balance", place) }),
  };
}

export interface DriveOptions {
  readonly run: SearchRun;
  readonly candidates: readonly Candidate[];
  /** Does jobs, perhaps side by side, and stores what they find. */
  readonly perform: (jobs: readonly Job[]) => Promise<void>;
  /** Is told which candidates are still in play, before they are trained. */
  readonly inPlay?: (candidates: ReadonlySet<number>) => Promise<void>;
}

/** Runs a strategy of this size to its end. What is stored already is not done again. */
export async function drive(strategy: Strategy, size: number, options: DriveOptions): Promise<void> {
  const { run, candidates, perform, inPlay } = options;
  const order = candidates.map(({ index }) => index);
  for (const stage of plan(strategy, size, order, bookOf(run, candidates))) {
    if (stage.kind === "reject") {
      const why = new Map(stage.rejected.map((one) => [one.candidate, one.why]));
      await run.reject(order.map((index) => why.get(index) ?? ""));
    } else if (stage.kind === "measure") {
      const todo = stage.candidates.filter((candidate) => !run.isDone(stage.what, { candidate, seed: 0 }));
      await perform(todo.map((candidate) => ({ part: stage.what, candidate, seed: 0 })));
    } else {
      await inPlay?.(new Set(stage.candidates));
      await perform(stage.candidates.flatMap((candidate) => trainingOf(run, candidate, 0, stage.rung)));
    }
  }
}

/** Measures every candidate and trains it to the end, with every seed. */
export async function driveTable({ run, candidates, perform }: DriveOptions): Promise<void> {
  const jobs = candidates.flatMap(({ index: candidate }) =>
    run.manifest.seeds.flatMap((_, seed): Job[] => [
      ...(["spectrum", "gradient"] as const).flatMap((part) =>
        run.isDone(part, { candidate, seed }) ? [] : [{ part, candidate, seed }],
      ),
      ...trainingOf(run, candidate, seed, LAST),
    ]),
  );
  await perform(jobs);
}

function trainingOf(run: SearchRun, candidate: number, seed: number, rung: number): Job[] {
  let done = -1;
  while (done < rung && run.isDone("train", { candidate, seed, rung: done + 1 })) done++;
  return done === rung ? [] : [{ part: "train", candidate, seed, rung, done }];
}

/** The candidates in the order in which a search prefers them: those that were trained longest first, then by their error. */
export function ranking(
  run: SearchRun,
  candidates: readonly Candidate[],
  seed = 0,
): readonly { candidate: number; rung: number }[] {
  const book = bookOf(run, candidates, seed);
  const reached = new Map<number, number[]>();
  for (const { index: candidate } of candidates) {
    const rung = run.manifest.rungs.findLastIndex((_, at) => run.isDone("train", { candidate, seed, rung: at }));
    if (rung >= 0) reached.set(rung, [...(reached.get(rung) ?? []), candidate]);
  }
  return [...reached]
    .sort(([a], [b]) => b - a)
    .flatMap(([rung, own]) => byError(own, rung, book).map((candidate) => ({ candidate, rung })));
}
