import { type Model, partBehind, type Tensor } from "../onnx/index.ts";
import type { Backend } from "../runtime/index.ts";

/**
 * The values of tensors of a model, which may be inputs, at each of several feeds: [feeds][tensors]. A tensor that is `held` is fed, like
 * an input, instead of computed.
 */
export async function observe(
  { onnx, values }: Model,
  backend: Backend,
  tensors: readonly string[],
  all: readonly Readonly<Record<string, Tensor>>[],
  held?: string,
): Promise<Float32Array[][]> {
  const inputs = onnx.graph.inputs.filter(({ name }) => name !== held);
  const given = held === undefined ? inputs : [...inputs, { name: held, ...values.get(held)! }];
  const graph = { ...onnx.graph, inputs: given };
  const fetches = tensors.filter((name) => !graph.inputs.some((input) => input.name === name));
  const outputs = fetches.map((name) => ({ name, ...values.get(name)! }));
  const part = { ...partBehind(graph, fetches, held === undefined ? [] : [held]), outputs };
  const runs = all.length === 1 ? "once" : "often";
  const executable = fetches.length === 0 ? undefined : await backend.compile({ ...onnx, graph: part }, { runs });
  try {
    const observed: Float32Array[][] = [];
    for (const feeds of all) {
      const found = { ...feeds, ...(await executable?.run(feeds, fetches)) };
      observed.push(tensors.map((name) => found[name]!.data as Float32Array));
    }
    return observed;
  } finally {
    await executable?.release();
  }
}
