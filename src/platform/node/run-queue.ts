import { type Job, Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { messageOf, PushforwardError } from "../../base/index.ts";

/** A job: some units of one tap of a run. It has no path and no command. */
export interface QueuedUnits {
  /** The run, by the name under which the queue has its record. */
  readonly run: string;
  readonly tap: number;
  readonly inputs: readonly number[];
}

/** What the queue keeps of a run. */
export interface QueuedRun {
  /** The store, which has all that workers need. */
  readonly store: string;
}

/** What a worker tells of a job when it begins a unit. */
export interface Underway {
  readonly input: number;
  /** The worker's name. */
  readonly worker: string;
  /** When the unit was begun, in milliseconds since 1970 by the worker's clock. */
  readonly since: number;
  /** How often the job had failed when this unit was begun for the first time. */
  readonly failures: number;
  /** The inputs whose units were given up. */
  readonly givenUp: readonly number[];
}

/** A unit that a worker computes at this time. */
interface RunningUnit extends Pick<Underway, "input" | "worker" | "since"> {
  readonly tap: number;
}

/** A job that was given up. */
interface LostJob extends QueuedUnits {
  readonly why: string;
}

/** How far the jobs of a run are. */
export interface JobsOfRun {
  /** How many are waiting or under way. */
  readonly open: number;
  readonly running: readonly RunningUnit[];
  readonly lost: readonly LostJob[];
}

/** The name of the queue, and what stands before the keys of all that is kept on the server. */
const NAME = "units";
const PREFIX = "pushforward";

/** How often a job may fail for each of its units, before it is given up. */
const ATTEMPTS = 5;

/** The states of jobs that are still to be done. */
const OPEN = ["wait", "active", "delayed", "prioritized"] as const;

/** How long the server may take to answer at first. */
const PATIENCE = 5000;

/** Is told that the server does not answer, and that it answers again. */
export type Notice = (text: string) => void;

/**
 * A connection to a server that waits for it as long as it does not answer.
 *
 * @throws PushforwardError `usage` for an address that is none; `queue-unreachable` if there is no server, or it refuses
 */
async function connect(address: string, notice: Notice): Promise<Redis> {
  const shown = withoutPassword(address);
  const { password } = new URL(address);
  const redis = new Redis(address, {
    lazyConnect: true,
    connectTimeout: PATIENCE,
    maxRetriesPerRequest: null,
    retryStrategy: (times) => Math.min(200 * times, 2000),
    ...(password === "" && process.env.REDISCLI_AUTH !== undefined && { password: process.env.REDISCLI_AUTH }),
  });
  let failure: unknown;
  const keep = (cause: unknown) => {
    failure = cause;
  };
  redis.on("error", keep);
  try {
    await redis.connect();
    await redis.ping();
  } catch (cause) {
    redis.disconnect();
    throw new PushforwardError("queue-unreachable", {
      what: `The queue does not answer: ${messageOf(failure ?? cause)}.`,
      where: { file: shown },
      fix: "Start a Redis server there, or mend the address: redis://[:PASSWORD@]HOST[:PORT]. A password can also be given in REDISCLI_AUTH.",
      cause,
    });
  }
  let isAway = false;
  redis.on("close", () => {
    if (redis.status === "end" || isAway) return;
    isAway = true;
    notice(`the queue at ${shown} does not answer; this command waits for it`);
  });
  redis.on("ready", () => {
    if (isAway) notice(`the queue at ${shown} answers again`);
    isAway = false;
  });
  return redis;
}

/** An address as it may be printed. */
export function withoutPassword(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !["redis:", "rediss:"].includes(url.protocol)) {
    throw new PushforwardError("usage", {
      what: `"${address}" is not the address of a queue.`,
      where: { option: "--queue" },
      fix: "Give that of a Redis server: redis://HOST:6379, or rediss:// with TLS.",
    });
  }
  url.password = "";
  url.username = "";
  return url.href;
}

/** The queue of all runs on a server, as those see it who give it work and ask how far it is. */
export class RunQueue {
  readonly #redis: Redis;
  readonly #queue: Queue<QueuedUnits>;

  private constructor(redis: Redis) {
    this.#redis = redis;
    this.#queue = new Queue(NAME, { connection: redis, prefix: PREFIX });
    this.#queue.on("error", () => undefined); // the connection tells it
  }

  /** @throws PushforwardError as `connect`. The caller closes it. */
  static async open(address: string, notice: Notice): Promise<RunQueue> {
    return new RunQueue(await connect(address, notice));
  }

  async keepRun(run: string, record: QueuedRun): Promise<void> {
    await this.#redis.set(`${PREFIX}:run:${run}`, JSON.stringify(record));
  }

  /** @throws PushforwardError `store-mismatch` if the queue does not know the run */
  async readRun(run: string): Promise<QueuedRun> {
    const text = await this.#redis.get(`${PREFIX}:run:${run}`);
    if (text !== null) return JSON.parse(text) as QueuedRun; // written by `keepRun`
    throw new PushforwardError("store-mismatch", {
      what: `The queue has units of the run ${run}, and no record of it.`,
      fix: "Give the command that enqueued the run once more.",
    });
  }

  /** Adds jobs. Those that are waiting or under way already stay as they are. What was given up of these runs before is forgotten. */
  async add(jobs: readonly QueuedUnits[]): Promise<void> {
    const runs = new Set(jobs.map(({ run }) => run));
    for (const job of await this.#queue.getJobs(["failed"])) if (runs.has(job.data.run)) await job.remove();
    await this.#queue.addBulk(
      jobs.map((data) => ({
        name: NAME,
        data,
        opts: { jobId: idOf(data), attempts: ATTEMPTS * (data.inputs.length + 1), removeOnComplete: true },
      })),
    );
  }

  async jobsOf(run: string): Promise<JobsOfRun> {
    const own = ({ data }: Job<QueuedUnits>) => data.run === run;
    const open = await this.#queue.getRanges([...OPEN]);
    const active = (await this.#queue.getJobs(["active"])).filter(own);
    const failed = (await this.#queue.getJobs(["failed"])).filter(own);
    return {
      open: open.filter((id) => id.startsWith(`${run}-`)).length,
      running: active.flatMap(({ data: { tap }, progress }) => {
        const { input, worker, since } = progress as Partial<Underway>; // written by a worker; 0 before
        return input === undefined || worker === undefined || since === undefined
          ? []
          : [{ input, tap, worker, since }];
      }),
      lost: failed.map(({ data, failedReason }) => ({ ...data, why: failedReason })),
    };
  }

  async close(): Promise<void> {
    await this.#queue.close();
    this.#redis.disconnect();
  }
}

const idOf = ({ run, tap, inputs }: QueuedUnits): string => `${run}-${tap}-${inputs[0]}-${inputs.length}`;

/** What is done with the jobs of a queue. */
export interface WorkerOptions {
  readonly name: string;
  /** How many jobs are done side by side, each in a process of its own. */
  readonly jobs: number;
  /** The module that such a process loads, whose default export does a job. */
  readonly program: URL;
  /** The environment of these processes. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The seconds after which the jobs of a worker that gives no sign of life are given to others. */
  readonly lock: number;
  readonly notice: Notice;
}

/**
 * Takes jobs of a queue until `close`.
 *
 * Jobs are done by child processes, because a worker whose own thread is busy loses its jobs to others, which begin them again.
 */
export class QueueWorker {
  readonly #worker: Worker<QueuedUnits>;
  readonly #redis: Redis;

  private constructor(redis: Redis, { name, jobs, program, environment, lock, notice }: WorkerOptions) {
    this.#redis = redis;
    this.#worker = new Worker(NAME, program, {
      connection: redis,
      prefix: PREFIX,
      name,
      concurrency: jobs,
      lockDuration: 1000 * lock,
      stalledInterval: 500 * lock,
      // Machines may be taken away many times; what ends processes by itself is counted unit by unit.
      maxStalledCount: 1000,
      useWorkerThreads: false,
      workerForkOptions: { env: environment as NodeJS.ProcessEnv },
    });
    this.#worker.on("error", () => undefined); // the connection tells it
    this.#worker.on("failed", (_, { message }) => notice(`units are tried again, because of this: ${message}`));
  }

  /** @throws PushforwardError as `RunQueue.open` */
  static async open(address: string, options: WorkerOptions): Promise<QueueWorker> {
    return new QueueWorker(await connect(address, options.notice), options);
  }

  /** Gives back the jobs under way, after the step that is being computed, and takes no more. */
  async close(): Promise<void> {
    const closed = this.#worker.close();
    this.#worker.cancelAllJobs("the worker ends");
    await closed;
    this.#redis.disconnect();
  }
}

/** A job as the process that does it sees it. */
export interface JobUnderway {
  readonly data: QueuedUnits;
  readonly attemptsMade: number;
  readonly failedReason?: string;
  readonly progress: unknown;
  updateProgress(progress: Underway | Record<string, never>): Promise<void>;
  moveToWait(token?: string): Promise<void>;
}

/** Gives a job back to the queue, for others to do what is left of it. Throws what says so to the queue. */
export async function giveBack(job: JobUnderway, token: string): Promise<never> {
  await job.updateProgress({});
  await job.moveToWait(token);
  const error = new Error("The job was given back.");
  error.name = "WaitingError";
  throw error;
}
