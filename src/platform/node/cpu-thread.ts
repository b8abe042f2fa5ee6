import { Worker } from "node:worker_threads";
import type { Count, Entries, Read, Task } from "./cpu-messages.ts";

interface Reply {
  readonly call: number;
  readonly result?: unknown;
  readonly failure?: string;
}

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly reject: (cause: Error) => void;
}

/** The thread in which ONNX Runtime computes on the CPU. All backends of a process share it. It keeps no process alive. */
class CpuThread {
  readonly #worker = new Worker(new URL("./cpu-worker.mjs", import.meta.url));
  readonly #waiting = new Map<number, Waiting>();
  #calls = 0;

  constructor() {
    this.#worker.unref();
    this.#worker.on("message", ({ call, result, failure }: Reply) => {
      const { resolve, reject } = this.#waiting.get(call)!;
      this.#done(call);
      if (failure === undefined) resolve(result as never);
      else reject(new Error(failure));
    });
    this.#worker.on("error", (cause) => {
      if (thread === this) thread = undefined;
      for (const [call, { reject }] of this.#waiting) {
        this.#done(call);
        reject(cause);
      }
    });
  }

  /** Sends a task that has no result. */
  tell(task: Task, move: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(task, move);
  }

  /**
   * Sends a task and waits for its result.
   *
   * @throws Error with the message of ONNX Runtime
   */
  ask<T extends Readonly<Record<string, Read>> | Read | Count | undefined>(
    task: Task,
    move: readonly ArrayBuffer[] = [],
  ): Promise<T> {
    const call = ++this.#calls;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(call, { resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage({ ...task, call }, move);
    });
  }

  #done(call: number): void {
    this.#waiting.delete(call);
    if (this.#waiting.size === 0) this.#worker.unref();
  }
}

let thread: CpuThread | undefined;

/** The thread of this process, started when it is first needed. */
export function cpuThread(): CpuThread {
  thread ??= new CpuThread();
  return thread;
}

let lastNumber = 0;

/** A number for a session or a tensor of the thread that no other has. */
export const freshNumber = (): number => ++lastNumber;

/** Entries to send and what of them may be moved instead of copied: only the entries go, not all of a longer array around them. */
export function sendable<T extends Entries>(data: T): { readonly data: T; readonly move: ArrayBuffer[] } {
  if (!ArrayBuffer.isView(data) || data.byteLength === data.buffer.byteLength) return { data, move: [] };
  const own = data.slice() as T & ArrayBufferView<ArrayBuffer>;
  return { data: own, move: [own.buffer] };
}
