import { type Shape, sizeOf } from "../../base/index.ts";
import { buildModel, intTensor, node, type OnnxModel, type Tensor, valueInfo } from "../../onnx/index.ts";
import { fromOrt, type Ort, type OrtTensor, type Session, toOrt } from "./ort.ts";

type DataType = Tensor["type"];

/** Creates a session on the device. With `stays` its results stay there; otherwise they are read, or written to given tensors. */
export type CreateSession = (model: OnnxModel, stays: boolean) => Promise<Session>;

/** The types of entries that buffers can hold. */
const bufferTypes: ReadonlySet<DataType> = new Set(["float32", "int32", "uint32", "int64", "uint8", "bool"]);

/** Whether a buffer can hold the tensor; otherwise it stays in JavaScript. */
export const fitsBuffer = ({ type, shape }: Pick<Tensor, "type" | "shape">): boolean =>
  bufferTypes.has(type) && sizeOf(shape) > 0;

/** A buffer that is made when it is first needed. */
export interface HeldBuffer {
  get(): Promise<OrtTensor>;
  /** A second time does nothing. */
  free(): Promise<void>;
}

/**
 * Buffers of a device, filled, copied and read by small graphs, because ONNX Runtime offers nothing else: `getData` of a tensor on
 * the device ends the whole process in onnxruntime-node 1.30. A buffer is a tensor with one axis.
 */
export class DeviceMemory {
  readonly #ort: Ort;
  readonly #create: CreateSession;
  readonly #sessions = new Map<string, Promise<Session>>();

  readonly #noteHeld: (bytes: number) => void;
  readonly #held = new Set<HeldBuffer>();

  /** @param noteHeld is told how many bytes more, or fewer, buffers hold */
  constructor(ort: Ort, create: CreateSession, noteHeld: (bytes: number) => void) {
    this.#ort = ort;
    this.#create = create;
    this.#noteHeld = noteHeld;
  }

  /** A buffer that is made when it is first needed, and freed with the memory at the latest. */
  hold(bytes: number, make: () => Promise<OrtTensor>): HeldBuffer {
    let made: Promise<OrtTensor> | undefined;
    let isFree = false;
    const held: HeldBuffer = {
      get: () => {
        // ONNX Runtime would end the process.
        if (isFree) return Promise.reject(new Error("a tensor on the device was used after it was disposed of"));
        if (made === undefined) {
          this.#held.add(held);
          this.#noteHeld(bytes);
          made = make();
        }
        return made;
      },
      free: async () => {
        if (isFree) return;
        isFree = true;
        if (!this.#held.delete(held)) return;
        this.#noteHeld(-bytes);
        await made?.then(
          (tensor) => tensor.dispose(),
          () => undefined, // It never was there.
        );
      },
    };
    return held;
  }

  /** The entries of a tensor in a new buffer. */
  upload(tensor: Tensor): Promise<OrtTensor> {
    const x = toOrt(this.#ort, { ...tensor, shape: [sizeOf(tensor.shape)] });
    return this.#run("upload", tensor.type, { x }, true);
  }

  /** A new buffer of float32 zeros. */
  allocate(size: number): Promise<OrtTensor> {
    const x = toOrt(this.#ort, { type: "float32", shape: [1], data: new Float32Array(1) });
    return this.#run("allocate", "float32", { x, size: this.#ints([size]) }, true);
  }

  /** Entries `from` to `from + size` of a buffer in a new buffer. */
  slice(buffer: OrtTensor, from: number, size: number): Promise<OrtTensor> {
    const feeds = { x: buffer, from: this.#ints([from]), to: this.#ints([from + size]) };
    return this.#run("slice", buffer.type as DataType, feeds, true);
  }

  /** The first entries of a buffer as a tensor of a shape: the same memory. */
  shaped(buffer: OrtTensor, shape: Shape): OrtTensor {
    const dataType = buffer.type as "float32";
    return this.#ort.Tensor.fromGpuBuffer(buffer.gpuBuffer, { dataType, dims: [...shape] });
  }

  /** Writes entries into a float32 buffer, from entry `start` on. */
  async write(entries: OrtTensor, into: OrtTensor, start: number): Promise<void> {
    const size = sizeOf(entries.dims);
    const step = greatestCommonDivisor(start, size);
    const positions = Array.from({ length: size / step }, (_, i) => start / step + i);
    const x = this.shaped(into, [Math.floor(into.dims[0]! / step), step]);
    const feeds = {
      x,
      positions: this.#ints(positions, [positions.length, 1]),
      entries: this.shaped(entries, [positions.length, step]),
    };
    // The result is written where the input is, so that only the entries move.
    await (await this.#session("write", "float32", false)).run(feeds, { y: x });
  }

  /** A tensor on the device, in JavaScript. */
  async read(tensor: OrtTensor): Promise<Tensor> {
    const x = this.shaped(tensor, [sizeOf(tensor.dims)]);
    return { ...fromOrt(await this.#run("read", tensor.type as DataType, { x }, false)), shape: tensor.dims };
  }

  /** Frees all buffers. The sessions are those of the backend, which releases them. */
  async dispose(): Promise<void> {
    for (const held of this.#held) await held.free();
    this.#sessions.clear();
  }

  async #run(task: Task, type: DataType, feeds: Record<string, OrtTensor>, stays: boolean): Promise<OrtTensor> {
    return (await (await this.#session(task, type, stays)).run(feeds, ["y"])).y as OrtTensor;
  }

  #session(task: Task, type: DataType, stays: boolean): Promise<Session> {
    const key = `${task} ${type}`;
    const session = this.#sessions.get(key) ?? this.#create(graphs[task](type), stays);
    this.#sessions.set(key, session);
    return session;
  }

  #ints(values: readonly number[], shape?: Shape): OrtTensor {
    return toOrt(this.#ort, intTensor(values, shape));
  }
}

type Task = keyof typeof graphs;

const identity = (type: DataType) =>
  buildModel({
    inputs: [valueInfo("x", type, ["n"])],
    outputs: [valueInfo("y", type, ["n"])],
    initializers: new Map(),
    nodes: [node({ op: "Identity", inputs: ["x"], outputs: ["y"] })],
  });

/** y = x [1], `size` times. */
export const repeatModel = buildModel({
  inputs: [valueInfo("x", "float32", [1]), valueInfo("size", "int64", [1])],
  outputs: [valueInfo("y", "float32", ["n"])],
  initializers: new Map(),
  nodes: [node({ op: "Expand", inputs: ["x", "size"], outputs: ["y"] })],
});

const graphs = {
  upload: identity,
  read: identity,
  allocate: () => repeatModel,
  slice: (type: DataType) =>
    buildModel({
      inputs: [valueInfo("x", type, ["n"]), valueInfo("from", "int64", [1]), valueInfo("to", "int64", [1])],
      outputs: [valueInfo("y", type, ["m"])],
      initializers: new Map(),
      nodes: [node({ op: "Slice", inputs: ["x", "from", "to"], outputs: ["y"] })],
    }),
  write: () =>
    buildModel({
      inputs: [
        valueInfo("x", "float32", ["r", "n"]),
        valueInfo("positions", "int64", ["s", 1]),
        valueInfo("entries", "float32", ["s", "n"]),
      ],
      outputs: [valueInfo("y", "float32", ["r", "n"])],
      initializers: new Map(),
      nodes: [node({ op: "ScatterND", inputs: ["x", "positions", "entries"], outputs: ["y"] })],
    }),
} satisfies Record<string, (type: DataType) => OnnxModel>;

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
