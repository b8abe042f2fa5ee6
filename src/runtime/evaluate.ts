import type { Evaluate } from "../onnx/index.ts";
import type { Backend } from "./backend.ts";

/** An `Evaluate` for `normalize` and `linearize`, which runs each graph once on a backend. */
export function evaluateWith(backend: Pick<Backend, "compile">): Evaluate {
  return async (model, feeds, fetches) => {
    const executable = await backend.compile(model, { runs: "once" });
    try {
      return new Map(Object.entries(await executable.run(Object.fromEntries(feeds), fetches)));
    } finally {
      await executable.release();
    }
  };
}
