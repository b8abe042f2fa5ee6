import { intTensor, node, toNumbers } from "./build.ts";
import type { Observe } from "./flow/observe.ts";
import { allNames, freshName, withGraph } from "./graph.ts";
import type { OnnxModel, Tensor, TensorType } from "./model.ts";

/** What one run of a model showed of its tensors: the type and shape of each that was observed, and the values of some. */
export interface Observation {
  readonly types: ReadonlyMap<string, TensorType>;
  readonly values: ReadonlyMap<string, Tensor>;
}

/** An observation that is asked about single tensors. */
export interface Observed {
  readonly types: Pick<Observation["types"], "has" | "get">;
  readonly values: Pick<Observation["values"], "get">;
}

/** Both observations together; what the second one saw counts. */
export const seenTogether = (a: Observation, b: Observation): Observation => ({
  types: new Map([...a.types, ...b.types]),
  values: new Map([...a.values, ...b.values]),
});

/**
 * Observes some tensors in one run, and reads the values of those for which `needsValue` holds. Of the others the run returns type and
 * shape only, so that a large network does not have to hold all its activations at once. Initializers are not observed.
 *
 * @throws PushforwardError what `observe` throws
 */
export async function observeTypes(
  observe: Observe,
  model: OnnxModel,
  names: readonly string[],
  needsValue: (name: string) => boolean,
): Promise<Observation> {
  const { inputs, initializers, nodes } = model.graph;
  const fed = new Set(inputs.map(({ name }) => name));
  const observed = names.filter((name) => !initializers.has(name));
  const whole = observed.filter((name) => fed.has(name) || needsValue(name));
  const read = new Set(whole);
  const taken = allNames(model.graph);
  const [flat, none] = [freshName(taken, "observed/flat"), freshName(taken, "observed/none")];
  // The shape of a tensor, and as its type the first none of its entries. ONNX Runtime computes what ends a graph beginning with its last
  // node. So that no tensor is held for long, the first ones are asked for last.
  const asking = [...new Set(observed)]
    .filter((name) => !read.has(name))
    .reverse()
    .map((name) => {
      const [shape, line, empty] = ["shape", "line", "empty"].map((role) => freshName(taken, `${name}/${role}`));
      return { name, shape: shape!, line: line!, empty: empty! };
    });
  const asked = withGraph(model, {
    nodes: [
      ...nodes,
      ...asking.flatMap(({ name, shape, line, empty }) => [
        node({ op: "Shape", inputs: [name], outputs: [shape] }),
        node({ op: "Reshape", inputs: [name, flat], outputs: [line] }),
        node({ op: "Gather", inputs: [line, none], outputs: [empty] }),
      ]),
    ],
    initializers: new Map([...initializers, [flat, intTensor([-1])], [none, intTensor([])]]),
  });
  const found = await observe(asked, [...whole, ...asking.flatMap(({ shape, empty }) => [shape, empty])]);
  const types = new Map<string, TensorType>();
  const values = new Map<string, Tensor>();
  for (const name of whole) {
    const tensor = found.get(name);
    if (tensor === undefined) continue;
    types.set(name, { type: tensor.type, shape: tensor.shape });
    values.set(name, tensor);
  }
  for (const { name, shape, empty } of asking) {
    types.set(name, { type: found.get(empty)!.type, shape: toNumbers(found.get(shape)!) });
  }
  return { types, values };
}
