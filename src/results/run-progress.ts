import type { Run } from "./run.ts";

/** How far the units of one tap are. */
export interface TapProgress {
  readonly tap: string;
  readonly done: number;
  readonly failed: readonly { readonly input: string; readonly why: string }[];
  /** The units of usable inputs that are neither done nor failed. */
  readonly left: number;
  /** The mean seconds of a solve; absent if no unit is done. */
  readonly meanSeconds?: number;
  /** Whether one solve is that of all inputs, since J is the same at each. */
  readonly isShared: boolean;
  /** The seconds of all solves so far. */
  readonly seconds: number;
  /** What the units that are left are expected to take; absent if no unit of any tap is done. */
  readonly secondsLeft?: number;
  /** Where that expectation comes from. */
  readonly expectedFrom?: "this tap" | "other taps";
}

export interface RunProgress {
  readonly taps: readonly TapProgress[];
  /** Whether the seconds of every unit that is done were read, and not only those of some of them. */
  readonly isExact: boolean;
}

/** Of so many units, spread over the taps and inputs, the seconds are read: all would take long in a large run. */
const SAMPLED = 100;

/** How far a run is, tap by tap, and what the units that are left are expected to take in one process. */
export async function progressOf(run: Run): Promise<RunProgress> {
  const { inputs, taps } = run.manifest;
  const each = Math.max(1, Math.floor(SAMPLED / taps.length));
  const told = await Promise.all(taps.map((_, tap) => tapSeconds(run, tap, each)));
  const known = told.flatMap(({ mean }) => mean ?? []);
  const elsewhere = known.length === 0 ? undefined : sumOf(known) / known.length;
  return {
    isExact: told.every(({ isExact }) => isExact),
    taps: taps.map((record, tap) => {
      const { done, mean, isShared } = told[tap]!;
      const failed = inputs.flatMap(({ name }, input) => {
        const why = run.failureOf(input, tap);
        return why === undefined ? [] : [{ input: name, why }];
      });
      const open = (input: number) =>
        inputs[input]!.failed === undefined && !run.isDone(input, tap) && run.failureOf(input, tap) === undefined;
      const left = [...inputs.keys()].filter(open).length;
      const expected = mean ?? elsewhere;
      const solves = isShared ? Math.min(1, left) : left;
      return {
        tap: record.name,
        ...{ done, failed, left, isShared },
        ...(mean === undefined ? {} : { meanSeconds: mean }),
        seconds: mean === undefined ? 0 : mean * (isShared ? 1 : done),
        ...(expected === undefined ? {} : { secondsLeft: expected * solves }),
        ...(left === 0 || expected === undefined
          ? {}
          : { expectedFrom: mean === undefined ? ("other taps" as const) : ("this tap" as const) }),
      };
    }),
  };
}

/** The seconds of a solve at a tap, from up to `most` of its units. */
async function tapSeconds(run: Run, tap: number, most: number) {
  const done = [...run.manifest.inputs.keys()].filter((input) => run.isDone(input, tap));
  const count = Math.min(most, done.length);
  const some = Array.from({ length: count }, (_, i) => done[Math.floor((i * done.length) / count)]!);
  const units = await Promise.all(some.map((input) => run.readUnit(input, tap, { vectors: false })));
  const seconds = units.flatMap((unit) => (unit === undefined || Number.isNaN(unit.seconds) ? [] : [unit.seconds]));
  return {
    done: done.length,
    mean: seconds.length === 0 ? undefined : sumOf(seconds) / seconds.length,
    isShared: seconds.length > 1 && new Set(seconds).size === 1, // Two solves never take the same time to the last digit.
    isExact: count === done.length,
  };
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
