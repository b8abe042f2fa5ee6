import { formatShape, PushforwardError, quoted, type Shape, sizeOf } from "../base/index.ts";
import { zeros } from "./build.ts";
import { withGraph } from "./graph.ts";
import { tensorOf } from "./input-values.ts";
import type { DataType, InputValue, OnnxModel, Tensor, ValueInfo } from "./model.ts";

/** The shapes that the caller gives, by input. */
export type InputShapes = ReadonlyMap<string, Shape>;

type Extents = readonly (number | string)[];

const isOpen = (extent: number | string | undefined): boolean => typeof extent !== "number" || extent <= 0;

/** The symbols that converters write for extents that they do not know. Two extents with such a symbol need not be equal. */
const placeholder = /^(\?|-1|none|null|nil|unk(nown)?|dyn(amic)?|\*|)$/i;

/**
 * The model with a fixed shape for every input: the given shape, or else that of the file with a batch of 1. A symbol has the same value
 * at all inputs. A given shape may leave out the batch axis.
 *
 * The batch axis is the first axis, if it is open and no other axis of any input has its symbol. If the first axis and another axis of
 * the same input have the same symbol, it means only that neither extent is known; the two need not be equal.
 *
 * @throws PushforwardError `shape-mismatch` if an extent stays open, or a given shape contradicts the file
 */
export function bindInputs(model: OnnxModel, asked: InputShapes): OnnxModel {
  const { inputs } = model.graph;
  const unknown = [...asked.keys()].find((name) => !inputs.some((input) => input.name === name));
  if (unknown !== undefined) {
    throw new PushforwardError("shape-mismatch", {
      what: `A shape is given for "${unknown}", which is not an input of the model.`,
      fix: `Its inputs are: ${inputs.map((input) => input.name).join(", ")}.`,
    });
  }
  const meaningless = placeholdersIn(inputs);
  const symbolAt = (extent: number | string): string | undefined =>
    typeof extent === "string" && !meaningless.has(extent) ? extent : undefined;
  const inner = new Set(inputs.flatMap(({ shape = [] }) => shape.slice(1).map(symbolAt)));
  const symbols = new Map<string, number>();
  for (const input of inputs) bindSymbols(input, asked.get(input.name), symbolAt, symbols);
  const bound = inputs.map((input): ValueInfo => {
    const own = input.shape ?? asked.get(input.name);
    if (own === undefined) throw openError(input, [], inputs);
    const wanted = withBatch(input, asked.get(input.name));
    const extents = own.map((extent, axis): number | string => {
      if (!isOpen(extent)) return extent;
      const symbol = symbolAt(extent);
      const known = wanted?.[axis] ?? (symbol === undefined ? undefined : symbols.get(symbol));
      const isBatch = axis === 0 && (symbol === undefined || !inner.has(symbol));
      return known ?? (isBatch ? 1 : (symbol ?? "?"));
    });
    if (extents.some((extent) => typeof extent === "string")) throw openError(input, extents, inputs);
    return { ...input, shape: extents };
  });
  return withGraph(model, { inputs: bound });
}

/** Symbols without a meaning: because of their name, or because an input has them on its first axis and on other axes. */
function placeholdersIn(inputs: readonly ValueInfo[]): Set<string> {
  const symbols = inputs.flatMap(({ shape = [] }) => shape.filter((extent) => typeof extent === "string"));
  const repeated = inputs.flatMap(({ shape: [first, ...others] = [] }) =>
    typeof first === "string" && others.includes(first) ? [first] : [],
  );
  return new Set([...symbols.filter((symbol) => placeholder.test(symbol)), ...repeated]);
}

/** The given shape with one extent for each axis of the input; `undefined` for a batch axis that is left out. */
function withBatch({ shape: own }: ValueInfo, asked: Shape | undefined): (number | undefined)[] | undefined {
  if (asked === undefined || own === undefined) return asked?.slice();
  return asked.length === own.length - 1 ? [undefined, ...asked] : asked.slice();
}

/** Binds the symbols of an input to the given shape, after checking that the two agree. */
function bindSymbols(
  input: ValueInfo,
  asked: Shape | undefined,
  symbolAt: (extent: number | string) => string | undefined,
  symbols: Map<string, number>,
): void {
  const wanted = withBatch(input, asked);
  if (asked === undefined || wanted === undefined || input.shape === undefined) return;
  if (wanted.length !== input.shape.length) throw contradiction(input, asked);
  input.shape.forEach((extent, axis) => {
    const value = wanted[axis];
    if (value === undefined) return;
    if (!isOpen(extent) && value !== extent) throw contradiction(input, asked);
    const symbol = symbolAt(extent);
    if (symbol === undefined) return;
    if ((symbols.get(symbol) ?? value) !== value) throw contradiction(input, asked);
    symbols.set(symbol, value);
  });
}

const declared = ({ shape }: ValueInfo): string =>
  shape === undefined
    ? "unknown"
    : shape.map((extent) => (typeof extent === "number" && isOpen(extent) ? "?" : extent)).join("×") || "scalar";

function contradiction(input: ValueInfo, asked: Shape): PushforwardError {
  return new PushforwardError("shape-mismatch", {
    what: `The input "${input.name}" has the shape ${declared(input)} in the file, but ${formatShape(asked)} is given.`,
    fix: "Give a shape (--shape) that agrees with the fixed extents of the file, or export the model with open extents.",
  });
}

/** `extents` as far as they are known, with a symbol for each open one; empty if the file gives no shape. */
function openError(input: ValueInfo, extents: Extents, inputs: readonly ValueInfo[]): PushforwardError {
  const { name } = input;
  const open = extents.flatMap((extent, axis) => (typeof extent === "string" ? [axis] : []));
  const axes = `${open.length === 1 ? "axis" : "axes"} ${open.join(" and ").replaceAll(/ and (?=.* and )/g, ", ")}`;
  const what =
    extents.length === 0
      ? `The file does not say which shape input "${name}" has.`
      : `Input "${name}" has shape ${declared(input)}: the file leaves ${axes} open (axis 0 is the first).`;
  if (inputs.length === 1) {
    return new PushforwardError("shape-mismatch", {
      what,
      fix: `Give the shape of the input, for example --shape ${example(extents)} (in the library: inputShape).`,
    });
  }
  const all = inputs.map((one) => `${one.name} (${one.type ?? "float32"}, ${declared(one)})`).join(", ");
  return new PushforwardError("shape-mismatch", {
    what: `${what} The inputs are ${all}.`,
    fix:
      `Give its shape, for example --shape ${quoted(`${name}=${example(extents)}`)} (in the library: inputShapes), ` +
      `or its value with --input ${quoted(`${name}=FILE.npy`)} (inputs).`,
  });
}

/** An example of a shape without batch axis, as the value of an option. */
function example(extents: Extents): string {
  if (extents.length === 0) return "3,224,224";
  const size = extents.length === 4 ? 224 : 16;
  const own = extents.length === 1 ? extents : extents.slice(1);
  return own.map((extent) => (typeof extent === "number" ? extent : size)).join(",");
}

/** An input without a value is made of zeros, or of empty texts: at most so many. */
const [MOST_ENTRIES, MOST_TEXTS] = [2 ** 28, 2 ** 20];

/** @throws PushforwardError `shape-mismatch` for an input that does not fit into memory */
function requireModest(name: string, type: DataType, shape: Shape): void {
  const most = type === "string" ? MOST_TEXTS : MOST_ENTRIES;
  if (sizeOf(shape) <= most) return;
  throw new PushforwardError("shape-mismatch", {
    what: `Input "${name}" has shape ${formatShape(shape)}, which is more than ${most / 2 ** 20} × 2^20 entries.`,
    fix: "The file is damaged, or give a smaller shape (--shape) where the file leaves it open.",
  });
}

/**
 * The inputs for the bound model: the given values, and zeros for every other input.
 *
 * @throws PushforwardError `shape-mismatch` if a value does not fit its input, or the input does not fit into memory
 */
export function feedsFor({ graph }: OnnxModel, given: ReadonlyMap<string, InputValue>): Map<string, Tensor> {
  return new Map(
    graph.inputs.map(({ name, type = "float32", shape = [] }) => {
      const own = { type, shape: shape as Shape };
      const value = given.get(name);
      if (value === undefined) requireModest(name, type, own.shape);
      return [name, value === undefined ? zeros(type, own.shape) : tensorOf(name, own, value)];
    }),
  );
}
