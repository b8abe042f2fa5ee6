import type { QueueCost } from "./queue.ts";
import { digits, type RealRun, realRun, seconds, type Work } from "./reality.ts";
import { simulate } from "./simulate.ts";

/** A run of the digits in reality and in the model. */
export interface Validation {
  /** Without a queue, in one command. */
  readonly alone: RealRun;
  readonly one: RealRun;
  readonly two: RealRun;
  /** One worker of two threads. */
  readonly wide: RealRun;
  /** Seconds until a worker has begun its first unit. */
  readonly starting: number;
  /** Predicted seconds of the wall. */
  readonly predicted: { readonly one: number; readonly two: number };
}

/** Runs the digits with workers, and simulates the same from a run without a queue. */
export async function validate(pictures: number, queue: QueueCost): Promise<Validation> {
  const work = await digits(pictures);
  const alone = await realRun(work);
  const { one, two, wide } = await crews(work);
  const starting = one.first - one.taps[0]!.seconds;
  const wall = (workers: number): number => {
    const taps = alone.taps.map(({ seconds, units }, tap) => {
      const { each } = one.taps[tap]!;
      const store = besides(alone) + (queue.job / each + queue.unit) / 1000;
      return { units, each, seconds, isShared: false, compile: 0, store, puts: 0, gets: 0 };
    });
    const free = { redis: { job: 0, unit: 0 }, rates: { puts: 1, gets: 1 } };
    return simulate({ ...free, workers, taps, spread: alone.spread, start: { seconds: starting, gets: 0 } }).wall;
  };
  return { alone, one, two, wide, starting, predicted: { one: wall(1), two: wall(2) } };
}

/** A run by one worker, by two, and by one worker of two threads. */
type Crews = Pick<Validation, "one" | "two" | "wide">;

async function crews(work: Work): Promise<Crews> {
  const one = await realRun(work, { workers: 1, threads: 1 });
  const two = await realRun(work, { workers: 2, threads: 1 });
  const wide = await realRun(work, { workers: 1, threads: 2 });
  return { one, two, wide };
}

/** Rows of what two workers are worth where a unit takes seconds. @param pictures one unit of each */
export async function longRows(pictures: number): Promise<(string | number)[][]> {
  const runs = await crews(await seconds(pictures));
  const rows = Object.entries({ "one worker": runs.one, "two workers": runs.two, "one of two threads": runs.wide });
  return rows.map(([name, run]) => [
    ...[name, run.units, run.taps[0]!.seconds, run.wall],
    ...[runs.one.wall / run.wall, runs.wide.wall / run.wall],
  ]);
}

export const longColumns = ["who", "units", "seconds of a solve", "all, s", "× one worker", "× one of two threads"];

/** Seconds from the first unit to the last one. */
const span = ({ wall, first }: RealRun): number => wall - first;

/** Seconds of a unit beside its solve: compiling, the pass, storing. */
function besides(run: RealRun): number {
  const solves = run.taps.reduce((sum, { seconds, units }) => sum + seconds * units, 0);
  return Math.max(0, (span(run) + run.taps[0]!.seconds - solves) / run.units);
}

/** Rows of what was predicted and measured. */
export function validationRows({ alone, one, two, wide, starting, predicted }: Validation): (string | number)[][] {
  const working = ({ wall }: RealRun) => wall - starting;
  const solve = alone.taps.reduce((sum, { seconds }) => sum + seconds, 0) / alone.taps.length;
  const overhead = (1000 * (span(one) - span(alone))) / (one.units - 1);
  return [
    ["units", one.units],
    ["seconds of a solve", solve],
    ["one worker, predicted, s", predicted.one],
    ["one worker, measured, s", one.wall],
    ["one worker, predicted / measured", predicted.one / one.wall],
    ["two workers, predicted, s", predicted.two],
    ["two workers, measured, s", two.wall],
    ["two workers, predicted / measured", predicted.two / two.wall],
    ["until a worker begins its first unit, s", starting],
    ["two workers against one, without starting", working(one) / working(two)],
    ["two workers of one thread against one worker of two threads, without starting", working(wide) / working(two)],
    ["queue and claims, ms a unit", overhead],
    ["the same, % of a unit of 5 s", overhead / 50],
  ];
}
