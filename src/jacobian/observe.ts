import { type Model, partBehind, type Tensor } from "../onnx/index.ts";
import type { Backend } from "../runtime/index.ts";

type Fed = Readonly<Record<string, Tensor>>;

/** The part of a model that computes some of its tensors, compiled. */
export interface Observation {
  /** The values of the tensors, in their order. */
  at(feeds: Fed): Promise<Float32Array[]>;
  release(): Promise<void>;
}

/**
 * Compiles what computes tensors of a model, which may be inputs. A tensor that is `held` is fed, like an input, instead of computed.
 */
export async function compileObservation(
  { onnx, values }: Model,
  backend: Backend,
  tensors: readonly string[],
  { held, runs }: { readonly held?: string | undefined; readonly runs: "once" | "often" },
): Promise<Observation> {
  const inputs = onnx.graph.inputs.filter(({ name }) => name !== held);
  const given = held === undefined ? inputs : [...inputs, { name: held, ...values.get(held)! }];
  const graph = { ...onnx.graph, inputs: given };
  const fetches = tensors.filter((name) => !graph.inputs.some((input) => input.name === name));
  const outputs = fetches.map((name) => ({ name, ...values.get(name)! }));
  const part = { ...partBehind(graph, fetches, held === undefined ? [] : [held]), outputs };
  const executable = fetches.length === 0 ? undefined : await backend.compile({ ...onnx, graph: part }, { runs });
  return {
    at: async (feeds) => {
      const found = { ...feeds, ...(await executable?.run(feeds, fetches)) };
      return tensors.map((name) => found[name]!.data as Float32Array);
    },
    release: async () => executable?.release(),
  };
}

/** The values of tensors of a model at each of several feeds: [feeds][tensors]. `held` as for `compileObservation`. */
export async function observe(
  model: Model,
  backend: Backend,
  tensors: readonly string[],
  all: readonly Fed[],
  held?: string,
): Promise<Float32Array[][]> {
  const observation = await compileObservation(model, backend, tensors, {
    held,
    runs: all.length === 1 ? "once" : "often",
  });
  try {
    const observed: Float32Array[][] = [];
    for (const feeds of all) observed.push(await observation.at(feeds));
    return observed;
  } finally {
    await observation.release();
  }
}
