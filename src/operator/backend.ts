import type { Evaluate, OnnxModel, Tensor } from "../onnx/index.ts";
import type { BlockAlgebra } from "./block-algebra.ts";

/** A compiled graph. */
export interface Executable {
  /**
   * Runs the graph. Outputs named in `into` are written into the given tensors (same shape and type) and returned as those.
   *
   * @throws PushforwardError `backend-failed` with the runtime's own message
   */
  run(
    feeds: Readonly<Record<string, Tensor>>,
    fetches: readonly string[],
    into?: Readonly<Record<string, Tensor>>,
  ): Promise<Record<string, Tensor>>;
  release(): Promise<void>;
}

/** A runtime for ONNX graphs: ONNX Runtime, native or in the browser. */
export interface Backend {
  /** Name and version, as written into results. */
  readonly description: string;
  readonly algebra: BlockAlgebra;
  /** @throws PushforwardError `backend-failed` where the runtime refuses the graph */
  compile(model: OnnxModel): Promise<Executable>;
  /** Releases everything that was compiled. */
  dispose(): Promise<void>;
}

/** An `Evaluate` for `normalize` and `linearize`, which runs each graph once on a backend. */
export function evaluateWith(backend: Backend): Evaluate {
  return async (model, feeds, fetches) => {
    const executable = await backend.compile(model);
    try {
      return new Map(Object.entries(await executable.run(Object.fromEntries(feeds), fetches)));
    } finally {
      await executable.release();
    }
  };
}
