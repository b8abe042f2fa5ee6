import { type ChildProcess, fork } from "node:child_process";
import { PushforwardError } from "../../base/index.ts";
import type { Found, Job } from "../../search/index.ts";
import type { SearchSetting } from "./search-laborer.ts";
import type { FromWorker, ToWorker } from "./search-worker.ts";

/** One that does jobs, one at a time. */
interface Hand {
  do(job: Job, report: (found: Found) => Promise<void>, signal?: AbortSignal): Promise<void>;
}

/** Those who do the jobs of a search side by side: this process if it is one, otherwise processes of their own. */
export class Crew {
  readonly #hands: readonly Hand[];
  readonly #processes: readonly WorkerProcess[];

  private constructor(hands: readonly Hand[], processes: readonly WorkerProcess[]) {
    this.#hands = hands;
    this.#processes = processes;
  }

  /**
   * @param own does the jobs if there is to be no process beside this one; the caller closes it
   * @throws PushforwardError as `Laborer.open`
   */
  static async open(own: Hand, setting: SearchSetting, count: number): Promise<Crew> {
    if (count === 1) return new Crew([own], []);
    const processes = await Promise.all(Array.from({ length: count }, () => WorkerProcess.open(setting)));
    return new Crew(processes, processes);
  }

  /**
   * Does jobs, in their order as far as hands are free.
   *
   * @param report is given what is found, one after another
   * @throws PushforwardError of the first job that fails, after the jobs under way; `interrupted` through the signal
   */
  async perform(
    jobs: readonly Job[],
    report: (found: Found, job: Job) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const waiting = [...jobs];
    let failure: unknown;
    let written: Promise<void> = Promise.resolve();
    await Promise.all(
      this.#hands.map(async (hand) => {
        for (let job = waiting.shift(); job !== undefined && failure === undefined; job = waiting.shift()) {
          if (signal.aborted) {
            failure ??= new PushforwardError("interrupted", { what: "The search was interrupted." });
            return;
          }
          const own = job;
          const inTurn = (found: Found) => {
            const turn = written.then(() => report(found, own));
            written = turn.catch((cause: unknown) => {
              failure ??= cause;
            });
            return written;
          };
          await hand.do(own, inTurn, signal).catch((cause: unknown) => {
            failure ??= cause;
          });
        }
      }),
    );
    await written;
    if (failure !== undefined) throw failure;
  }

  async close(): Promise<void> {
    await Promise.all(this.#processes.map((one) => one.close()));
  }
}

/** A process that does jobs. */
class WorkerProcess implements Hand {
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess) {
    this.#process = process;
  }

  static async open(setting: SearchSetting): Promise<WorkerProcess> {
    const program = new URL("./search-worker.js", import.meta.url);
    const worker = new WorkerProcess(
      fork(program, { serialization: "advanced", stdio: ["ignore", "inherit", "inherit", "ipc"] }),
    );
    await worker.#ask({ kind: "open", setting }, async () => undefined);
    return worker;
  }

  async do(job: Job, report: (found: Found) => Promise<void>, signal?: AbortSignal): Promise<void> {
    const stop = () => this.#process.send({ kind: "stop" } satisfies ToWorker);
    signal?.addEventListener("abort", stop);
    try {
      await this.#ask({ kind: "job", job }, report);
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  async close(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.disconnect();
    await ended;
  }

  /** Says something, and waits for the answer. */
  async #ask(message: ToWorker, report: (found: Found) => Promise<void>): Promise<void> {
    const worker = this.#process;
    const reported: Promise<void>[] = [];
    await new Promise<void>((resolve, reject) => {
      const settle = (act: () => void) => {
        worker.off("message", hear);
        worker.off("exit", lose);
        act();
      };
      const hear = (answer: FromWorker) => {
        if (answer.kind === "found") reported.push(report(answer.found));
        else if (answer.kind === "failed") settle(() => reject(errorOf(answer.error)));
        else settle(resolve);
      };
      const lose = (code: number | null, signal: string | null) =>
        settle(() =>
          reject(
            new PushforwardError("backend-failed", {
              what: `A process that trained candidates ended (${signal ?? `exit code ${code}`}).`,
              fix: "The same command goes on. If memory is short, use fewer --jobs.",
            }),
          ),
        );
      worker.on("message", hear);
      worker.once("exit", lose);
      worker.send(message);
    });
    await Promise.all(reported);
  }
}

function errorOf(error: Extract<FromWorker, { kind: "failed" }>["error"]): Error {
  if ("message" in error) return new Error(error.message);
  const { code, what, where, fix } = error;
  return new PushforwardError(code, { what, where, fix });
}
