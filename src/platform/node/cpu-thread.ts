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

/** What the program and the thread tell each other in shared memory: whether the thread computes, and whether the program ends. */
const [COMPUTES, ENDS] = [0, 1];

/** The thread in which ONNX Runtime computes on the CPU. All backends of a process share it. It keeps no process alive. */
class CpuThread {
  readonly #state = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #calls = 0;

  constructor() {
    Atomics.store(this.#state, COMPUTES, 1); // It loads ONNX Runtime first.
    this.#worker = new Worker(new URL("./cpu-worker.mjs", import.meta.url), {
      workerData: this.#state,
      execArgv: [], // Options of the program, such as that its input is a module, are not for the thread.
    });
    this.#worker.unref();
    process.once("exit", () => this.#end());
    this.#worker.on("message", ({ call, result, failure }: Reply) => {
      const { resolve, reject } = this.#waiting.get(call)!;
      this.#done(call);
      if (failure === undefined) resolve(result as never);
      else reject(new Error(failure));
    });
    this.#worker.on("error", (cause) => {
      if (thread === this) thread = undefined;
      Atomics.store(this.#state, COMPUTES, 0);
      for (const [call, { reject }] of this.#waiting) {
        this.#done(call);
        reject(cause);
      }
    });
  }

  /** Waits until ONNX Runtime is at rest, because it aborts a process that ends while it computes. */
  #end(): void {
    Atomics.store(this.#state, ENDS, 1);
    Atomics.wait(this.#state, COMPUTES, 1);
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

/**
 * Entries to send and what of them may be moved instead of copied: only the entries go, not all of a longer array around them. They are
 * not shared, because ONNX Runtime takes no tensors in shared memory.
 */
export function sendable<T extends Entries>(data: T): { readonly data: T; readonly move: ArrayBuffer[] } {
  const isOwn = !ArrayBuffer.isView(data) || data.byteLength === data.buffer.byteLength;
  if (isOwn && !isShared(data)) return { data, move: [] };
  const own = data.slice() as T & ArrayBufferView<ArrayBuffer>;
  return { data: own, move: [own.buffer] };
}

const isShared = (data: Entries): boolean => ArrayBuffer.isView(data) && data.buffer instanceof SharedArrayBuffer;
