import { setTimeout } from "node:timers/promises";
import type { RunQueue } from "../../platform/node/run-queue.ts";
import { openRun, type Store } from "../../results/index.ts";
import type { RunningUnit } from "../progress/live-state.ts";
import { queuedName } from "./queued-subject.ts";

/** How long a queue that is away is waited for, in milliseconds. */
const PATIENCE = 2000;

/** Which units of runs the workers of a queue compute. */
export class RunningUnits {
  readonly #queue: RunQueue;
  /** The names of runs in the queue, by the places of their stores. */
  readonly #names = new Map<string, string>();

  private constructor(queue: RunQueue) {
    this.#queue = queue;
  }

  /** @throws PushforwardError as `RunQueue.open`. The caller closes it. */
  static async open(address: string): Promise<RunningUnits> {
    const { RunQueue } = await import("../../platform/node/run-queue.ts"); // slow to load
    return new RunningUnits(await RunQueue.open(address, (text) => void process.stderr.write(`note: ${text}\n`)));
  }

  /** Those of a stored run at this moment; none where the run is not there yet, or the queue does not answer. */
  async of(store: Store): Promise<readonly RunningUnit[]> {
    if (!this.#names.has(store.location)) {
      if (!(await store.has("/zarr.json"))) return [];
      this.#names.set(store.location, queuedName(store.location, (await openRun(store)).manifest));
    }
    const asked = this.#queue.jobsOf(this.#names.get(store.location)!);
    const { running } = await Promise.race([asked, setTimeout(PATIENCE, { running: [] }, { ref: false })]);
    return running.map(({ since, ...unit }) => ({ ...unit, since: new Date(since).toISOString() }));
  }

  close(): Promise<void> {
    return this.#queue.close();
  }
}
