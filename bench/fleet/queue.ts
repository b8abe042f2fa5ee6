import { setTimeout } from "node:timers/promises";
import { Redis } from "ioredis";
import { QueueWorker, RunQueue } from "../../src/platform/node/run-queue.ts";
import { type RedisServer, startRedis } from "../../test/support/redis.ts";

/** What the queue takes, whatever its jobs do. */
export interface QueueCost {
  /** Milliseconds to enqueue a job, among many. */
  readonly enqueue: number;
  /** Bytes of the server's memory of a job that waits. */
  readonly bytes: number;
  /** Milliseconds of a job of one unit, from the server through the worker to its process and back. */
  readonly job: number;
  /** Milliseconds of each further unit of a job. */
  readonly unit: number;
  /** Milliseconds of the server's processor for them. */
  readonly server: { readonly job: number; readonly unit: number };
  readonly version: string;
}

const UNITS = 5;

/** Measures a worker that has one process, whose jobs do nothing. */
export async function measureQueue(jobs: number): Promise<QueueCost> {
  const redis = await startRedis();
  try {
    const one = await passed(redis, jobs, 1);
    const several = await passed(redis, jobs, UNITS);
    const slope = (of: (cost: Passed) => number) => Math.max(0, (of(several) - of(one)) / (UNITS - 1));
    const [unit, serverUnit] = [slope(({ job }) => job), slope(({ server }) => server)];
    return {
      ...{ enqueue: one.enqueue, bytes: one.bytes, job: one.job, unit, version: one.version },
      server: { job: Math.max(0, one.server - serverUnit), unit: serverUnit },
    };
  } finally {
    await redis.stop();
  }
}

interface Passed extends Pick<QueueCost, "enqueue" | "bytes" | "job" | "version"> {
  /** Milliseconds of the server's processor for a job, with its enqueuing. */
  readonly server: number;
}

async function passed({ address, port }: RedisServer, jobs: number, units: number): Promise<Passed> {
  const run = `no-op-${units}`;
  const redis = new Redis(port, "127.0.0.1");
  const queue = await RunQueue.open(address, () => undefined);
  try {
    const before = await stateOf(redis);
    const began = performance.now();
    await queue.add(jobsOf(run, 0, jobs, units));
    const enqueue = (performance.now() - began) / jobs;
    const waiting = await stateOf(redis);
    const worker = await QueueWorker.open(address, {
      ...{ name: "no-op", jobs: 1, lock: 60, notice: () => undefined },
      program: new URL("./no-op.mjs", import.meta.url),
      environment: process.env,
    });
    await drained(queue, run); // by now the process of the worker has started
    await queue.add(jobsOf(run, 1, jobs, units));
    const added = performance.now();
    await drained(queue, run);
    const job = (performance.now() - added) / jobs;
    const after = await stateOf(redis);
    await worker.close();
    return {
      ...{ enqueue, job, version: after.version },
      bytes: (waiting.memory - before.memory) / jobs,
      server: (1000 * (after.seconds - before.seconds)) / (2 * jobs),
    };
  } finally {
    await queue.close();
    redis.disconnect();
  }
}

const jobsOf = (run: string, tap: number, count: number, units: number) =>
  Array.from({ length: count }, (_, job) => ({
    ...{ run, tap },
    inputs: Array.from({ length: units }, (_, i) => job * units + i),
  }));

/** Waits until a run has no open jobs. */
async function drained(queue: RunQueue, run: string): Promise<void> {
  while ((await queue.jobsOf(run)).open > 0) await setTimeout(50);
}

/** The seconds of processor and the bytes of memory that a server has used. */
async function stateOf(redis: Redis) {
  const info = await redis.info();
  const number = (name: string) => Number(new RegExp(`^${name}:(.+)\r$`, "m").exec(info)?.[1]);
  return {
    seconds: number("used_cpu_user") + number("used_cpu_sys"),
    memory: number("used_memory"),
    version: /^redis_version:(.+)\r$/m.exec(info)?.[1] ?? "unknown",
  };
}
