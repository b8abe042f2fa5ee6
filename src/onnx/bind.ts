import { formatShape, PushforwardError, type Shape, sameShape, sizeOf } from "../base/index.ts";
import { withGraph } from "./graph.ts";
import type { OnnxModel, Tensor, ValueInfo } from "./model.ts";
import { dataTypes } from "./tensor-types.ts";

/** Shapes asked for, by input. */
export type InputShapes = ReadonlyMap<string, Shape>;

type Extents = readonly (number | string)[];

const isOpen = (extent: number | string | undefined): boolean => typeof extent !== "number" || extent <= 0;

/**
 * The model with a fixed shape at every input: the one asked for, else the file's own with a batch of 1. A symbol bound at
 * one input is bound at all; a shape asked for may leave out the batch axis.
 *
 * @throws PushforwardError `shape-mismatch` where an extent stays open, or what is asked for contradicts the file
 */
export function bindInputs(model: OnnxModel, asked: InputShapes): OnnxModel {
  const { inputs } = model.graph;
  const unknown = [...asked.keys()].find((name) => !inputs.some((input) => input.name === name));
  if (unknown !== undefined) {
    throw new PushforwardError("shape-mismatch", {
      what: `A shape is given for "${unknown}", which is no input of the model.`,
      fix: `Its inputs are: ${inputs.map((input) => input.name).join(", ")}.`,
    });
  }
  const symbols = new Map<string, number>();
  for (const input of inputs) if (asked.has(input.name)) match(input, asked.get(input.name), symbols);
  const matched = inputs.map((input) => match(input, asked.get(input.name), symbols));
  const bound = matched.map(({ input, extents }): ValueInfo => {
    const shape = extents.map((extent) => (typeof extent === "string" ? (symbols.get(extent) ?? extent) : extent));
    if (shape.some((extent) => typeof extent === "string")) throw openError(input, extents, inputs.length);
    return { ...input, shape };
  });
  return withGraph(model, { inputs: bound });
}

function match(input: ValueInfo, asked: Shape | undefined, symbols: Map<string, number>) {
  const own: Extents | undefined = input.shape;
  if (own === undefined) return { input, extents: asked ?? (["?"] as Extents) };
  const withBatch = asked !== undefined && asked.length === own.length - 1 ? [batchOf(own), ...asked] : asked;
  if (asked !== undefined && withBatch?.length !== own.length) throw contradiction(input, asked);
  const extents = own.map((extent, axis): number | string => {
    const wanted = withBatch?.[axis];
    if (!isOpen(extent)) {
      if (wanted !== undefined && wanted !== extent) throw contradiction(input, asked!);
      return extent;
    }
    const symbol = typeof extent === "string" ? extent : "?";
    const value = wanted ?? symbols.get(symbol) ?? (axis === 0 ? 1 : undefined);
    if (value === undefined) return symbol;
    if (symbol !== "?") {
      if ((symbols.get(symbol) ?? value) !== value) throw contradiction(input, asked ?? []);
      symbols.set(symbol, value);
    }
    return value;
  });
  return { input, extents };
}

const batchOf = (own: Extents): number => (isOpen(own[0]) ? 1 : (own[0] as number));

const declared = ({ shape }: ValueInfo): string =>
  shape === undefined
    ? "unknown"
    : shape.map((extent) => (typeof extent === "number" && isOpen(extent) ? "?" : extent)).join("×") || "scalar";

function contradiction(input: ValueInfo, asked: Shape): PushforwardError {
  return new PushforwardError("shape-mismatch", {
    what: `Input "${input.name}" has shape ${declared(input)} in the file, and ${formatShape(asked)} is asked for.`,
    fix: "Give a shape that agrees with the file's fixed extents, or export the model with open ones.",
  });
}

function openError(input: ValueInfo, extents: Extents, count: number): PushforwardError {
  const open = extents.filter((extent) => typeof extent === "string").join(", ");
  return new PushforwardError("shape-mismatch", {
    what: `Input "${input.name}" has shape ${declared(input)}: nothing says how large ${open} is.`,
    fix: count === 1 ? "Give the shape of the input." : `Give a shape for input "${input.name}".`,
  });
}

/**
 * What to feed the bound model: the tensors given, zeros for every other input.
 *
 * @throws PushforwardError `shape-mismatch` where a given tensor has another type or shape than its input
 */
export function feedsFor({ graph }: OnnxModel, given: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  return new Map(
    graph.inputs.map(({ name, type = "float32", shape = [] }) => {
      const fixed = shape as Shape;
      const tensor = given.get(name) ?? zeros(type, fixed);
      if (tensor.type !== type || !sameShape(tensor.shape, fixed)) {
        throw new PushforwardError("shape-mismatch", {
          what: `Input "${name}" is ${type} of shape ${formatShape(fixed)}; ${tensor.type} of shape ${formatShape(tensor.shape)} is given.`,
          fix: "Give a tensor of the input's type and shape.",
        });
      }
      return [name, tensor];
    }),
  );
}

function zeros(type: Tensor["type"], shape: Shape): Tensor {
  const { array } = dataTypes[type];
  const count = sizeOf(shape);
  return { type, shape, data: array === undefined ? new Array<string>(count).fill("") : new array(count) };
}
