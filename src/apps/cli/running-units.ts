import { formatSeconds, printable } from "../../base/index.ts";
import { openStore } from "../../platform/node/open-store.ts";
import { openRun } from "../../results/index.ts";
import { queuedName } from "./queued-subject.ts";

/** A unit of a run that a worker computes. */
interface RunningPart {
  readonly input: string;
  readonly tap: string;
  readonly worker: string;
  /** Seconds, by the clocks of the worker and of this computer. */
  readonly runningFor: number;
}

/**
 * The units of a stored run that workers of a queue compute at this time.
 *
 * @throws PushforwardError as `openRun` and `RunQueue.open`
 */
export async function runningOf(location: string, address: string): Promise<RunningPart[]> {
  const store = openStore(location);
  const { manifest } = await openRun(store);
  const { RunQueue } = await import("../../platform/node/run-queue.ts"); // slow to load
  const queue = await RunQueue.open(address, (text) => void process.stderr.write(`note: ${text}\n`));
  const { running } = await queue.jobsOf(queuedName(store.location, manifest)).finally(() => queue.close());
  return running.map(({ input, tap, worker, since }) => ({
    input: manifest.inputs[input]!.name,
    tap: manifest.taps[tap]!.name,
    worker,
    runningFor: Math.max(0, (Date.now() - since) / 1000),
  }));
}

export const toldRunning = ({ input, tap, worker, runningFor }: RunningPart): string =>
  `${printable(`${worker} computes ${input} → ${tap}, for ${formatSeconds(runningFor)} so far`)}\n`;
