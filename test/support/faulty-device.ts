import { buildModel, node, type OnnxModel, type Tensor, valueInfo } from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { type Backend, believed, createAlgebra, type DeviceTensor, type Executable } from "../../src/runtime/index.ts";

/** A tensor of the device, which the CPU does not know. */
class Foreign implements DeviceTensor {
  readonly inner: DeviceTensor;
  constructor(inner: DeviceTensor) {
    this.inner = inner;
  }
  get type() {
    return this.inner.type;
  }
  get shape() {
    return this.inner.shape;
  }
  view = (start: number, shape: readonly number[]) => new Foreign(this.inner.view(start, shape));
  read = () => this.inner.read();
  dispose = () => this.inner.dispose();
  [Symbol.dispose] = () => this.inner.dispose();
}

const isForeign = (tensor: unknown): tensor is Foreign => tensor instanceof Foreign;
const unwrapped = <T extends object>(tensors: Readonly<Record<string, T>>) =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [name, isForeign(tensor) ? tensor.inner : tensor]),
  );

export interface Fault {
  /** Changes what the device computes; `run` counts the runs of a graph. */
  readonly spoil?: (y: Float32Array, run: number, model: OnnxModel) => void;
  readonly refuses?: "to compile" | "to run";
}

export function scale(y: Float32Array, factor: number): void {
  for (let i = 0; i < y.length; i++) y[i]! *= factor;
}

/** A device of float32 with a fault, which counts what it does. */
export function faulty({ spoil = () => undefined, refuses }: Fault = {}) {
  const counts = { compiled: 0, released: 0, runs: 0 };
  const inner = createBackend({ threads: 1 });
  const device: Omit<Backend, "algebra"> = {
    ...inner,
    device: "webgpu",
    description: "a device",
    can: { ...inner.can, float64: false },
    upload: (tensor) => new Foreign(inner.upload(tensor)),
    allocate: (shape) => new Foreign(inner.allocate(shape)),
    async compile(model): Promise<Executable> {
      if (refuses === "to compile") throw new Error("no such kernel");
      counts.compiled++;
      const executable = await inner.compile(model);
      let run = 0;
      const compute: Executable["compute"] = async (feeds, fetches, into = {}) => {
        counts.runs++;
        run++;
        if (refuses === "to run") throw new Error("device lost");
        const results = await executable.run(unwrapped(feeds) as typeof feeds, fetches);
        const placed: Record<string, DeviceTensor> = {};
        for (const name of fetches) {
          const data = Float32Array.from(results[name]!.data as Float32Array);
          spoil(data, run, model);
          const result = inner.upload({ ...results[name]!, data });
          const place = into[name];
          placed[name] = place ?? new Foreign(result);
          if (!isForeign(place)) continue;
          const copy = await inner.compile(copyOf(results[name]!.shape.length));
          await copy.compute({ x: result }, ["y"], { y: place.inner });
          await copy.release();
        }
        return placed;
      };
      return {
        compute,
        async run(feeds, fetches) {
          const results = await compute(feeds, fetches);
          const read: Record<string, Tensor> = {};
          for (const name of fetches) read[name] = await results[name]!.read();
          return read;
        },
        async release() {
          counts.released++;
          await executable.release();
        },
      };
    },
  };
  const told: string[] = [];
  const algebra = createAlgebra(device);
  const backend = believed({ ...device, algebra }, createBackend({ threads: 1 }), (text) => told.push(text));
  return { backend, told, counts };
}

const copyOf = (rank: number) => {
  const shape = Array.from({ length: rank }, (_, axis) => `n${axis}`);
  return buildModel({
    inputs: [valueInfo("x", "float32", shape)],
    outputs: [valueInfo("y", "float32", shape)],
    initializers: new Map(),
    nodes: [node({ op: "Identity", inputs: ["x"], outputs: ["y"] })],
  });
};
