import { type Shape, sizeOf } from "../../base/index.ts";
import { type OnnxModel, type Tensor, writeModel } from "../../onnx/index.ts";
import {
  type Backend,
  createAlgebra,
  type DeviceTensor,
  type Executable,
  type Feeds,
  HostTensor,
} from "../../runtime/index.ts";
import { DeviceMemory, fitsBuffer } from "./device-memory.ts";
import { BufferTensor } from "./device-tensor.ts";
import { fromOrt, type Ort, type OrtTensor, type Session, toOrt, withSafeEnds } from "./ort.ts";
import { runtimeError } from "./runtime-errors.ts";

export interface DeviceOptions {
  readonly device: Backend["device"];
  /** The execution provider of ONNX Runtime, with its options. */
  readonly provider: NonNullable<Parameters<Ort["InferenceSession"]["create"]>[1]>["executionProviders"];
  readonly description: string;
  /** Bytes. */
  readonly largestTensor: number;
  /** Is told how many bytes more, or fewer, tensors hold: the garbage collector does not know of them. */
  readonly noteHeld?: (bytes: number) => void;
}

/**
 * A device that keeps tensors in buffers of its own, such as a GPU behind WebGPU, as ONNX Runtime gives it. It does not know whether
 * the device computes rightly: see `believed`.
 *
 * A graph has one session: results that stay on the device are written to buffers that are allocated first.
 */
export function deviceBackend(
  ort: Ort,
  { device, provider, description, largestTensor, noteHeld = () => undefined }: DeviceOptions,
): Backend {
  const sessions = new Set<Session>();
  const create = async (model: OnnxModel, stays: boolean): Promise<Session> => {
    const session = await ort.InferenceSession.create(writeModel(model), {
      executionProviders: provider!,
      graphOptimizationLevel: "all",
      logSeverityLevel: 4, // What goes wrong is told by errors, in words.
      ...(stays ? { preferredOutputLocation: "gpu-buffer" } : {}),
    }).catch((cause: unknown) => {
      throw runtimeError("load", cause);
    });
    sessions.add(session);
    return session;
  };
  const memory = new DeviceMemory(ort, create, noteHeld);
  const upload = (tensor: Tensor): DeviceTensor =>
    fitsBuffer(tensor) ? BufferTensor.upload(memory, tensor) : new HostTensor(tensor);
  const allocate = (shape: Shape): DeviceTensor =>
    sizeOf(shape) > 0
      ? BufferTensor.allocate(memory, shape)
      : new HostTensor({ type: "float32", shape, data: new Float32Array(0) });

  const compile = async (model: OnnxModel): Promise<Executable> => {
    const { graph, inside } = withSafeEnds(model.graph);
    const session = await create({ ...model, graph }, false);
    const run = (feeds: Feeds, fetches: Readonly<Record<string, OrtTensor | null>>) =>
      withInputs(ort, Object.entries(feeds), async (inputs) => {
        const named = Object.fromEntries(inputs.map(([name, tensor]) => [inside(name), tensor]));
        return session.run(named, fetches).catch((cause: unknown) => {
          throw runtimeError("run", cause);
        });
      });
    return {
      async run(feeds, fetches) {
        const results = await run(feeds, Object.fromEntries(fetches.map((name) => [inside(name), null])));
        return Object.fromEntries(fetches.map((name) => [name, fromOrt(results[inside(name)]!)]));
      },
      async compute(feeds, fetches, into = {}) {
        const places = fetches.map((name) => into[name] ?? placeFor(model, name, feeds, allocate));
        const results = await withOutputs(places, (outputs) =>
          run(feeds, Object.fromEntries(fetches.map((name, i) => [inside(name), outputs[i]!]))),
        );
        return Object.fromEntries(
          fetches.map((name, i) => [name, places[i] ?? upload(fromOrt(results[inside(name)]!))]),
        );
      },
      async release() {
        if (sessions.delete(session)) await session.release();
      },
    };
  };
  const can = { float64: false, poolingIndices: false, largestTensor };
  return {
    device,
    description,
    can,
    algebra: createAlgebra({ device, compile, upload, allocate, can }),
    compile,
    upload,
    allocate,
    async dispose() {
      await memory.dispose(); // While there are sessions: without any, ONNX Runtime has no device to free buffers of.
      for (const session of sessions) await session.release();
      sessions.clear();
    },
  };
}

/** Calls `use` with all feeds as inputs of a session. */
async function withInputs<T>(
  ort: Ort,
  feeds: readonly (readonly [string, Tensor | DeviceTensor])[],
  use: (inputs: readonly (readonly [string, OrtTensor])[]) => Promise<T>,
): Promise<T> {
  const [first, ...others] = feeds;
  if (first === undefined) return use([]);
  const [name, tensor] = first;
  const next = (input: OrtTensor) => withInputs(ort, others, (inputs) => use([[name, input], ...inputs]));
  if (tensor instanceof BufferTensor) return tensor.feed(next);
  if ("data" in tensor) return next(toOrt(ort, tensor));
  throw new TypeError("A tensor of another device was given to this one.");
}

/** Calls `use` with what the outputs of a session are written to: `null` where they are read. */
async function withOutputs<T>(
  places: readonly (DeviceTensor | undefined)[],
  use: (outputs: readonly (OrtTensor | null)[]) => Promise<T>,
): Promise<T> {
  if (places.length === 0) return use([]);
  const [first, ...others] = places;
  const next = (output: OrtTensor | null) => withOutputs(others, (outputs) => use([output, ...outputs]));
  return first instanceof BufferTensor ? first.write(next) : next(null);
}

/** Memory for a float32 output whose extents follow from those of the feeds. */
function placeFor(
  { graph }: OnnxModel,
  name: string,
  feeds: Feeds,
  allocate: (shape: Shape) => DeviceTensor,
): DeviceTensor | undefined {
  const output = graph.outputs.find((info) => info.name === name);
  if (output?.type !== "float32" || output.shape === undefined) return undefined;
  const extents = new Map<string, number>();
  for (const input of graph.inputs) {
    input.shape?.forEach((extent, axis) => {
      if (typeof extent === "string" && extent !== "?")
        extents.set(extent, feeds[input.name]?.shape[axis] ?? Number.NaN);
    });
  }
  const shape = output.shape.map((extent) =>
    typeof extent === "number" ? extent : (extents.get(extent) ?? Number.NaN),
  );
  return shape.some(Number.isNaN) ? undefined : allocate(shape);
}
