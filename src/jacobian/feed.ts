import { formatShape, PushforwardError, type Shape } from "../base/index.ts";
import {
  type InputValue,
  inputsBehind,
  type Model,
  type ModelInput,
  mainInput,
  type Tensor,
  tensorOf,
  type ValueInfo,
  zeros,
} from "../onnx/index.ts";

/** A point at which to linearize: the value of the input that pictures go to, or values of inputs by name. */
export type Point = InputValue | Readonly<Record<string, InputValue>>;

/** The inputs of the file of a model. */
export function inputsOf({ inputs, onnx: { graph } }: Model): readonly ModelInput[] {
  return inputs ?? graph.inputs.map(({ name, type = "float32", shape }) => ({ name, type, shape: shape as Shape }));
}

/** An input of a network, and where its value comes from at a point. */
export interface NetworkInput extends ModelInput {
  /**
   * `pictures`: it takes what a point is. `given`: it is held at its value. `missing`: the outputs depend on it, and it has no value.
   * `unused`: the outputs do not depend on it.
   */
  readonly state: "pictures" | "given" | "missing" | "unused";
}

/** All inputs of the file, in its order. */
export function inputStates(model: Model): NetworkInput[] {
  const { graph } = model.onnx;
  const inputs = inputsOf(model);
  const main = mainInput(graph, inputs);
  const outputs = graph.outputs.map(({ name }) => name);
  const used = new Set([...inputsBehind(graph, outputs), ...inputsDeciding(model)].map(({ name }) => name));
  return inputs.map((input) => {
    if (input === main) return { ...input, state: "pictures" };
    if (input.value !== undefined) return { ...input, state: "given" };
    return { ...input, state: used.has(input.name) ? "missing" : "unused" };
  });
}

/** The inputs that decide the structure of a model. */
export function inputsDeciding({ structure }: Model): readonly ValueInfo[] {
  if (structure === undefined) return [];
  const { graph } = structure.deciding;
  return inputsBehind(
    graph,
    graph.outputs.map(({ name }) => name),
  );
}

/** An input for people: `len (int64, 1×3)`. */
export function describeInput({ name, type = "float32", shape = [] }: ValueInfo): string {
  return `${name} (${type}, ${formatShape(shape as Shape)})`;
}

const isNamed = (point: Point): point is Readonly<Record<string, InputValue>> =>
  typeof point === "object" && !ArrayBuffer.isView(point) && !Array.isArray(point.shape);

/**
 * What to feed a network at a point: the values of the point, those given for other inputs, and zeros for inputs on which the tensors that
 * are asked for do not depend.
 *
 * @throws PushforwardError `usage` for an input without a value on which a tensor depends, for a name that is no input's, and for
 * another value of an input that is a constant; `shape-mismatch` if a value does not fit its input
 */
export function feedsAt(model: Model, point: Point, tensors: readonly string[]): Record<string, Tensor> {
  return feedsFor(model, point, inputsBehind(model.onnx.graph, tensors));
}

/** The same for what decides the structure of a model. */
export function feedsDeciding(model: Model, point: Point): Record<string, Tensor> {
  return feedsFor(model, point, inputsDeciding(model));
}

function feedsFor(model: Model, point: Point, needed: readonly ValueInfo[]): Record<string, Tensor> {
  const { graph } = model.onnx;
  const inputs = inputStates(model);
  const main = inputs.find(({ state }) => state === "pictures");
  const values = new Map(isNamed(point) ? Object.entries(point) : main === undefined ? [] : [[main.name, point]]);
  requireFree(model, [...values.keys()]);
  const given = new Map(inputs.map(({ name, value }) => [name, value]));
  const behind = new Set(needed.map(({ name }) => name));
  const missing = inputs.filter(({ name, value }) => behind.has(name) && !values.has(name) && value === undefined);
  if (missing.length > 0) throw missingError(missing);
  return Object.fromEntries(
    graph.inputs.map(({ name }) => {
      const own = model.values.get(name)!;
      const value = values.get(name);
      return [name, value === undefined ? (given.get(name) ?? zeros(own.type, own.shape)) : tensorOf(name, own, value)];
    }),
  );
}

/** What is wrong where inputs have no value, and how to give them one. */
export function missingError(missing: readonly ValueInfo[]): PushforwardError {
  const options = missing.map(({ name }) => `--input ${name}=FILE.npy`).join(" ");
  return new PushforwardError("usage", {
    what: `${missing.length === 1 ? "This input has" : "These inputs have"} no value: ${missing.map(describeInput).join(", ")}.`,
    fix: `Give it by ${options}, or a number in place of a file (in the library: inputs, or by name in at).`,
  });
}

/** @throws PushforwardError `usage` for a name that is not of an input of the graph */
function requireFree(model: Model, names: readonly string[]): void {
  const { inputs } = model.onnx.graph;
  const other = names.find((name) => !inputs.some((input) => input.name === name));
  if (other === undefined) return;
  const constant = inputsOf(model).find(({ name, value }) => name === other && value !== undefined);
  throw new PushforwardError("usage", {
    what:
      constant === undefined
        ? `A value is given for "${other}", which is not an input of the network.`
        : `The value of input "${other}" was given when the network was opened, and the network is now the one with this value.`,
    fix:
      constant === undefined
        ? `The inputs are ${inputs.map(describeInput).join(", ")}.`
        : "Open the network again with the other value, or without one.",
  });
}
