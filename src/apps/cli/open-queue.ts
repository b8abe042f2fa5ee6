import type { RunQueue } from "../../platform/node/run-queue.ts";

/**
 * Opens a queue; standard error says when it goes away and comes back. The caller closes it.
 *
 * @throws PushforwardError as `RunQueue.open`
 */
export async function openQueue(address: string): Promise<RunQueue> {
  const { RunQueue } = await import("../../platform/node/run-queue.ts"); // slow to load
  return RunQueue.open(address, (text) => void process.stderr.write(`note: ${text}\n`));
}
