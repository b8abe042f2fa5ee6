import { setTimeout } from "node:timers/promises";
import { PushforwardError, plural, type Shape, sizeOf } from "../../base/index.ts";
import type { QueuedUnits, RunQueue } from "../../platform/node/run-queue.ts";
import type { Run, UnitPlace, UnitResult } from "../../results/index.ts";
import { queuedName } from "./queued-subject.ts";
import { readUnits } from "./read-units.ts";

/** The seconds that a job is to take: long enough to be worth its message, and short enough to be shared. */
const JOB_SECONDS = 45;

/** The most bytes of inputs that a job has. */
const JOB_BYTES = 2 ** 28;

/** The milliseconds between two looks at a run, at least; a look may take no more than a tenth of the time. */
const LOOK = 1000;

/** How often units are enqueued again of which neither a result nor a job is left, before the command ends. */
const ROUNDS = 3;

export interface EnqueueOptions {
  readonly store: string;
  /** The units to compute. */
  readonly units: readonly UnitPlace[];
  /** The expected seconds of a unit at each tap. */
  readonly seconds: readonly number[];
  readonly signal: AbortSignal;
  readonly onDone: (place: UnitPlace, unit: UnitResult) => void;
  readonly onFailed: (place: UnitPlace, why: string) => void;
}

/**
 * Gives units of a run to workers, and waits until each is done or has failed.
 *
 * The store alone says what is done. So units come back to the queue if it lost them, and a unit is done whoever has computed it.
 *
 * @throws PushforwardError `interrupted` through the signal, with the units left in the queue; `backend-failed` if jobs were given up
 */
export async function enqueue(queue: RunQueue, run: Run, options: EnqueueOptions): Promise<void> {
  const { store, units, signal, onDone, onFailed } = options;
  const name = queuedName(store, run.manifest);
  const give = async (some: readonly UnitPlace[]) => {
    await queue.keepRun(name, { store });
    await queue.add(jobsOf(name, run, some, options.seconds));
  };
  const isOwn = new Set(units.map(({ input, tap }) => `${input}-${tap}`));
  const tell = async () => {
    const news = await run.refresh();
    const own = news.filter(({ input, tap }) => isOwn.has(`${input}-${tap}`));
    for await (const [place, unit] of readUnits(run, own)) {
      if (unit !== undefined) onDone(place, unit);
      else onFailed(place, run.failureOf(place.input, place.tap) ?? "its result is gone");
    }
    return news.length;
  };
  await give(units);
  for (let round = 0; ; ) {
    const from = performance.now();
    const { open, lost } = await queue.jobsOf(name);
    if ((await tell()) > 0) round = 0;
    const left = units.filter(({ input, tap }) => !run.isDone(input, tap) && run.failureOf(input, tap) === undefined);
    if (open === 0 && left.length === 0) return;
    if (open === 0 && lost.length > 0) throw givenUp(lost);
    if (open === 0 && ++round > ROUNDS) throw vanished(left.length);
    if (open === 0) await give(left);
    const rest = Math.max(LOOK, 10 * (performance.now() - from));
    await setTimeout(rest, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) throw interrupted();
  }
}

/** Units in jobs of about the same time, tap by tap, so that a worker rarely compiles another one. */
function jobsOf(
  run: string,
  { manifest }: Run,
  units: readonly UnitPlace[],
  seconds: readonly number[],
): QueuedUnits[] {
  return manifest.taps.flatMap((_, tap) => {
    const inputs = units.filter((unit) => unit.tap === tap).map(({ input }) => input);
    const each = unitsOfJob(seconds[tap] ?? JOB_SECONDS, manifest.from.shape);
    const count = Math.ceil(inputs.length / each);
    return Array.from({ length: count }, (_, i) => ({ run, tap, inputs: inputs.slice(i * each, (i + 1) * each) }));
  });
}

/** How many units of so many seconds, with inputs of this shape, are a job. */
export function unitsOfJob(seconds: number, input: Shape): number {
  const most = Math.floor(JOB_BYTES / (4 * sizeOf(input)));
  return Math.max(1, Math.min(most, Math.floor(JOB_SECONDS / seconds)));
}

const interrupted = (): PushforwardError =>
  new PushforwardError("interrupted", {
    what: "The command was interrupted. What is done is stored, and what is left stays in the queue, where workers go on with it.",
    fix: "The same command shows again how far it is.",
  });

const vanished = (left: number): PushforwardError =>
  new PushforwardError("backend-failed", {
    what: `${plural(left, "unit")} left the queue ${ROUNDS} times without a result.`,
    fix: "See what the workers say. The same command enqueues them again.",
  });

function givenUp(lost: readonly { readonly why: string }[]): PushforwardError {
  const reasons = [...new Set(lost.map(({ why }) => why))];
  return new PushforwardError("backend-failed", {
    what: `Workers gave up ${plural(lost.length, "job")}: ${reasons.join("; ")}`,
    fix: "The same command enqueues them again.",
  });
}
