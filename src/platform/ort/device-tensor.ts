import { type Shape, sizeOf } from "../../base/index.ts";
import { type Tensor, zeros } from "../../onnx/index.ts";
import { type DeviceTensor, HostTensor } from "../../runtime/index.ts";
import type { DeviceMemory } from "./device-memory.ts";
import type { OrtTensor } from "./ort.ts";

/** How many entries programs of a device write at a time. */
const AT_ONCE = 4;

/** A buffer of a device that is made when it is first needed. */
class Buffer {
  readonly #make: () => Promise<OrtTensor>;
  #made: Promise<OrtTensor> | undefined;
  #disposed = false;

  constructor(make: () => Promise<OrtTensor>) {
    this.#make = make;
  }

  get(): Promise<OrtTensor> {
    // ONNX Runtime would end the process.
    if (this.#disposed) return Promise.reject(new Error("a tensor on the device was used after it was disposed of"));
    this.#made ??= this.#make();
    return this.#made;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#made?.then(
      (tensor) => tensor.dispose(),
      () => undefined, // It never was there.
    );
  }
}

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
    const { type, shape } = tensor;
    return new BufferTensor({ type, shape, memory, buffer: new Buffer(() => memory.upload(tensor)) });
  }

  static allocate(memory: DeviceMemory, shape: Shape): BufferTensor {
    const buffer = new Buffer(() => memory.allocate(sizeOf(shape)));
    return new BufferTensor({ type: "float32", shape, memory, buffer });
  }

  view(start: number, shape: Shape): DeviceTensor {
    const { type } = this;
    if (sizeOf(shape) === 0) return new HostTensor(zeros(type, shape));
    return new BufferTensor({ type, shape, memory: this.#memory, buffer: this.#buffer }, this.#start + start);
  }

  /** Calls `use` with the tensor as an input of a session. What lies at the beginning of its buffer is not copied. */
  async feed<T>(use: (tensor: OrtTensor) => Promise<T>): Promise<T> {
    const buffer = await this.#buffer.get();
    if (this.#start === 0) return use(this.#memory.shaped(buffer, this.shape));
    const copy = await this.#memory.slice(buffer, this.#start, sizeOf(this.shape));
    try {
      return await use(this.#memory.shaped(copy, this.shape));
    } finally {
      copy.dispose();
    }
  }

  /**
   * Calls `use` with a tensor for a session to write to. It is the memory itself where this lies at the beginning of its buffer; otherwise
   * what was written is copied. Programs of a device write four entries at a time, so that those behind the last one would be lost if
   * they are not the end of the buffer.
   */
  async write<T>(use: (tensor: OrtTensor) => Promise<T>): Promise<T> {
    const [buffer, size] = [await this.#buffer.get(), sizeOf(this.shape)];
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
