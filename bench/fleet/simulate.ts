import { createRng } from "../../src/base/index.ts";

/** The work at one tap. Seconds are those of one worker. */
export interface TapWork {
  readonly units: number;
  /** How many units are a job. */
  readonly each: number;
  /** To compute a unit. */
  readonly seconds: number;
  /** Whether one solve is that of all units of a job, because J does not depend on the input. */
  readonly isShared: boolean;
  /** To compile the tap, at each worker that did another one before. */
  readonly compile: number;
  /** To read the input of a unit and to store its result, as long as the store has room for its requests. */
  readonly store: number;
  /** Requests of a unit. */
  readonly puts: number;
  readonly gets: number;
}

/** Workers that share a run by a queue. They start together. */
export interface Fleet {
  readonly workers: number;
  /** In the order of their jobs. */
  readonly taps: readonly TapWork[];
  /** The seconds of each unit are multiplied by one of these, drawn at random. */
  readonly spread: readonly number[];
  /** Until a worker takes its first job. */
  readonly start: { readonly seconds: number; readonly gets: number };
  /** Seconds of the server, which does one thing at a time. */
  readonly redis: { readonly job: number; readonly unit: number };
  /** Requests that the store answers in a second. More have to wait. */
  readonly rates: { readonly puts: number; readonly gets: number };
}

/** What the time of a worker is spent on; `requests` and `redis` are the time in which it waits for its turn. */
export const parts = ["compute", "compile", "start", "store", "requests", "redis", "idle"] as const;
export type Part = (typeof parts)[number];

export interface Outcome {
  /** Seconds from the start of the workers to the end of the last unit. */
  readonly wall: number;
  /** Seconds of all workers together, whose sum is the wall time times their number. */
  readonly spent: Readonly<Record<Part, number>>;
}

/** What a worker does when its time has come. */
const ASK = 0;
const READ = 1;
const WRITE = 2;

/** Simulates a run event by event: a worker has one event at a time, and that of the earliest one is next. */
export function simulate({ workers, taps, spread, start, redis, rates }: Fleet): Outcome {
  const spent: Record<Part, number> = { compute: 0, compile: 0, start: 0, store: 0, requests: 0, redis: 0, idle: 0 };
  const rng = createRng("fleet", workers);
  const [queue, puts, gets] = [new Server(), new Server(), new Server()];
  const jobs = jobsOf(taps);
  const next = new Uint8Array(workers).fill(ASK);
  const compiled = new Int32Array(workers).fill(-1);
  const current = new Int32Array(workers);
  const left = new Float64Array(workers);
  const compute = (worker: number, isFirst: boolean): number => {
    const { seconds, isShared } = taps[current[worker]!]!;
    const took = isShared && !isFirst ? 0 : seconds * spread[rng.integer(spread.length)]!;
    spent.compute += took;
    return took;
  };
  const waited = (part: Part, from: number, until: number): number => {
    spent[part] += until - from;
    return until;
  };
  const events = new Events(
    Float64Array.from({ length: workers }, () => {
      const answered = waited("requests", 0, gets.serve(0, start.gets / rates.gets));
      spent.start += start.seconds;
      return answered + start.seconds;
    }),
  );
  const ends: number[] = [];
  while (events.size > 0) {
    const { worker, time } = events;
    if (next[worker] === ASK) {
      const job = jobs.next();
      if (job.done) {
        ends.push(time);
        events.remove();
        continue;
      }
      current[worker] = job.value.tap;
      left[worker] = job.value.units;
      next[worker] = READ;
      events.postpone(waited("redis", time, queue.serve(time, redis.job + job.value.units * redis.unit)));
      continue;
    }
    const tap = taps[current[worker]!]!;
    if (next[worker] === READ) {
      const answered = waited("requests", time, gets.serve(time, (left[worker]! * tap.gets) / rates.gets));
      const compile = compiled[worker] === current[worker] ? 0 : tap.compile;
      spent.compile += compile;
      compiled[worker] = current[worker]!;
      next[worker] = WRITE;
      events.postpone(answered + compile + compute(worker, true));
      continue;
    }
    const written = waited("requests", time, puts.serve(time, tap.puts / rates.puts)) + tap.store;
    spent.store += tap.store;
    left[worker]! -= 1;
    if (left[worker] === 0) next[worker] = ASK;
    events.postpone(left[worker] === 0 ? written : written + compute(worker, false));
  }
  const wall = Math.max(...ends);
  spent.idle = ends.reduce((sum, end) => sum + (wall - end), 0);
  return { wall, spent };
}

/** Units in jobs, tap by tap. */
function* jobsOf(taps: readonly TapWork[]): Generator<{ readonly tap: number; readonly units: number }> {
  for (const [tap, { units, each }] of taps.entries()) {
    for (let given = 0; given < units; given += each) yield { tap, units: Math.min(each, units - given) };
  }
}

/** Serves one after the other, in the order in which they come. */
class Server {
  #free = 0;

  /** When it has served one who comes at a time. */
  serve(at: number, seconds: number): number {
    this.#free = Math.max(at, this.#free) + seconds;
    return this.#free;
  }
}

/** The times of the next event of each worker, of which the earliest is at hand: a heap. */
class Events {
  readonly #times: Float64Array;
  readonly #heap: Int32Array;
  size: number;

  constructor(times: Float64Array) {
    this.#times = times;
    this.size = times.length;
    this.#heap = Int32Array.from(times, (_, worker) => worker);
    for (let at = this.size >> 1; at >= 0; at--) this.#sink(at);
  }

  get worker(): number {
    return this.#heap[0]!;
  }

  get time(): number {
    return this.#times[this.worker]!;
  }

  /** The event at hand is over, and the next one of its worker is at this time. */
  postpone(time: number): void {
    this.#times[this.worker] = time;
    this.#sink(0);
  }

  /** The worker of the event at hand has no other. */
  remove(): void {
    this.size -= 1;
    this.#heap[0] = this.#heap[this.size]!;
    this.#sink(0);
  }

  #sink(from: number): void {
    const [heap, times] = [this.#heap, this.#times];
    const worker = heap[from]!;
    let at = from;
    for (let child = 2 * at + 1; child < this.size; child = 2 * at + 1) {
      if (child + 1 < this.size && times[heap[child + 1]!]! < times[heap[child]!]!) child += 1;
      if (times[heap[child]!]! >= times[worker]!) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = worker;
  }
}
