import { setTimeout as delay } from "node:timers/promises";
import { queuedName } from "../../src/apps/cli/queued-subject.ts";
import { writeModel } from "../../src/onnx/index.ts";
import { DirectoryStore } from "../../src/platform/node/directory-store.ts";
import { RunQueue } from "../../src/platform/node/run-queue.ts";
import { openRun } from "../../src/results/index.ts";
import { type Running, start } from "../apps/command-line.ts";
import { convnet } from "../apps/networks.ts";
import { createWorkplace, randomNpy } from "../apps/workplace.ts";
import { childrenOf, kill } from "../support/processes.ts";
import { startRedis } from "../support/redis.ts";
import type { Outcome } from "./outcome.ts";

/** Seconds for a process to start, and to open the network. */
const START = 5;

/**
 * A worker is killed while it computes a unit. Another must begin the unit again when the lock has ended, and it has looked for such units once:
 * it looks twice in the time of a lock.
 *
 * @param lock seconds
 */
export async function recovery({ lock }: { readonly lock: number }): Promise<Outcome> {
  const place = await createWorkplace({
    "net.onnx": writeModel(convnet({ size: 24 })),
    "a.npy": randomNpy([1, 24, 24]),
  });
  const redis = await startRedis();
  const queue = await RunQueue.open(redis.address, () => undefined);
  const begun: Running[] = [];
  try {
    const worker = () => {
      const one = start(["worker", "--queue", redis.address, "--threads", "1", "--lock", `${lock}`], { cwd: "/" });
      begun.push(one);
      return one;
    };
    const command = ["spectrum", "net.onnx", "a.npy", "--taps", "conv1", "--out", "run", "--queue", redis.address];
    const whole = start(command, { cwd: place.folder });
    const first = worker();
    begun.push(whole);
    const store = new DirectoryStore(place.path("run"));
    while ((await openRun(store).catch(() => undefined)) === undefined) await delay(20);
    const name = queuedName(store.location, (await openRun(store)).manifest);
    const workerOf = async () => (await queue.jobsOf(name)).running[0]?.worker;
    let lost = await workerOf();
    for (; lost === undefined; lost = await workerOf()) await delay(1);
    for (const pid of [...childrenOf(first.child.pid!), first.child.pid!]) kill(pid);
    const from = performance.now();
    worker();
    const faults: string[] = [];
    for (let now = await workerOf(); now === lost; now = await workerOf()) await delay(5);
    const seconds = (performance.now() - from) / 1000;
    if (seconds > 1.5 * lock + START) faults.push(`${seconds.toFixed(1)} s are more than ${1.5 * lock + START} s`);
    const { code } = await whole.outcome;
    if (code !== 0) faults.push(`the command exited with ${code}`);
    return {
      about: `a unit of a lost worker is begun again after ${seconds.toFixed(1)} s, with a lock of ${lock} s`,
      faults,
    };
  } finally {
    for (const { child } of begun) for (const pid of [...childrenOf(child.pid!), child.pid!]) kill(pid);
    await queue.close();
    await redis.stop();
    await place.remove();
  }
}
