import { nodesBehind, readsOf } from "./graph.ts";
import type { Graph, ModelInput, ValueInfo } from "./model.ts";
import { isFloat } from "./precision.ts";

/** The inputs of a graph that some tensors depend on. */
export function inputsBehind({ inputs, nodes }: Graph, tensors: readonly string[]): ValueInfo[] {
  const read = new Set([...tensors, ...nodesBehind(nodes, tensors).flatMap(readsOf)]);
  return inputs.filter(({ name }) => read.has(name));
}

/**
 * The input that pictures go to: the first for which no value is given and that the outputs depend on. Inputs of floats come before
 * others. If there is none, it is the first of floats that the outputs depend on, in place of the value given.
 */
export function mainInput<I extends Pick<ModelInput, "name" | "type"> & { readonly value?: unknown }>(
  graph: Graph,
  inputs: readonly I[],
): I | undefined {
  const behind = new Set(
    inputsBehind(
      graph,
      graph.outputs.map(({ name }) => name),
    ).map(({ name }) => name),
  );
  const used = inputs.filter(({ name }) => behind.has(name));
  const open = (used.length > 0 ? used : inputs).filter(({ value }) => value === undefined);
  const floats = (some: readonly I[]) => some.find(({ type }) => isFloat(type));
  return floats(open) ?? open[0] ?? floats(used);
}
