import { type Shape, sizeOf } from "../../base/index.ts";
import { type Tensor, zeros } from "../../onnx/index.ts";
import { type DeviceTensor, HostTensor } from "../../runtime/index.ts";
import type { DeviceMemory, HeldBuffer } from "./device-memory.ts";
import type { OrtTensor } from "./ort.ts";

/** How many entries programs of a device write at a time. */
const AT_ONCE = 4;

/** A buffer of a device. It is made when it is first needed, and freed when it is disposed of, or when nothing refers to it any more. */
class Buffer {
  readonly #held: HeldBuffer;

  constructor(held: HeldBuffer) {
    this.#held = held;
    forgotten.register(this, held, this);
  }

  /** Calls `use` with the memory, which is there until that is done. */
  async use<T>(use: (memory: OrtTensor) => Promise<T>): Promise<T> {
    inUse.add(this);
    try {
      return await use(await this.#held.get());
    } finally {
      inUse.delete(this);
    }
  }

  dispose(): void {
    forgotten.unregister(this);
    this.#held.free();
  }
}

const forgotten = new FinalizationRegistry<HeldBuffer>((held) => held.free());
/** Buffers that a session reads or writes, so that they are not forgotten meanwhile. */
const inUse = new Set<Buffer>();

/** A tensor in a buffer of a device: entries from `start` on. */
export class BufferTensor implements DeviceTensor {
  readonly type: Tensor["type"];
  readonly shape: Shape;
  readonly #memory: DeviceMemory;
  readonly #buffer: Buffer;
  readonly #start: number;
  readonly #isView: boolean;

  private constructor(
    parts: { type: Tensor["type"]; shape: Shape; memory: DeviceMemory; buffer: Buffer },
    start?: number,
  ) {
    this.type = parts.type;
    this.shape = parts.shape;
    this.#memory = parts.memory;
    this.#buffer = parts.buffer;
    this.#start = start ?? 0;
    this.#isView = start !== undefined;
  }

  static upload(memory: DeviceMemory, tensor: Tensor): BufferTensor {
    const { type, shape, data } = tensor;
    const bytes = "byteLength" in data ? data.byteLength : 0;
    const buffer = new Buffer(memory.hold(bytes, () => memory.upload(tensor)));
    return new BufferTensor({ type, shape, memory, buffer });
  }

  static allocate(memory: DeviceMemory, shape: Shape): BufferTensor {
    const size = sizeOf(shape);
    const buffer = new Buffer(memory.hold(size * Float32Array.BYTES_PER_ELEMENT, () => memory.allocate(size)));
    return new BufferTensor({ type: "float32", shape, memory, buffer });
  }

  view(start: number, shape: Shape): DeviceTensor {
    const { type } = this;
    if (sizeOf(shape) === 0) return new HostTensor(zeros(type, shape));
    return new BufferTensor({ type, shape, memory: this.#memory, buffer: this.#buffer }, this.#start + start);
  }

  /** Calls `use` with the tensor as an input of a session. What lies at the beginning of its buffer is not copied. */
  feed<T>(use: (tensor: OrtTensor) => Promise<T>): Promise<T> {
    return this.#buffer.use(async (buffer) => {
      if (this.#start === 0) return use(this.#memory.shaped(buffer, this.shape));
      const copy = await this.#memory.slice(buffer, this.#start, sizeOf(this.shape));
      try {
        return await use(this.#memory.shaped(copy, this.shape));
      } finally {
        copy.dispose();
      }
    });
  }

  /**
   * Calls `use` with a tensor for a session to write to. It is the memory itself where this lies at the beginning of its buffer; otherwise
   * what was written is copied. Programs of a device write four entries at a time, so that those behind the last one would be lost if
   * they are not the end of the buffer.
   */
  write<T>(use: (tensor: OrtTensor) => Promise<T>): Promise<T> {
    return this.#buffer.use(async (buffer) => {
      const size = sizeOf(this.shape);
      const isWhole = size % AT_ONCE === 0 || size === sizeOf(buffer.dims);
      if (this.#start === 0 && isWhole) return use(this.#memory.shaped(buffer, this.shape));
      const result = await this.#memory.allocate(size);
      try {
        const used = await use(this.#memory.shaped(result, this.shape));
        await this.#memory.write(result, buffer, this.#start);
        return used;
      } finally {
        result.dispose();
      }
    });
  }

  read(): Promise<Tensor> {
    return this.feed((tensor) => this.#memory.read(tensor));
  }

  dispose(): void {
    if (!this.#isView) this.#buffer.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
