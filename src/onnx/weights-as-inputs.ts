import { nearestNames, PushforwardError } from "../base/index.ts";
import { constantOf } from "./constant-node.ts";
import { withGraph } from "./graph.ts";
import type { Graph, InputValue, Model, ModelInput, OnnxModel, Tensor } from "./model.ts";
import { isFloat } from "./precision.ts";
import { toFloat32Array } from "./tensor-types.ts";

/** The weights of a graph by name: its initializers and the results of its Constant nodes, if they hold floats. */
export function weightsOf({ initializers, nodes }: Graph): ReadonlyMap<string, Tensor> {
  const constants = nodes.flatMap((node) => {
    const value = constantOf(node);
    return value === undefined ? [] : [[node.outputs[0]!, value] as const];
  });
  return new Map([...initializers, ...constants].filter(([, { type }]) => isFloat(type)));
}

/**
 * The model with some of its weights as inputs of the same names, and the values that these have in it.
 *
 * @throws PushforwardError `usage` for a name that is not a weight's
 */
export function weightsAsInputs(
  model: OnnxModel,
  names: readonly string[],
): { readonly model: OnnxModel; readonly values: ReadonlyMap<string, InputValue> } {
  if (names.length === 0) return { model, values: new Map() };
  const { inputs, initializers, nodes } = model.graph;
  const weights = weightsOf(model.graph);
  const chosen = new Map(names.map((name) => [name, weights.get(name) ?? refuse(name, [...weights.keys()])]));
  const values = [...chosen].map(
    ([name, tensor]) => [name, { shape: tensor.shape, data: toFloat32Array(tensor) }] as const,
  );
  return {
    values: new Map(values),
    model: withGraph(model, {
      inputs: [...inputs, ...[...chosen].map(([name, { type, shape }]) => ({ name, type, shape }))],
      initializers: new Map([...initializers].filter(([name]) => !chosen.has(name))),
      nodes: nodes.filter((node) => constantOf(node) === undefined || !chosen.has(node.outputs[0]!)),
    }),
  };
}

/** The weights of a network that are inputs of it. */
const inputWeights = ({ inputs = [] }: Model): (ModelInput & { readonly value: Tensor })[] =>
  inputs.flatMap((input) => (input.isWeight && input.value !== undefined ? { ...input, value: input.value } : []));

/** The network with all its weights as initializers, also those that are inputs of it. */
export function weightsInside(model: Model): Model {
  const weights = new Map(inputWeights(model).map(({ name, value }) => [name, value]));
  if (weights.size === 0) return model;
  const { inputs, initializers } = model.onnx.graph;
  return {
    ...model,
    inputs: model.inputs!.filter(({ isWeight }) => !isWeight),
    onnx: withGraph(model.onnx, {
      inputs: inputs.filter(({ name }) => !weights.has(name)),
      initializers: new Map([...initializers, ...weights]),
    }),
  };
}

/** The reverse of `weightsInside`: those weights are inputs that are inputs of another network of the same graph. */
export function weightsOutsideAs(other: Model, model: Model): Model {
  const names = new Set(inputWeights(other).map(({ name }) => name));
  if (names.size === 0) return model;
  const { initializers } = model.onnx.graph;
  return {
    ...model,
    inputs: other.inputs!.map((input) =>
      names.has(input.name) ? { ...input, value: initializers.get(input.name)! } : input,
    ),
    onnx: withGraph(model.onnx, {
      inputs: other.onnx.graph.inputs,
      initializers: new Map([...initializers].filter(([name]) => !names.has(name))),
    }),
  };
}

function refuse(name: string, weights: readonly string[]): never {
  const near = nearestNames(name, weights);
  const some = near.length > 0 ? near : weights.slice(0, 8);
  throw new PushforwardError("usage", {
    what: `"${name}" is not a weight of the network: an initializer, or the result of a Constant, that holds floats.`,
    fix:
      some.length === 0
        ? "The network has no weights."
        : `${near.length > 0 ? "Did you mean" : "Its weights begin with"} ${some.map((one) => `"${one}"`).join(", ")}${near.length > 0 ? "?" : "."}`,
  });
}
