import { PushforwardError } from "../../../base/index.ts";
import type { EngineError } from "./answers.ts";
import type {
  AnswerOf,
  FromEngine,
  GivenFile,
  PartialOf,
  Progress,
  RequestKind,
  RequestOf,
  ToEngine,
} from "./protocol.ts";

/** What the client needs of a worker. A `Worker` is one. */
export interface EngineWorker {
  postMessage(message: ToEngine): void;
  onmessage: ((event: { readonly data: FromEngine }) => unknown) | null;
  /** Called if the worker ends by an error of its own, for example because it cannot be loaded. */
  onerror: ((event: { readonly message?: string }) => unknown) | null;
  terminate(): unknown;
}

/**
 * `ready`: requests are answered. `finishing`: they are answered when something that was cancelled has ended, such as the compilation of
 * a graph, which cannot be stopped. `lost`: the worker has ended, and with it the network, the pictures and all handles; `restart` begins
 * again. `short`: memory was not enough for the last request; others may still be answered.
 */
export type EngineState =
  | { readonly kind: "ready" | "finishing" }
  | { readonly kind: "lost" | "short"; readonly what: string; readonly fix: string };

export interface AskOptions<K extends RequestKind> {
  /** Cancels the request: it ends with the error `interrupted`, at once for the page even if the engine does not hear it yet. */
  readonly signal?: AbortSignal;
  readonly onPartial?: (partial: PartialOf<K>) => void;
  readonly onProgress?: (progress: Progress) => void;
}

interface Pending {
  readonly partial: (partial: PartialOf<RequestKind>) => void;
  readonly progress: (progress: Progress) => void;
  readonly resolve: (answer: AnswerOf<RequestKind>) => void;
  readonly reject: (error: PushforwardError) => void;
}

/** A cancelled request that the engine has not ended after so long is given up: what still comes of it is dropped. In milliseconds. */
const GIVEN_UP_AFTER = 250;
/** A cancelled request that is not heard for so long has a worker that hangs. In milliseconds. */
const HANGS_AFTER = 20_000;
/** What the page does about a worker that was lost. */
const STAYS = "What is computed stays, and the next request opens the network again.";

/** Asks the engine in its worker. */
export class EngineClient {
  readonly #start: () => EngineWorker;
  readonly #onState: (state: EngineState) => void;
  readonly #pending = new Map<number, Pending>();
  /** Requests that were cancelled, and that the engine has not ended yet. */
  readonly #givenUp = new Set<number>();
  #worker: EngineWorker;
  #workers = 0;
  #next = 1;
  #state: EngineState = { kind: "ready" };

  /** @param start makes a worker, also after one was lost: `() => new Worker(new URL("./worker.ts", import.meta.url), { type: "module" })` */
  constructor(start: () => EngineWorker, onState: (state: EngineState) => void = () => {}) {
    this.#start = start;
    this.#onState = onState;
    this.#worker = this.#begun();
  }

  get state(): EngineState {
    return this.#state;
  }

  /** How many workers were started: what was opened in another one than the last is gone. */
  get workers(): number {
    return this.#workers;
  }

  /**
   * The answer to a request.
   *
   * @throws PushforwardError that of the engine; `interrupted` if it was cancelled or superseded by a newer one; `backend-failed` if the
   * worker is lost
   */
  ask<K extends RequestKind>(kind: K, body: RequestOf<K>, options: AskOptions<K> = {}): Promise<AnswerOf<K>> {
    const { signal, onPartial, onProgress } = options;
    if (this.#state.kind === "lost") return Promise.reject(lostError(this.#state));
    if (signal?.aborted) return Promise.reject(cancelledError());
    const id = this.#next++;
    return new Promise<AnswerOf<K>>((resolve, reject) => {
      const cancel = () => this.#cancel(id);
      const settled = () => signal?.removeEventListener("abort", cancel);
      this.#pending.set(id, {
        partial: (partial) => onPartial?.(partial as PartialOf<K>),
        progress: (progress) => onProgress?.(progress),
        resolve: (answer) => {
          settled();
          resolve(answer as AnswerOf<K>);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      });
      signal?.addEventListener("abort", cancel);
      this.#worker.postMessage({ id, kind, body } as ToEngine);
    });
  }

  /** Ends the worker, if it still runs, and starts another. What was asked ends with an error; the network has to be opened again. */
  restart(): void {
    this.#end({ what: "The worker was started again.", fix: "Open the network again." });
    this.#worker = this.#begun();
    this.#enter({ kind: "ready" });
  }

  /** Ends the worker for good. */
  close(): void {
    this.#end({ what: "The explorer was closed.", fix: "Load the page again." });
  }

  #begun(): EngineWorker {
    this.#workers++;
    const worker = this.#start();
    worker.onmessage = ({ data }) => this.#hear(data);
    worker.onerror = ({ message }) =>
      this.#end({
        what: `The worker that computes has ended${message ? `: ${message.replace(/\.$/, "")}` : ""}.`,
        fix: `${STAYS} If that repeats, close other tabs, or use a smaller network.`,
      });
    return worker;
  }

  #cancel(id: number): void {
    this.#worker.postMessage({ cancel: id });
    setTimeout(() => {
      const pending = this.#pending.get(id);
      if (pending === undefined) return;
      this.#pending.delete(id);
      this.#givenUp.add(id);
      if (this.#state.kind === "ready") this.#enter({ kind: "finishing" });
      pending.reject(cancelledError());
    }, GIVEN_UP_AFTER);
    setTimeout(() => {
      if (!this.#givenUp.has(id)) return;
      this.#end({
        what: `The worker has not answered for ${HANGS_AFTER / 1000} seconds.`,
        fix: STAYS,
      });
    }, HANGS_AFTER);
  }

  #hear(message: FromEngine): void {
    if ("lock" in message) return;
    if (this.#givenUp.has(message.id)) this.#drop(message);
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return;
    if ("progress" in message) pending.progress(message.progress);
    else if ("partial" in message) pending.partial(message.partial);
    else {
      this.#pending.delete(message.id);
      this.#finish(pending, message);
    }
  }

  /** Nobody waits for it any more, but when it ends, others have their turn. */
  #drop(message: Exclude<FromEngine, { lock: string }>): void {
    if (!("answer" in message || "error" in message)) return;
    this.#givenUp.delete(message.id);
    if (this.#givenUp.size === 0 && this.#state.kind === "finishing") this.#enter({ kind: "ready" });
  }

  #finish({ resolve, reject }: Pending, message: Extract<FromEngine, { answer: unknown } | { error: unknown }>): void {
    if ("answer" in message) {
      if (this.#state.kind === "short") this.#enter({ kind: "ready" });
      resolve(message.answer);
      return;
    }
    const error = errorFrom(message.error);
    if (error.code === "memory-short") this.#enter({ kind: "short", what: error.what, fix: error.fix ?? "" });
    reject(error);
  }

  #end(why: { readonly what: string; readonly fix: string }): void {
    this.#worker.onmessage = null;
    this.#worker.onerror = null;
    this.#worker.terminate();
    const state = { kind: "lost", ...why } as const;
    this.#enter(state);
    for (const { reject } of this.#pending.values()) reject(lostError(state));
    this.#pending.clear();
    this.#givenUp.clear();
  }

  #enter(state: EngineState): void {
    this.#state = state;
    this.#onState(state);
  }
}

/** Files of a page as requests take them, with the folders that were dropped. */
export function givenFiles(
  files: Iterable<Blob & { readonly name: string; readonly webkitRelativePath?: string }>,
): GivenFile[] {
  return Array.from(files, (file) => ({ name: file.webkitRelativePath || file.name, content: file }));
}

function errorFrom({ code, ...parts }: EngineError): PushforwardError {
  return new PushforwardError(code, parts);
}

const lostError = ({ what, fix }: { readonly what: string; readonly fix: string }) =>
  new PushforwardError("backend-failed", { what, fix });

const cancelledError = () => new PushforwardError("interrupted", { what: "The request was cancelled." });
