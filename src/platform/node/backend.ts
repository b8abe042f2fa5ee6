import "./no-telemetry.ts";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, resolve } from "node:path";
import { PushforwardError, sizeOf } from "../../base/index.ts";
import { multipliesIntegers, type OnnxModel, type Tensor, writeModel } from "../../onnx/index.ts";
import {
  type Backend,
  type CompileOptions,
  createAlgebra,
  type DeviceTensor,
  type Executable,
  type Feeds,
} from "../../runtime/index.ts";
import { withSafeEnds } from "../ort/ort.ts";
import { runtimeError } from "../ort/runtime-errors.ts";
import { createOptimized, isLarge, leanOptions, type Optimization, optimizationOf } from "../ort/session-options.ts";
import { cpuColumns } from "./cpu-columns.ts";
import type { Feed, Place, SessionOptions, Task } from "./cpu-messages.ts";
import { CpuMemory, CpuTensor } from "./cpu-tensor.ts";
import { cpuThread, freshNumber, sendable } from "./cpu-thread.ts";
import { OutsideWeights } from "./outside-weights.ts";

const { version } = createRequire(import.meta.url)("onnxruntime-node/package.json") as { version: string };
/** The runtime and its version, as results name it. */
export const RUNTIME = `onnxruntime-node ${version}`;

/** The bytes of the largest array in JavaScript. */
const LARGEST = 2 ** 32;

/**
 * Without VNNI, the kernels for products of unsigned and signed bytes saturate sums in 16 bits, unless the weights are made unsigned,
 * which this asks for. Only graphs with such products get it, as it makes others slower by 3 to 5 %.
 */
const exactIntegers = { x64quantprecision: "1" };

export interface BackendOptions {
  /** The threads for one product, at most one for each core. By default all cores are used. */
  readonly threads?: number;
}

/**
 * ONNX Runtime on the CPU, in a thread of its own, so that the event loop goes on while it computes; with "cuda", graphs run on the
 * GPU, and their inputs and results are on the CPU.
 *
 * @throws PushforwardError `usage` if `threads` is not a whole number of at least 1
 */
export function createBackend({ threads }: BackendOptions = {}, device: "cpu" | "cuda" = "cpu"): Backend {
  const intraOpNumThreads = threadsOf(threads);
  const sessions = new Set<number>();
  const release = async (session: number): Promise<void> => {
    if (sessions.delete(session)) await ask("run", { do: "release", session });
  };
  const compile = async (model: OnnxModel, { runs = "often" }: CompileOptions = {}): Promise<Executable> => {
    const { graph, inside } = withSafeEnds(model.graph);
    const hasManyWeights = isLarge(graph);
    const isBrief = runs !== "often" && hasManyWeights;
    const createWith = async (level: Optimization): Promise<{ session: number; weights: OutsideWeights }> => {
      const session = freshNumber();
      const weights = new OutsideWeights(graph.initializers.values());
      const bytes = writeModel({ ...model, graph }, hasManyWeights ? { outside: weights.place } : {});
      const { folder, inMemory } = weights;
      const options: SessionOptions = {
        executionProviders: device === "cpu" ? ["cpu"] : [device, "cpu"],
        intraOpNumThreads,
        graphOptimizationLevel: level,
        ...(isBrief ? leanOptions : {}),
        logSeverityLevel: 4, // What goes wrong is told by errors, in words.
        externalData: inMemory,
        extra: {
          session: {
            // Else a session's threads spin on after its run and take the cores from the next session's.
            force_spinning_stop: "1",
            ...(multipliesIntegers(graph) ? exactIntegers : {}),
            ...(isBrief ? { disable_prepacking: "1" } : {}),
            ...(folder === undefined ? {} : { model_external_initializers_file_folder_path: folder }),
          },
        },
      };
      await ask("load", { do: "create", session, model: bytes, options }, [bytes.buffer as ArrayBuffer]);
      sessions.add(session);
      return { session, weights };
    };
    const create = () => createOptimized(optimizationOf(graph, runs), createWith);
    // A large graph that runs seldom has a session, and with it its weights in the runtime, only while it runs.
    let held = isBrief ? undefined : await create();
    const run = async (feeds: Feeds, places: Readonly<Record<string, Place>>) => {
      if (held?.weights.isCurrent() === false) {
        await release(held.session);
        held = await create(); // The weights are in memory, whatever became of the file.
      }
      const { session } = held ?? (await create());
      try {
        const { sent, move } = sentFeeds(feeds, inside);
        return (await ask("run", { do: "run", session, feeds: sent, places }, move)) as Record<string, Tensor>;
      } finally {
        if (held === undefined) await release(session);
      }
    };
    return {
      async run(feeds, fetches) {
        const results = await run(feeds, Object.fromEntries(fetches.map((name) => [inside(name), "read"])));
        return Object.fromEntries(fetches.map((name) => [name, results[inside(name)]!]));
      },
      async compute(feeds, fetches, into = {}) {
        const given = (name: string) => (Object.hasOwn(into, name) ? into[name] : undefined);
        const places = fetches.map((name) => {
          const tensor = given(name);
          return tensor === undefined ? new CpuMemory() : heldFeed(tensor);
        });
        const results = await run(
          feeds,
          Object.fromEntries(
            fetches.map((name, i) => {
              const place = places[i]!;
              return [inside(name), place instanceof CpuMemory ? { keep: place.number } : place];
            }),
          ),
        );
        return Object.fromEntries(
          fetches.map((name, i) => {
            const place = places[i]!;
            if (!(place instanceof CpuMemory)) return [name, given(name)!];
            const result = results[inside(name)]!;
            place.holds(sizeOf(result.shape));
            return [name, new CpuTensor(result, place)];
          }),
        );
      },
      async release() {
        if (held !== undefined) await release(held.session);
      },
    };
  };
  const memory = { upload: CpuTensor.upload, allocate: CpuTensor.allocate, columns: cpuColumns };
  const can = { float64: true, poolingIndices: true, largestTensor: LARGEST };
  return {
    device,
    description: `${RUNTIME} ${device}`,
    can,
    algebra: createAlgebra({ device, can, compile, ...memory }),
    compile,
    ...memory,
    async dispose() {
      for (const session of sessions) await release(session);
    },
  };
}

/** A file of a model, and for a large one also its bytes without the weights, which they refer to in the file. */
export interface ModelFile {
  readonly file: string;
  readonly light: Uint8Array | undefined;
}

/**
 * Runs the file of a model once, unchanged: the runtime reads it itself, without its graph optimizations unless they are asked for. Of a
 * large file it maps the weights. `multipliesIntegers` says that it multiplies quantized matrices; then some optimizations are needed for exact sums.
 *
 * @throws PushforwardError `backend-failed` if the runtime does not load or run it
 */
export async function runFile(
  { file, light }: ModelFile,
  feeds: ReadonlyMap<string, Tensor>,
  fetches: readonly string[],
  {
    threads,
    multipliesIntegers = false,
    optimized = false,
  }: BackendOptions & { readonly multipliesIntegers?: boolean; readonly optimized?: boolean } = {},
): Promise<Map<string, Tensor>> {
  const { sent, move } = sentFeeds(Object.fromEntries(feeds), (name) => name);
  const results = await ask(
    "run",
    {
      do: "run file",
      file: light ?? file,
      options: {
        ...{ intraOpNumThreads: threadsOf(threads), logSeverityLevel: 4 },
        ...leanOptions,
        ...(multipliesIntegers
          ? { graphOptimizationLevel: "extended" }
          : optimized
            ? { graphOptimizationLevel: "all" }
            : {}),
        extra: {
          session: {
            ...(optimized ? {} : { disable_prepacking: "1" }),
            ...(multipliesIntegers ? exactIntegers : {}),
            ...(light && { model_external_initializers_file_folder_path: dirname(resolve(file)) }),
          },
        },
      },
      feeds: sent,
      places: Object.fromEntries(fetches.map((name) => [name, "read"])),
    },
    move,
  );
  return new Map(Object.entries(results as Record<string, Tensor>));
}

/** Asks the thread; what goes wrong there is told in words. */
async function ask(asked: "load" | "run", task: Task, move: readonly ArrayBuffer[] = []) {
  return cpuThread()
    .ask<Record<string, Tensor> | undefined>(task, move)
    .catch((cause: unknown) => {
      throw runtimeError(asked, cause);
    });
}

const heldFeed = (tensor: DeviceTensor) => ({ type: tensor.type, shape: tensor.shape, ...CpuTensor.of(tensor).range });

/** Feeds as they are sent to the thread, and what of them may be moved. */
function sentFeeds(feeds: Feeds, inside: (name: string) => string) {
  const move: ArrayBuffer[] = [];
  const sent = Object.entries(feeds).map(([name, tensor]): [string, Feed] => {
    if (!("data" in tensor)) return [inside(name), heldFeed(tensor)];
    const entries = sendable(tensor.data);
    move.push(...entries.move);
    return [inside(name), { type: tensor.type, shape: tensor.shape, data: entries.data }];
  });
  return { sent: Object.fromEntries(sent), move };
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
