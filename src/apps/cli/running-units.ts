import { setTimeout } from "node:timers/promises";
import type { RunQueue } from "../../platform/node/run-queue.ts";
import type { RunManifest, Store } from "../../results/index.ts";
import type { RunningUnit } from "../progress/live-state.ts";
import { queuedName } from "./queued-subject.ts";

/** How long a queue that is away is waited for, in milliseconds. */
const PATIENCE = 2000;

/** The units of a stored run that the workers of a queue compute at this moment; none if the queue does not answer. */
export async function runningUnits(
  queue: RunQueue,
  { location }: Pick<Store, "location">,
  manifest: RunManifest,
): Promise<readonly RunningUnit[]> {
  const asked = queue.jobsOf(queuedName(location, manifest));
  const { running } = await Promise.race([asked, setTimeout(PATIENCE, { running: [] }, { ref: false })]);
  return running.map(({ since, ...unit }) => ({ ...unit, since: new Date(since).toISOString() }));
}
