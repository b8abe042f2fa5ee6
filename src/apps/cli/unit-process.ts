// A process that computes units of runs for a worker, and ends with it.
import { setTimeout } from "node:timers/promises";
import { printable } from "../../base/index.ts";
import { giveBack, type JobUnderway, type Underway } from "../../platform/node/run-queue.ts";
import { reasonOf, spectrum } from "../../studies/index.ts";
import { describeUnit } from "./describe-unit.ts";
import { QueuedSubject } from "./queued-subject.ts";
import { readSetting } from "./worker-setting.ts";

// Without its worker, nobody hears of what this process finds, and its units are given to others.
process.once("disconnect", () => process.kill(process.pid, "SIGKILL"));

/** How often a process may end while it computes a unit, before that is given up. */
const TRIES = 5;

/** The milliseconds after which a run that cannot be opened is tried again, by this process or another. */
const REST = 2000;

const setting = readSetting();
let subject: QueuedSubject | undefined;

/** Computes what of a job is not done. */
export default async function compute(job: JobUnderway, token: string, signal: AbortSignal): Promise<void> {
  const { data, attemptsMade } = job;
  const opened = await open(data.run, data.inputs);
  const { run, network } = opened;
  const isDone = async (input: number, tap: number) =>
    run.isDone(input, tap) || (await run.readUnit(input, tap, { vectors: false })) !== undefined;
  const name = (input: number) =>
    printable(`${run.manifest.inputs[input]!.name} → ${run.manifest.taps[data.tap]!.name}`);

  const before = job.progress as Partial<Underway>; // as `onStart` below tells it; 0 at first
  const givenUp = new Set(before.givenUp);
  const ended = before.input === undefined ? 0 : attemptsMade - before.failures!;
  if (ended >= TRIES && !(await isDone(before.input!, data.tap))) {
    givenUp.add(before.input!);
    await run.failUnit(before.input!, data.tap, `its process ended ${ended} times: ${job.failedReason}`);
  }
  const wanted: number[] = [];
  for (const input of data.inputs) if (!givenUp.has(input) && !(await isDone(input, data.tap))) wanted.push(input);
  const store = {
    manifest: run.manifest,
    isDone,
    writeUnit: run.writeUnit.bind(run),
    failUnit: run.failUnit.bind(run),
  };
  await spectrum(store, network, await opened.points(wanted), {
    signal,
    only: (_, tap) => tap === data.tap,
    onStart: (input) =>
      job.updateProgress({
        input,
        worker: setting.name,
        since: Date.now(),
        failures: before.input === input ? before.failures! : attemptsMade,
        givenUp: [...givenUp],
      }),
    onUnit: (input, _, unit) => void process.stderr.write(`${name(input)}: ${describeUnit(unit)}\n`),
    onFailure: (input, _, cause) => void process.stderr.write(`${name(input)} failed: ${reasonOf(cause)}\n`),
  }).catch((cause: unknown) => {
    if (signal.aborted) return giveBack(job, token);
    throw cause;
  });
}

/** The run of a job, which stays open for the next one. */
async function open(run: string, inputs: readonly number[]): Promise<QueuedSubject> {
  if (subject?.has(run, inputs)) return subject;
  try {
    await subject?.close();
    subject = undefined;
    subject = await QueuedSubject.open(run, setting);
    return subject;
  } catch (cause) {
    await setTimeout(REST);
    throw cause;
  }
}
