import "./no-telemetry.ts";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import * as ort from "onnxruntime-node";
import { messageOf, PushforwardError } from "../../base/index.ts";
import { type OnnxModel, type Tensor, writeModel } from "../../onnx/index.ts";
import type { Backend, Executable } from "../../operator/index.ts";
import { createBlockAlgebra } from "./block-algebra.ts";

const { version } = createRequire(import.meta.url)("onnxruntime-node/package.json") as { version: string };

export interface BackendOptions {
  /** Threads of one product, at most one for each core: more are not taken. All cores unless given. */
  readonly threads?: number;
}

/**
 * ONNX Runtime on the CPU, in this process.
 *
 * @throws PushforwardError `usage` for threads that are no whole number of at least 1
 */
export function createBackend({ threads }: BackendOptions = {}): Backend {
  const intraOpNumThreads = threadsOf(threads);
  const sessions = new Set<ort.InferenceSession>();
  const compile = async (model: OnnxModel): Promise<Executable> => {
    const session = await ort.InferenceSession.create(writeModel(model), {
      intraOpNumThreads,
      graphOptimizationLevel: "all",
      logSeverityLevel: 3,
      // Else a session's threads spin on after its run and take the cores from the next session's.
      extra: { session: { force_spinning_stop: "1" } },
    }).catch((cause: unknown) => {
      throw failed("ONNX Runtime cannot load this graph", cause);
    });
    sessions.add(session);
    return {
      async run(feeds, fetches, into = {}) {
        const inputs = Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, toOrt(tensor)]));
        const outputs = Object.fromEntries(fetches.map((name) => [name, into[name] ? toOrt(into[name]) : null]));
        const results = await session.run(inputs, outputs).catch((cause: unknown) => {
          throw failed("ONNX Runtime failed while running a graph", cause);
        });
        return Object.fromEntries(fetches.map((name) => [name, into[name] ?? fromOrt(results[name]!)]));
      },
      async release() {
        if (sessions.delete(session)) await session.release();
      },
    };
  };
  return {
    description: `onnxruntime-node ${version} cpu`,
    algebra: createBlockAlgebra(compile),
    compile,
    async dispose() {
      for (const session of sessions) await session.release();
      sessions.clear();
    },
  };
}

/** The runtime's number of threads: 0 leaves the choice to it. */
function threadsOf(asked: number | undefined): number {
  if (asked === undefined) return 0;
  if (Number.isSafeInteger(asked) && asked >= 1) return Math.min(asked, availableParallelism());
  throw new PushforwardError("usage", {
    what: `threads is ${asked}, but must be a whole number of at least 1.`,
    fix: "Leave it out for all cores.",
  });
}

function failed(what: string, cause: unknown): PushforwardError {
  return new PushforwardError("backend-failed", { what: `${what}: ${messageOf(cause).trim()}`, cause });
}

function toOrt({ type, shape, data }: Tensor): ort.Tensor {
  return new ort.Tensor(type as "float32", data as Float32Array, shape);
}

function fromOrt(tensor: ort.Tensor): Tensor {
  return { type: tensor.type as Tensor["type"], shape: tensor.dims, data: tensor.data as Tensor["data"] };
}
