import { type Graph, type OnnxModel, type Tensor, writeModel } from "../../onnx/index.ts";
import {
  type Backend,
  believed,
  type CompileOptions,
  createAlgebra,
  type Executable,
  type Feeds,
  HostTensor,
} from "../../runtime/index.ts";
import { fromOrt, type Ort, type Session, toOrt, withSafeEnds } from "../ort/ort.ts";
import { runtimeError } from "../ort/runtime-errors.ts";
import { createOptimized, isLarge, leanOptions, type Optimization, optimizationOf } from "../ort/session-options.ts";
import { breathe } from "./breathe.ts";
import { hostColumns } from "./columns.ts";
import { allocate, hostTensorOf, moveInto, OwnTensor } from "./host-memory.ts";
import { loadRuntime, type RuntimeOptions } from "./runtime.ts";
import { openGpu } from "./webgpu.ts";

export interface WebBackendOptions extends RuntimeOptions {
  /** Where to compute: the CPU, by WebAssembly, unless given. `webgpu` needs the module of ONNX Runtime with it as `ort`. */
  readonly device?: "cpu" | "webgpu";
  /** Is told what a user should know: that one thread computes, and why, for example. */
  readonly notice?: (text: string) => void;
}

/** The bytes that WebAssembly can hold are 4 GiB; a tensor is there beside others. */
const LARGEST = 2 ** 31;

const common = { executionProviders: ["wasm"], logSeverityLevel: 4 } as const;

/**
 * ONNX Runtime in a browser, in a page or in a worker. It computes in the thread that asks it, with threads beside it, and lets other
 * tasks of this thread run in between.
 *
 * @throws PushforwardError what `loadRuntime` throws; `usage` if there is no WebGPU where it is asked for
 */
export async function createWebBackend({
  device = "cpu",
  notice = () => undefined,
  ...options
}: WebBackendOptions = {}): Promise<Backend> {
  const { ort, name, note } = await loadRuntime(options);
  if (note !== undefined) notice(note);
  const cpu = cpuBackend(ort, `${name} cpu`);
  if (device === "cpu") return cpu;
  return believed(await openGpu(ort, name), cpu, notice);
}

/** Tensors are in JavaScript. The runtime copies them to its own memory for each run, and results back. */
function cpuBackend(ort: Ort, description: string): Backend {
  const sessions = new Set<Session>();
  const release = async (session: Session): Promise<void> => {
    if (sessions.delete(session)) await session.release();
  };
  const compile = async (model: OnnxModel, { runs = "often" }: CompileOptions = {}): Promise<Executable> => {
    const { graph, inside } = withSafeEnds(model.graph);
    const isBrief = runs !== "often" && isLarge(graph);
    const createWith = async (level: Optimization): Promise<Session> => {
      const options = {
        ...common,
        graphOptimizationLevel: level,
        ...(isBrief ? { ...leanOptions, extra: { session: { disable_prepacking: "1" } } } : {}),
      };
      const session = await createSession(ort, writeModel({ ...model, graph: withoutOutputShapes(graph) }), options);
      sessions.add(session);
      return session;
    };
    const create = () => createOptimized(optimizationOf(graph, runs), createWith);
    // A large graph that runs seldom has a session, and with it its weights in the runtime, only while it runs.
    const held = isBrief ? undefined : await create();
    const run = async (feeds: Feeds, fetches: readonly string[]): Promise<Record<string, Tensor>> => {
      const session = held ?? (await create());
      try {
        const inputs = Object.entries(feeds).map(([name, tensor]) => [inside(name), hostTensorOf(tensor)] as const);
        const results = await runSession(ort, session, inputs, fetches.map(inside));
        return Object.fromEntries(fetches.map((name) => [name, results.get(inside(name))!]));
      } finally {
        if (held === undefined) await release(session);
      }
    };
    return {
      run,
      async compute(feeds, fetches, into = {}) {
        const results = await run(feeds, fetches);
        return Object.fromEntries(
          fetches.map((name) => {
            const result = results[name]!;
            const given = Object.hasOwn(into, name) ? into[name] : undefined;
            if (given === undefined) return [name, new OwnTensor(result)];
            moveInto(given, result);
            return [name, given];
          }),
        );
      },
      async release() {
        if (held !== undefined) await release(held);
      },
    };
  };
  const memory = { upload: (tensor: Tensor) => new HostTensor(tensor), allocate, columns: hostColumns };
  const can = { float64: true, poolingIndices: true, largestTensor: LARGEST };
  return {
    device: "cpu",
    description,
    can,
    algebra: createAlgebra({ device: "cpu", can, compile, ...memory }),
    compile,
    ...memory,
    async dispose() {
      for (const session of sessions) await release(session);
    },
  };
}

/**
 * The graph without the shapes that it declares for its outputs. In a browser ONNX Runtime refuses a graph where those that it infers are
 * others, which it does of some operators wrongly; elsewhere it takes the declared ones.
 */
const withoutOutputShapes = (graph: Graph): Graph => ({
  ...graph,
  outputs: graph.outputs.map((output) => ({ ...output, shape: undefined })),
});

/** The bytes of a model as they are in its file, and those of the files beside it that it refers to, by their names. */
export interface ModelBytes {
  readonly bytes: Uint8Array;
  readonly beside: ReadonlyMap<string, Uint8Array>;
}

/**
 * Runs the file of a model once, unchanged, without the graph optimizations of the runtime unless they are asked for.
 *
 * @throws PushforwardError `backend-failed` if the runtime does not load or run it
 */
export async function runModelBytes(
  { bytes, beside }: ModelBytes,
  feeds: ReadonlyMap<string, Tensor>,
  fetches: readonly string[],
  { optimized = false, ...options }: RuntimeOptions & { readonly optimized?: boolean } = {},
): Promise<ReadonlyMap<string, Tensor>> {
  const { ort } = await loadRuntime(options);
  const session = await createSession(ort, bytes, {
    ...common,
    ...leanOptions,
    ...(optimized ? { graphOptimizationLevel: "all" } : { extra: { session: { disable_prepacking: "1" } } }),
    externalData: [...beside].map(([path, data]) => ({ path, data })),
  });
  try {
    return await runSession(ort, session, [...feeds], fetches);
  } finally {
    await session.release();
  }
}

type SessionOptions = NonNullable<Parameters<Ort["InferenceSession"]["create"]>[1]>;

async function createSession(ort: Ort, bytes: Uint8Array, options: SessionOptions): Promise<Session> {
  await breathe();
  return ort.InferenceSession.create(bytes, options).catch((cause: unknown) => {
    throw runtimeError("load", cause);
  });
}

async function runSession(
  ort: Ort,
  session: Session,
  feeds: readonly (readonly [string, Tensor])[],
  fetches: readonly string[],
): Promise<Map<string, Tensor>> {
  await breathe();
  const inputs = Object.fromEntries(feeds.map(([name, tensor]) => [name, toOrt(ort, tensor)]));
  const results = await session.run(inputs, fetches).catch((cause: unknown) => {
    throw runtimeError("run", cause);
  });
  return new Map(fetches.map((name) => [name, fromOrt(results[name]!)]));
}
