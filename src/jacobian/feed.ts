import { formatShape, PushforwardError, type Shape, sameShape, sizeOf } from "../base/index.ts";
import {
  type Model,
  nodesBehind,
  readsOf,
  type Tensor,
  type TensorData,
  type ValueInfo,
  zeros,
} from "../onnx/index.ts";
import type { Tap } from "./taps.ts";

/** A point at which to linearize: the input of the network, with or without its batch axis. */
export type Point = Float32Array | { readonly shape: Shape; readonly data: Float32Array };

/** The inputs of the graph that a tensor depends on. */
export function inputsBehind({ onnx: { graph } }: Model, tensor: string): ValueInfo[] {
  const read = new Set([tensor, ...nodesBehind(graph.nodes, [tensor]).flatMap(readsOf)]);
  return graph.inputs.filter(({ name }) => read.has(name));
}

/**
 * The input that is fed: the only tap that is one, or the only one of them that the outputs depend on.
 *
 * @throws PushforwardError `model-invalid` naming the inputs that the network uses
 */
export function inputAmong(model: Model, taps: readonly Tap[]): Tap {
  const { graph } = model.onnx;
  const behind = new Set(graph.outputs.flatMap(({ name }) => inputsBehind(model, name)));
  const used = graph.inputs.filter((input) => behind.has(input));
  const inputs = taps.filter((tap) => tap.op === "Input");
  const candidates =
    inputs.length > 1 ? inputs.filter(({ tensor }) => used.some(({ name }) => name === tensor)) : inputs;
  if (candidates.length === 1) return candidates[0]!;
  throw new PushforwardError("model-invalid", {
    what:
      used.length === 0
        ? "The outputs of the network depend on no input."
        : `One input can be fed, and the network uses ${used.length}: ${used.map(describeInput).join(", ")}.`,
    fix: "Fix the other inputs as initializers and export again.",
  });
}

/** An input for people: `len (int64, 1×3)`. */
export function describeInput({ name, type = "float32", shape = [] }: ValueInfo): string {
  return `${name} (${type}, ${formatShape(shape as Shape)})`;
}

/**
 * What to feed a network at a point: the point as its input, in the type of that, and zeros for inputs that are not fed (nothing that
 * is asked for depends on them).
 *
 * @throws PushforwardError `shape-mismatch` if the point does not fit, or holds what the type of the input does not
 */
export function feedsAt(model: Model, input: Tap, point: Point): Record<string, Tensor> {
  const { type, shape: full } = model.values.get(input.tensor)!;
  const data = point instanceof Float32Array ? point : point.data;
  const given = point instanceof Float32Array ? undefined : point.shape;
  const fits = given === undefined || sameShape(given, input.shape) || sameShape(given, full);
  if (data.length !== sizeOf(full) || !fits) {
    throw new PushforwardError("shape-mismatch", {
      what: `The input is ${given ? formatShape(given) : `${data.length} numbers`}, but the network takes ${formatShape(input.shape)}.`,
      where: { tap: input.name },
      fix: "Give an array of the network's input shape, or choose a preprocessing that produces it.",
    });
  }
  return Object.fromEntries(
    model.onnx.graph.inputs.map(({ name }) => {
      const own = model.values.get(name)!;
      const tensor = name === input.tensor ? { type, shape: full, data: inType(data, own.type, input) } : undefined;
      return [name, tensor ?? zeros(own.type, own.shape)];
    }),
  );
}

/** Numbers as entries of a type, each unchanged. */
function inType(data: Float32Array, type: Tensor["type"], input: Tap): TensorData {
  if (type === "float32") return data;
  const typed = zeros(type, [data.length]).data as Exclude<TensorData, readonly string[]>;
  const isBig = typed instanceof BigInt64Array || typed instanceof BigUint64Array;
  for (const [i, value] of data.entries()) {
    if (isBig && Number.isInteger(value)) typed[i] = BigInt(value);
    else if (!isBig) typed[i] = value;
    if (Number(typed[i]) === value && (type !== "bool" || value === 0 || value === 1)) continue;
    throw new PushforwardError("shape-mismatch", {
      what: `Input "${input.name}" holds ${type}, and entry ${i} of the array is ${value}.`,
      where: { tap: input.name },
      fix: `Give an .npy array whose entries are numbers of type ${type}.`,
    });
  }
  return typed;
}
