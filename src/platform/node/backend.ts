import "./no-telemetry.ts";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import * as ort from "onnxruntime-node";
import { PushforwardError, type Shape, sizeOf } from "../../base/index.ts";
import {
  allNames,
  freshName,
  type Graph,
  type OnnxModel,
  renameTensors,
  type Tensor,
  writeModel,
} from "../../onnx/index.ts";
import {
  type Backend,
  createAlgebra,
  type DeviceTensor,
  type Executable,
  type Feeds,
  HostTensor,
} from "../../runtime/index.ts";
import { runtimeError } from "./runtime-errors.ts";

const { version } = createRequire(import.meta.url)("onnxruntime-node/package.json") as { version: string };
/** The runtime and its version, as results name it. */
export const RUNTIME = `onnxruntime-node ${version}`;

/** The bytes of the largest array in JavaScript. */
const LARGEST = 2 ** 32;

export interface BackendOptions {
  /** The threads for one product, at most one for each core. By default all cores are used. */
  readonly threads?: number;
}

/**
 * ONNX Runtime on the CPU, in this process; with "cuda", graphs run on the GPU, and their inputs and results are on the CPU.
 *
 * @throws PushforwardError `usage` if `threads` is not a whole number of at least 1
 */
export function createBackend({ threads }: BackendOptions = {}, device: "cpu" | "cuda" = "cpu"): Backend {
  const intraOpNumThreads = threadsOf(threads);
  const sessions = new Set<ort.InferenceSession>();
  const compile = async (model: OnnxModel): Promise<Executable> => {
    const { graph, inside } = withSafeEnds(model.graph);
    const session = await ort.InferenceSession.create(writeModel({ ...model, graph }), {
      executionProviders: device === "cpu" ? ["cpu"] : [device, "cpu"],
      intraOpNumThreads,
      graphOptimizationLevel: "all",
      logSeverityLevel: 4, // What goes wrong is told by errors, in words.
      // Else a session's threads spin on after its run and take the cores from the next session's.
      extra: { session: { force_spinning_stop: "1" } },
    }).catch((cause: unknown) => {
      throw runtimeError("load", cause);
    });
    sessions.add(session);
    /** Runs the session; results are written to the tensors given for them. */
    const run = async (feeds: Feeds, outputs: Readonly<Record<string, ort.Tensor | null>>) => {
      const inputs = Object.entries(feeds).map(([name, tensor]) => [inside(name), toOrt(hostTensor(tensor))] as const);
      return session.run(Object.fromEntries(inputs), outputs).catch((cause: unknown) => {
        throw runtimeError("run", cause);
      });
    };
    return {
      async run(feeds, fetches) {
        const results = await run(feeds, Object.fromEntries(fetches.map((name) => [inside(name), null])));
        return Object.fromEntries(fetches.map((name) => [name, fromOrt(results[inside(name)]!)]));
      },
      async compute(feeds, fetches, into = {}) {
        const given = (name: string) => (Object.hasOwn(into, name) ? into[name] : undefined);
        const place = (name: string) => {
          const tensor = given(name);
          return tensor === undefined ? null : toOrt(hostTensor(tensor));
        };
        const results = await run(feeds, Object.fromEntries(fetches.map((name) => [inside(name), place(name)])));
        return Object.fromEntries(
          fetches.map((name) => [name, given(name) ?? new HostTensor(fromOrt(results[inside(name)]!))]),
        );
      },
      async release() {
        if (sessions.delete(session)) await session.release();
      },
    };
  };
  const memory = {
    upload: (tensor: Tensor) => new HostTensor(tensor),
    allocate: (shape: Shape) => new HostTensor({ type: "float32", shape, data: new Float32Array(sizeOf(shape)) }),
  };
  const can = { float64: true, poolingIndices: true, largestTensor: LARGEST };
  return {
    device,
    description: `${RUNTIME} ${device}`,
    can,
    algebra: createAlgebra({ device, can, compile, ...memory }),
    compile,
    ...memory,
    async dispose() {
      for (const session of sessions) await session.release();
      sessions.clear();
    },
  };
}

/**
 * Runs the file of a model once, unchanged: the runtime reads it itself, without its graph optimizations.
 *
 * @throws PushforwardError `backend-failed` if the runtime does not load or run it
 */
export async function runFile(
  file: string,
  feeds: ReadonlyMap<string, Tensor>,
  fetches: readonly string[],
  { threads }: BackendOptions = {},
): Promise<Map<string, Tensor>> {
  const options = {
    intraOpNumThreads: threadsOf(threads),
    graphOptimizationLevel: "disabled",
    logSeverityLevel: 4,
  } as const;
  const session = await ort.InferenceSession.create(file, options).catch((cause: unknown) => {
    throw runtimeError("load", cause);
  });
  try {
    const results = await session.run(
      Object.fromEntries([...feeds].map(([name, tensor]) => [name, toOrt(tensor)])),
      fetches,
    );
    const resultOf = (name: string) => (Object.hasOwn(results, name) ? fromOrt(results[name]!) : undefined);
    const outputs = fetches.map((name) => [name, resultOf(name)] as const);
    const missing = outputs.find(([, tensor]) => tensor === undefined);
    if (missing !== undefined) throw new Error(`no output is called ${missing[0]}`);
    return new Map(outputs as readonly (readonly [string, Tensor])[]);
  } catch (cause) {
    throw runtimeError("run", cause);
  } finally {
    await session.release();
  }
}

/** The number of threads for the runtime; with 0 it chooses itself. */
function threadsOf(asked: number | undefined): number {
  if (asked === undefined) return 0;
  if (Number.isSafeInteger(asked) && asked >= 1) return Math.min(asked, availableParallelism());
  throw new PushforwardError("usage", {
    what: `threads is ${asked}, but must be a whole number of at least 1.`,
    fix: "Leave it out for all cores.",
  });
}

/**
 * The graph with other names for inputs and outputs whose names every JavaScript object has (`constructor`, `__proto__`), because the
 * runtime passes tensors as properties of objects. `inside` gives the name of a tensor in that graph.
 */
function withSafeEnds(graph: Graph): { graph: Graph; inside: (name: string) => string } {
  const inherited = [...graph.inputs, ...graph.outputs].map(({ name }) => name).filter((name) => name in {});
  if (inherited.length === 0) return { graph, inside: (name) => name };
  const taken = allNames(graph);
  const names = new Map(inherited.map((name) => [name, freshName(taken, `tensor/${name}`)]));
  const inside = (name: string) => names.get(name) ?? name;
  return { graph: renameTensors(graph, inside), inside };
}

function hostTensor(tensor: Tensor | DeviceTensor): Tensor {
  if ("data" in tensor) return tensor;
  throw new TypeError("A tensor of another device was given to the CPU.");
}

function toOrt({ type, shape, data }: Tensor): ort.Tensor {
  return new ort.Tensor(type as "float32", data as Float32Array, shape);
}

function fromOrt(tensor: ort.Tensor): Tensor {
  return { type: tensor.type as Tensor["type"], shape: tensor.dims, data: tensor.data as Tensor["data"] };
}
