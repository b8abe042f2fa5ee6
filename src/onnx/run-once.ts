import { withGraph } from "./graph.ts";
import type { Evaluate, OnnxModel, Tensor } from "./model.ts";

/**
 * Runs a model once for some of its tensors. ONNX Runtime refuses a model if a branch does not fit the shapes of its inputs, even if the
 * branch is not taken; the model is then run with inputs of unknown shapes.
 */
export async function runOnce(
  evaluate: Evaluate,
  model: OnnxModel,
  feeds: ReadonlyMap<string, Tensor>,
  fetches: readonly string[],
): Promise<ReadonlyMap<string, Tensor>> {
  const outputs = fetches.map((name) => ({ name, type: undefined, shape: undefined }));
  const asked = withGraph(model, { outputs });
  const inputs = model.graph.inputs.map((input) => ({ ...input, shape: undefined }));
  return evaluate(asked, feeds, fetches).catch((cause: unknown) =>
    evaluate(withGraph(asked, { inputs }), feeds, fetches).catch(() => Promise.reject(cause)),
  );
}
