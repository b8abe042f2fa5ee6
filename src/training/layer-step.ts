import { formatShape, PushforwardError, type Shape, sameShape, sizeOf, suggestion } from "../base/index.ts";
import type { OnnxModel } from "../onnx/index.ts";
import type { Architecture, Layer, Weights } from "./architecture.ts";
import { partModel, type TensorPlace, tensorsOf } from "./graphs.ts";
import { drawWeights, type Initializer } from "./initializers.ts";

/** Layers of a network that take a state and give the next one, so that they can be applied again and again. */
export interface LayerStep {
  /** The tensor before them: the input of the network, or the output of a layer. */
  readonly from: string;
  /** The tensors that they compute, in their order: `fc2`, `tanh2`. The last is the next state. */
  readonly layers: readonly string[];
  /** How often these layers follow one another in the network. */
  readonly times: number;
  /** Shape of the state; [n] where the first layer is dense. */
  readonly shape: Shape;
  /** These layers alone, as a network. */
  readonly network: Architecture;
  /** The graph of one step: inputs are the state and all weights. */
  readonly model: OnnxModel;
  /** The shapes of the weights. */
  readonly weights: ReadonlyMap<string, Shape>;
}

/** The ends of a step by the names of tensors: the input of the network, or outputs of layers. */
export interface StepEnds {
  readonly from?: string;
  readonly to?: string;
}

/** Layers by the tensors around them, [from, to) of the list of tensors. */
interface Part {
  readonly from: number;
  readonly to: number;
}

/**
 * The layers of a network that keep the size of what they take: the longest sequence that begins with a layer with weights and whose
 * output has the shape of its input (the first of several). Where it consists of equal parts, as several layers of one width do, a step
 * is one of them. Before a dense layer, pictures count as the vectors that it makes of them. Dropout is left out.
 *
 * @param ends the tensors that the step begins or ends with, where others are wanted
 * @throws PushforwardError `shape-mismatch` if no layers keep the size, or not those between the given ends; `tap-unknown` for ends that
 * are none; `model-invalid` where a layer does not fit what comes before it, or the step takes the weight of a layer outside of it
 */
export function layerStep(net: Architecture, ends: StepEnds = {}): LayerStep {
  const layers = net.layers.filter(({ kind }) => kind !== "dropout");
  const own = { ...net, layers };
  const tensors = tensorsOf(own);
  const given = { from: placeOf(tensors, ends.from), to: placeOf(tensors, ends.to) };
  const found = longest(partsOf(layers, given).filter((part) => keepsShape(own, tensors, part)));
  if (found === undefined) throw noStep(own, tensors, given);
  const isChosen = given.from !== undefined || given.to !== undefined;
  const length = isChosen ? found.to - found.from : period(layers.slice(found.from, found.to));
  const part = { from: found.from, to: found.from + length };
  requireOwnWeights(layers, tensors, part);
  const shape = stateShape(layers, tensors, part.from);
  const state = { ...tensors[part.from]!, shape };
  const network = { ...own, input: shape, layers: layers.slice(part.from, part.to) };
  const { model, weights } = partModel(network, state);
  const names = tensors.slice(part.from + 1, part.to + 1).map(({ name }) => name);
  return {
    from: state.name,
    layers: names,
    times: (found.to - found.from) / length,
    shape,
    network,
    model,
    weights,
  };
}

/** How the weights of the steps are drawn. */
export interface StepWeights {
  /** Whether every step has the weights of the first. */
  readonly tied: boolean;
  /** The seed of the weights at a step, counted from 0. */
  readonly seedAt: (step: number) => number;
}

/** The weights at each step, counted from 0, as values of the inputs of its graph. */
export function weightsAt(
  { weights }: LayerStep,
  initializer: Initializer,
  { tied, seedAt }: StepWeights,
): (step: number) => Readonly<Record<string, Float32Array>> {
  const drawn = (step: number) => valuesOf(drawWeights(weights, initializer, seedAt(step)));
  const first = drawn(0);
  return (step) => (tied || step === 0 ? first : drawn(step));
}

/**
 * Whether f(c·x) = c·f(x) for all c > 0 with weights of an initializer: there are no biases, and layers that are not linear are ReLU and
 * pools.
 */
export function isHomogeneous({ network: { layers } }: LayerStep, initializer: Initializer): boolean {
  const hasBiases = "biasVariance" in initializer && initializer.biasVariance !== 0;
  return layers.every((layer) => {
    if (layer.kind === "dense" || layer.kind === "conv") return layer.bias === false || !hasBiases;
    return ["relu", "linear", "maxPool", "avgPool", "flatten"].includes(layer.kind);
  });
}

/** The values of weights by name. */
export const valuesOf = (weights: Weights): Record<string, Float32Array> =>
  Object.fromEntries([...weights].map(([name, { data }]) => [name, data as Float32Array]));

const hasWeights = ({ kind }: Layer): boolean => kind === "dense" || kind === "conv";

/** The sequences of layers that can be a step, but for their shapes. */
function partsOf(layers: readonly Layer[], given: Partial<Part>): Part[] {
  const all = [...layers.keys()];
  const starts = given.from === undefined ? all.filter((from) => hasWeights(layers[from]!)) : [given.from];
  const ends = given.to === undefined ? all.map((at) => at + 1) : [given.to];
  return starts
    .flatMap((from) => ends.map((to) => ({ from, to })))
    .filter(({ from, to }) => layers.slice(from, to).some(hasWeights));
}

const keepsShape = ({ layers }: Architecture, tensors: readonly TensorPlace[], { from, to }: Part): boolean =>
  sameShape(stateShape(layers, tensors, from), tensors[to]!.shape);

/** The shape of what the layer behind a tensor takes. */
function stateShape(layers: readonly Layer[], tensors: readonly TensorPlace[], at: number): Shape {
  const { shape } = tensors[at]!;
  return layers[at]?.kind === "dense" ? [sizeOf(shape)] : shape;
}

function longest(parts: readonly Part[]): Part | undefined {
  const length = ({ from, to }: Part) => to - from;
  return parts.reduce<Part | undefined>(
    (best, part) => (best && length(best) >= length(part) ? best : part),
    undefined,
  );
}

/** The number of layers after which they repeat; of layers that share weights, all of them. */
function period(layers: readonly Layer[]): number {
  const told = layers.map((layer) => JSON.stringify(layer));
  const lengths = [...layers.keys()].map((i) => i + 1).filter((length) => layers.length % length === 0);
  if (layers.some((layer) => "tied" in layer)) return layers.length;
  return lengths.find((length) => told.every((text, i) => text === told[i % length]))!;
}

function placeOf(tensors: readonly TensorPlace[], name: string | undefined): number | undefined {
  if (name === undefined) return undefined;
  const names = tensors.map((tensor) => tensor.name);
  const at = names.indexOf(name);
  if (at >= 0) return at;
  throw new PushforwardError("tap-unknown", {
    what: `There is no tensor "${name}" between the layers of the network.`,
    fix: suggestion(name, names),
  });
}

/** @throws PushforwardError `model-invalid` for a layer that shares the weight of one outside of the step */
function requireOwnWeights(layers: readonly Layer[], tensors: readonly TensorPlace[], { from, to }: Part): void {
  const own = tensors.slice(from + 1, to + 1).map(({ name }) => name);
  for (const [i, layer] of layers.slice(from, to).entries()) {
    if (!("tied" in layer) || own.includes(layer.tied)) continue;
    throw new PushforwardError("model-invalid", {
      what: `The layers from ${own[0]} to ${own.at(-1)} are a step, and ${own[i]} takes the weight of ${layer.tied}, which is not one of them.`,
      where: { node: own[i]! },
      fix: `Give ${own[i]} a weight of its own, or name other ends of the step, with ${layer.tied} between them.`,
    });
  }
}

/** How many layers an error lists. */
const MOST_TOLD = 8;

function noStep(
  { layers }: Architecture,
  tensors: readonly TensorPlace[],
  { from, to }: Partial<Part>,
): PushforwardError {
  const told = (at: number) => `${tensors[at]!.name} (${formatShape(tensors[at]!.shape)})`;
  const first = layers.findIndex(hasWeights);
  if (first < 0) {
    return new PushforwardError("shape-mismatch", {
      what: "The network has no layer with weights, so that there is nothing to draw.",
      fix: 'Add one, for example { "kind": "dense", "units": 64 }.',
    });
  }
  if (from !== undefined || to !== undefined) {
    const between =
      from === undefined ? `up to ${told(to!)}` : `from ${told(from)}${to === undefined ? "" : ` to ${told(to)}`}`;
    return new PushforwardError("shape-mismatch", {
      what: `There are no layers with weights ${between} that give a state of the shape that they take.`,
      fix: `Name two tensors of one shape with a dense or conv layer between them. In their order: ${tensors.map((_, at) => told(at)).join(", ")}.`,
    });
  }
  const weighted = [...layers.keys()].filter((at) => hasWeights(layers[at]!));
  const shapes = weighted
    .slice(0, MOST_TOLD)
    .map(
      (at) =>
        `${tensors[at + 1]!.name} takes ${formatShape(stateShape(layers, tensors, at))} and gives ${formatShape(tensors[at + 1]!.shape)}`,
    );
  const { name, shape } = tensors[first + 1]!;
  const [size] = shape;
  const layer =
    shape.length === 1
      ? `{ "kind": "dense", "units": ${size} }`
      : `{ "kind": "conv", "channels": ${size}, "kernel": 3, "pad": 1 }`;
  return new PushforwardError("shape-mismatch", {
    what: `No layers of the network give a state of the shape that they take: ${shapes.join(", ")}${weighted.length > MOST_TOLD ? ", …" : ""}.`,
    where: { node: name },
    fix: `Add a layer that keeps the size, behind ${name} for example ${layer}.`,
  });
}
