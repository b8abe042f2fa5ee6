import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createRng, PushforwardError } from "../../src/base/index.ts";
import { writeModel } from "../../src/onnx/index.ts";
import { DirectoryStore } from "../../src/platform/node/directory-store.ts";
import { openRun } from "../../src/results/index.ts";
import { pushforward, type Running, start } from "../apps/command-line.ts";
import { convnet } from "../apps/networks.ts";
import { besideNumbers, createWorkplace, differences, randomNpy } from "../apps/workplace.ts";
import { childrenOf, isAlive, kill } from "../support/processes.ts";
import { startRedis } from "../support/redis.ts";
import type { Outcome } from "./outcome.ts";

const SIZE = 16;
const TAPS = ["conv1", "pool1", "conv2", "logits"];

export interface KillsOptions {
  /** Units of the run, a multiple of 4. */
  readonly units: number;
  readonly workers: number;
  /** How often a worker, its process for units, or both are killed. */
  readonly kills: number;
  readonly seed: number;
}

/**
 * A run is given to a queue, and its workers, or their processes, or both, are killed at random; the server too, once. Every second worker
 * has a clock that jumps. In the end all units must be done, with the bytes of a single process; a unit that was done must stay done; the store must open at every
 * instant; no unit may be computed more often than once and once more for each kill; and no process may be left behind.
 */
export async function kills({ units, workers, kills: count, seed }: KillsOptions): Promise<Outcome> {
  const rng = createRng(seed, "kills");
  const place = await createWorkplace({ "net.onnx": writeModel(convnet({ size: SIZE })) });
  const redis = await startRedis();
  const faults: string[] = [];
  const begun: Running[] = [];
  const orphans: number[] = [];
  let computed = 0;
  try {
    const inputs = Array.from({ length: units / TAPS.length }, (_, i) => `${i}.npy`);
    for (const [i, name] of inputs.entries()) await place.put(name, randomNpy([1, SIZE, SIZE], i));
    const command = ["spectrum", "net.onnx", ...inputs, "--taps", TAPS.join(","), "-k", "20", "--threads", "1"];
    const { code } = await pushforward([...command, "--out", "alone"], { cwd: place.folder });
    if (code !== 0) faults.push(`the single process exited with ${code}`);

    const clock = pathToFileURL(fileURLToPath(new URL("./jumping-clock.mjs", import.meta.url))).href;
    const worker = (number: number): Running => {
      const env: Record<string, string> = number % 2 === 0 ? {} : { NODE_OPTIONS: `--import ${clock}` };
      const one = start(["worker", "--queue", redis.address, "--threads", "1", "--lock", "2"], { cwd: "/", env });
      begun.push(one);
      void one.outcome.then(({ stderr }) => {
        computed += (stderr.match(/certified/g) ?? []).length;
      });
      return one;
    };
    const whole = start([...command, "--out", "run", "--queue", redis.address], { cwd: place.folder });
    begun.push(whole);
    let over = false;
    void whole.outcome.then(() => {
      over = true;
    });
    const crew = Array.from({ length: workers }, (_, i) => worker(i));

    const store = new DirectoryStore(place.path("run"));
    const done = new Set<string>();
    const look = async () => {
      try {
        const run = await openRun(store);
        const now = run.manifest.inputs.flatMap((_, input) =>
          run.manifest.taps.flatMap((_tap, tap) => (run.isDone(input, tap) ? [`${input} ${tap}`] : [])),
        );
        for (const unit of done) if (!now.includes(unit)) faults.push(`the unit ${unit} was done, and is not any more`);
        for (const unit of now) done.add(unit);
      } catch (cause) {
        const isEarly = cause instanceof PushforwardError && cause.what === "There is no run here.";
        if (!isEarly || done.size > 0) faults.push(`the store does not open: ${cause}`);
      }
    };
    let killed = 0;
    for (; !over; await look()) {
      // Kills are spread over the run by what is done, so that a faster machine sees as many.
      await delay(rng.uniform() * 50);
      const due = ((killed + 1) * units) / (count + 1);
      if (killed === count || done.size < due) continue;
      const which = rng.integer(workers);
      const { pid } = crew[which]!.child;
      const children = childrenOf(pid!);
      const kind = rng.integer(3);
      if (kind !== 0) for (const child of children) kill(child);
      if (kind !== 1) {
        kill(pid!);
        orphans.push(...children);
        crew[which] = worker(rng.integer(2));
      }
      killed++;
      if (killed === Math.ceil(count / 2)) {
        await redis.kill();
        await delay(200);
        await redis.start();
      }
    }
    const { code: ended, stderr } = await whole.outcome;
    if (ended !== 0) faults.push(`the command exited with ${ended}: ${stderr.slice(-500)}`);
    for (const { shown } of crew) await shown(/waits for units/g, 1); // One may have been started just now.
    const left = crew.flatMap(({ child }) => [child.pid!, ...childrenOf(child.pid!)]);
    for (const { child } of crew) child.kill("SIGTERM");
    for (const { outcome } of crew) {
      const { code: last } = await outcome;
      if (last !== 0) faults.push(`a worker exited with ${last} after SIGTERM`);
    }
    await delay(200);
    for (const pid of [...left, ...orphans]) if (isAlive(pid)) faults.push(`the process ${pid} is left behind`);
    for (const file of await differences(place, "alone", "run", besideNumbers)) faults.push(`${file} differs`);
    await Promise.all(begun.map(({ outcome }) => outcome));
    if (computed > units + killed) faults.push(`${computed} computations of ${units} units with ${killed} kills`);
    return {
      about: `${units} units, ${workers} workers, ${killed} of ${count} kills before the end, ${computed} computations`,
      faults,
    };
  } finally {
    for (const { child } of begun) for (const pid of [...childrenOf(child.pid!), child.pid!]) kill(pid);
    await redis.stop();
    await place.remove();
  }
}
