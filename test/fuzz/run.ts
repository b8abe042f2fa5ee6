import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Kind } from "./seeds.ts";
import type { Fault, Said, Task } from "./worker.ts";

/** What happened to the mutants of one kind. */
export interface Tally {
  readonly kind: Kind;
  mutants: number;
  seconds: number;
  /** How many were read, or refused, by the code of the error. */
  readonly outcomes: Map<string, number>;
  readonly faults: Fault[];
}

export interface FuzzOptions {
  readonly seed: number;
  /** Also makes mutants of the models in the shared folder. */
  readonly withShared: boolean;
  /** Is told after each task. */
  readonly onProgress?: (tally: Tally) => void;
  readonly onFault?: (tally: Tally, fault: Fault) => void;
}

const worker = fileURLToPath(new URL("worker.ts", import.meta.url));

/** A mutant that takes more seconds hangs; the memory that one may add, in bytes, and at which the process is ended. */
const [PATIENCE, MEMORY, MOST_MEMORY] = [10, 1.5 * 2 ** 30, 4 * 2 ** 30];
const TASK = 500;
/** Starting the process and making its seeds takes longer than a mutant, in seconds. */
const START = 120;

/** When a mutant began: the time, and the seconds that the process had computed; undefined before the first. */
interface Clock {
  readonly wall: number;
  readonly used: number | undefined;
}

/** Reads mutants in a process of its own, which is watched, and started again where one of them ends it. */
export class Fuzzer {
  readonly #options: FuzzOptions;
  #child: ChildProcess | undefined;

  constructor(options: FuzzOptions) {
    this.#options = options;
  }

  /** Reads so many mutants of a kind, from one on. */
  async run(kind: Kind, count: number, from = 0): Promise<Tally> {
    const tally: Tally = { kind, mutants: 0, seconds: 0, outcomes: new Map(), faults: [] };
    const { onProgress, onFault, seed, withShared } = this.#options;
    const started = performance.now();
    const add = (said: Extract<Said, { done: unknown }>) => {
      for (const [name, times] of Object.entries(said.done)) {
        tally.outcomes.set(name, (tally.outcomes.get(name) ?? 0) + times);
        tally.mutants += times;
      }
      for (const fault of said.faults) {
        tally.faults.push(fault);
        onFault?.(tally, fault);
      }
    };
    const end = from + count;
    let suspect: number | undefined;
    for (let next = from; next < end; ) {
      // What came before a suspect is read again, and then the suspect alone: only what happens again is its fault.
      const size = suspect === undefined ? Math.min(TASK, end - next) : Math.max(1, suspect - next);
      const ended = await this.#ask({ kind, seed, from: next, count: size, withShared, memory: MEMORY });
      if (!("done" in ended) && size > 1) {
        suspect = ended.index;
        continue;
      }
      add("done" in ended ? ended : { done: { fault: 1 }, faults: [ended] });
      next += size;
      if (suspect !== undefined && next > suspect) suspect = undefined;
      tally.seconds = (performance.now() - started) / 1000;
      onProgress?.(tally);
    }
    return tally;
  }

  /** What the process says at the end of a task; the mutant that it did not survive otherwise. */
  async #ask(task: Task): Promise<Extract<Said, { done: unknown }> | Fault> {
    this.#child ??= fork(worker, {
      execArgv: ["--import", "tsx", "--max-old-space-size=2048"],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    const child = this.#child;
    let told = "";
    const listen = (text: Buffer) => {
      told = (told + text.toString("utf8")).slice(-2000);
    };
    child.stderr!.on("data", listen);
    const watch = new AbortController();
    let index = task.from;
    let reason: string | undefined;
    let began: Clock = { wall: performance.now(), used: undefined };
    const kill = (why: string) => {
      reason = why;
      child.kill("SIGKILL");
    };
    const timer = setInterval(() => {
      const used = secondsUsed(child);
      const wall = (performance.now() - began.wall) / 1000;
      // Seconds of the processor, where the system tells them: other programs may keep it busy.
      const isLate =
        began.used === undefined ? wall > START : used === undefined ? wall > PATIENCE : used - began.used > PATIENCE;
      if (isLate || wall > START) kill(`took longer than ${PATIENCE} s`);
      if (memoryOf(child) > MOST_MEMORY) kill(`took more than ${MOST_MEMORY / 2 ** 30} GB of memory`);
    }, 50);
    try {
      const finished = new Promise<Extract<Said, { done: unknown }>>((resolve) => {
        const hear = (said: Said) => {
          began = { wall: performance.now(), used: secondsUsed(child) ?? 0 };
          if ("begins" in said) index = said.begins;
          else resolve(said);
        };
        child.on("message", hear);
        watch.signal.addEventListener("abort", () => child.off("message", hear));
      });
      child.send(task);
      const exit = once(child, "exit", { signal: watch.signal }).then(([code, signal]): Fault => {
        this.#child = undefined;
        return { index, what: reason ?? `ended the process (${signal ?? `code ${code}`}): ${told}` };
      });
      return await Promise.race([finished, exit.catch(() => finished)]);
    } finally {
      clearInterval(timer);
      watch.abort();
      child.stderr!.off("data", listen);
    }
  }

  async close(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    child.disconnect();
    await once(child, "exit");
  }
}

/** The memory that a process uses, where the system tells it in a file. */
function memoryOf({ pid }: ChildProcess): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * 4096;
  } catch {
    return 0;
  }
}

/** The seconds that a process has computed; undefined where the system does not tell them in a file. */
function secondsUsed({ pid }: ChildProcess): number | undefined {
  try {
    // The name of the program stands in brackets. The system counts in hundredths of a second.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return undefined;
  }
}
