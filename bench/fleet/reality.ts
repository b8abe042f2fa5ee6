import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { queuedName } from "../../src/apps/cli/queued-subject.ts";
import { DirectoryStore } from "../../src/platform/node/directory-store.ts";
import { RunQueue } from "../../src/platform/node/run-queue.ts";
import { openRun, type Run } from "../../src/results/index.ts";
import { start } from "../../test/apps/command-line.ts";
import { startRedis } from "../../test/support/redis.ts";
import { sharedPath } from "../../test/support/shared.ts";
import { squeezenet } from "../layers.ts";

/** Programs that compute a run side by side. */
export interface Crew {
  readonly workers: number;
  readonly threads: number;
}

/** What is computed: all inputs at each of the taps. */
export interface Work {
  readonly model: string;
  readonly inputs: readonly string[];
  readonly preprocess: string;
  readonly taps: string;
  readonly k: number;
}

/** A run that was computed. Seconds are those of a clock on the wall. */
export interface RealRun {
  readonly units: number;
  /** From the start of the workers until the last unit was stored. */
  readonly wall: number;
  /** Until the first unit was stored. */
  readonly first: number;
  /** Mean seconds of the solves of each tap, and how many units of it are a job. */
  readonly taps: readonly { readonly seconds: number; readonly each: number; readonly units: number }[];
  /** The seconds of each solve over the mean of its tap. */
  readonly spread: readonly number[];
}

const example = (name: string): string => fileURLToPath(new URL(`../../examples/digits/${name}`, import.meta.url));

/** Many small units: all layers of the digits at some of their pictures, 16 at most. */
export async function digits(pictures: number): Promise<Work> {
  const names = (await readdir(example("images"))).sort().slice(0, pictures);
  return {
    ...{ model: example("digits.onnx"), inputs: names.map((name) => example(`images/${name}`)) },
    ...{ preprocess: example("preprocess.json"), taps: "all", k: 40 },
  };
}

/** Few units that take seconds each: one layer of a network at some pictures. */
export async function seconds(pictures: number): Promise<Work> {
  const { model, preset } = squeezenet;
  const names = (await readdir(sharedPath("data", "images"))).sort().slice(0, pictures);
  return {
    ...{ model: sharedPath("data", "models", model), inputs: names.map((name) => sharedPath("data", "images", name)) },
    ...{ preprocess: preset, taps: "fire7.concat", k: 150 },
  };
}

/** Computes a run: with workers of a queue, or without a queue in one command. */
export async function realRun({ model, inputs, preprocess, taps, k }: Work, crew?: Crew): Promise<RealRun> {
  const folder = await mkdtemp(join(tmpdir(), "pushforward-fleet-"));
  const redis = crew && (await startRedis());
  const out = join(folder, "run");
  const command = [
    ...["spectrum", model, ...inputs, "--preprocess", preprocess, "--taps", taps, "-k", `${k}`, "--out", out],
    ...["--threads", `${crew?.threads ?? 1}`],
  ];
  try {
    if (crew === undefined || redis === undefined) {
      const began = Date.now();
      await ended(start(command).outcome);
      return await measured(out, began, 1);
    }
    const enqueuing = start([...command, "--queue", redis.address]);
    const jobs = await jobsIn(redis.address, out);
    const began = Date.now();
    const workers = Array.from({ length: crew.workers }, () =>
      start(["worker", "--queue", redis.address, "--threads", `${crew.threads}`]),
    );
    await ended(enqueuing.outcome);
    for (const { child } of workers) child.kill("SIGTERM");
    for (const { outcome } of workers) await ended(outcome);
    return await measured(out, began, jobs);
  } finally {
    await redis?.stop();
    await rm(folder, { recursive: true });
  }
}

async function ended(outcome: ReturnType<typeof start>["outcome"]): Promise<void> {
  const { code, stderr } = await outcome;
  if (code !== 0) throw new Error(`a command of the run ended with ${code}: ${stderr}`);
}

/** The number of jobs of a run, once they are all in the queue. */
async function jobsIn(address: string, out: string): Promise<number> {
  const queue = await RunQueue.open(address, () => undefined);
  try {
    const store = new DirectoryStore(out);
    for (let before = 0; ; ) {
      const run = await openRun(store).catch(() => undefined);
      const open = run === undefined ? 0 : (await queue.jobsOf(queuedName(store.location, run.manifest))).open;
      if (open > 0 && open === before) return open;
      before = open;
      await setTimeout(100);
    }
  } finally {
    await queue.close();
  }
}

async function measured(out: string, began: number, jobs: number): Promise<RealRun> {
  const run = await openRun(new DirectoryStore(out));
  const { inputs, taps } = run.manifest;
  const done: number[] = [];
  for (const input of inputs.keys()) {
    for (const tap of taps.keys()) done.push((await stat(join(out, "done", "c", `${input}`, `${tap}`))).mtimeMs);
  }
  const seconds = await secondsOf(run);
  const means = seconds.map((all) => all.reduce((sum, value) => sum + value, 0) / all.length);
  return {
    units: inputs.length * taps.length,
    wall: (Math.max(...done) - began) / 1000,
    first: (Math.min(...done) - began) / 1000,
    taps: means.map((mean) => ({
      ...{ seconds: mean, units: inputs.length },
      each: Math.ceil((inputs.length * taps.length) / jobs),
    })),
    spread: seconds.flatMap((all, tap) => all.map((value) => value / means[tap]!)),
  };
}

async function secondsOf(run: Run): Promise<number[][]> {
  return Promise.all(
    run.manifest.taps.map((_, tap) =>
      Promise.all(
        run.manifest.inputs.map(async (_, input) => (await run.readUnit(input, tap, { vectors: false }))!.seconds),
      ),
    ),
  );
}
