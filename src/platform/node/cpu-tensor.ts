import { type Shape, sizeOf } from "../../base/index.ts";
import type { Tensor } from "../../onnx/index.ts";
import type { DeviceTensor } from "../../runtime/index.ts";
import { runtimeError } from "../ort/runtime-errors.ts";
import type { Range } from "./cpu-messages.ts";
import { cpuThread, freshNumber, sendable } from "./cpu-thread.ts";
import { noteHeld } from "./garbage.ts";

/** The bytes of an entry of most tensors. */
const BYTES = 4;

/** The memory of a tensor in the thread. It is freed when it is disposed of, or when nothing refers to it any more. */
export class CpuMemory {
  readonly number = freshNumber();
  #bytes = 0;
  #isFree = false;

  /** Notes that entries are stored there, which are freed with this object. */
  holds(entries: number): void {
    this.#bytes = BYTES * entries;
    forgotten.register(this, { number: this.number, bytes: this.#bytes }, this);
    noteHeld(this.#bytes);
  }

  free(): void {
    if (this.#isFree) return;
    this.#isFree = true;
    forgotten.unregister(this);
    free({ number: this.number, bytes: this.#bytes });
  }
}

const forgotten = new FinalizationRegistry<{ number: number; bytes: number }>(free);

function free({ number, bytes }: { number: number; bytes: number }): void {
  cpuThread().tell({ do: "free", tensor: number });
  noteHeld(-bytes);
}

/** A tensor in the memory of the thread in which ONNX Runtime computes. */
export class CpuTensor implements DeviceTensor {
  readonly type: Tensor["type"];
  readonly shape: Shape;
  readonly #memory: CpuMemory;
  readonly #start: number;
  readonly #isView: boolean;

  constructor({ type, shape }: Pick<Tensor, "type" | "shape">, memory: CpuMemory, start?: number) {
    this.type = type;
    this.shape = shape;
    this.#memory = memory;
    this.#start = start ?? 0;
    this.#isView = start !== undefined;
  }

  /** A tensor that is in the thread. */
  static of(tensor: DeviceTensor): CpuTensor {
    if (tensor instanceof CpuTensor) return tensor;
    throw new TypeError("A tensor of another device was given to the CPU.");
  }

  static upload({ type, shape, data }: Tensor): CpuTensor {
    const memory = new CpuMemory();
    memory.holds(sizeOf(shape));
    const sent = sendable(data);
    cpuThread().tell({ do: "upload", tensor: memory.number, data: sent.data }, sent.move);
    return new CpuTensor({ type, shape }, memory);
  }

  static allocate(shape: Shape): CpuTensor {
    const memory = new CpuMemory();
    memory.holds(sizeOf(shape));
    cpuThread().tell({ do: "allocate", tensor: memory.number, size: sizeOf(shape) });
    return new CpuTensor({ type: "float32", shape }, memory);
  }

  /** Where its entries are. */
  get range(): Range {
    return { tensor: this.#memory.number, start: this.#start, size: sizeOf(this.shape) };
  }

  view(start: number, shape: Shape): CpuTensor {
    return new CpuTensor({ type: this.type, shape }, this.#memory, this.#start + start);
  }

  async read(): Promise<Tensor> {
    const { type, shape, range } = this;
    const { data } = await cpuThread()
      .ask<Tensor>({ do: "read", type, ...range })
      .catch((cause: unknown) => {
        throw runtimeError("run", cause);
      });
    return { type, shape, data };
  }

  dispose(): void {
    if (!this.#isView) this.#memory.free();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
