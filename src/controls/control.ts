import { createRng, PushforwardError, sizeOf } from "../base/index.ts";
import type { Point } from "../jacobian/index.ts";
import { type Model, weightsInside, weightsOutsideAs } from "../onnx/index.ts";
import type { Backend } from "../runtime/index.ts";
import { gaussianLike, shuffled, shuffledWithinFilters } from "./draw.ts";
import type { ControlKind } from "./kinds.ts";
import { type WeightLayer, weightLayers } from "./layers.ts";
import { match } from "./match.ts";
import { weightsOf, withWeights } from "./weights.ts";

/** A layer of a control. */
export interface ControlLayer {
  /** The first node that multiplies by the weights, and its operator. */
  readonly node: string;
  readonly op: string;
  /** The initializer of the weights. */
  readonly weights: string;
  /** The number of weights. */
  readonly entries: number;
  /** Of `matched`: what the permuted weights are multiplied by. */
  readonly gain?: number;
  /** Of `matched`: the root mean square of the layer's output, bias aside, over all points in the trained network. */
  readonly trained?: number;
  /** Of `matched`: the same in the control, after the gain. */
  readonly reached?: number;
  /** Of `matched`: why the gain is 1, if no gain can match the layer. */
  readonly note?: string;
}

/** A network with the graph of another, whose weights carry nothing that was learned. */
export interface Control {
  /** Like any other; `writeModel(weightsInside(model).onnx)` gives its file. Weights that are inputs of the trained network are inputs. */
  readonly model: Model;
  readonly kind: ControlKind;
  readonly seed: number;
  readonly draw: number;
  /** The layers whose weights were drawn, in graph order. */
  readonly layers: readonly ControlLayer[];
}

/** Which control is drawn, and what `matched` needs. */
export interface ControlOptions {
  readonly kind: ControlKind;
  readonly seed: number;
  /** The number of the draw: each gives another network of the kind. */
  readonly draw: number;
  /** Inputs of the network, over which `matched` compares the activations. Other kinds do not look at them. */
  readonly points: readonly Point[];
  readonly backend: Backend;
}

/**
 * Draws a control network. The weights of each layer (`weightLayers`) are drawn from a stream of random numbers of their own,
 * which depends on the seed, the draw, the kind and the name of the weights alone. Everything else keeps its bits.
 *
 * Weights by which several nodes multiply are drawn once. Where they are also looked up (as embeddings that are tied with the last
 * layer), the lookup keeps the trained values.
 *
 * @throws PushforwardError `usage` for a network without weights, and whatever `weightLayers` and, for `matched`, `match` throw
 */
export async function drawControl(network: Model, options: ControlOptions): Promise<Control> {
  const { kind, seed, draw } = options;
  const layers = weightLayers(network);
  const model = weightsInside(network);
  if (layers.length === 0) {
    throw new PushforwardError("usage", {
      what: "The network has no weights to draw: no node multiplies by a constant matrix or by constant filters.",
      fix: "Study this network without controls.",
    });
  }
  const trained = weightsOf(model, layers);
  const drawn = new Map(layers.map((layer) => [layer, drawLayer(layer, trained.get(layer)!, options)]));
  const control = withWeights(model, drawn);
  const told = ({ node, op, weights, shape }: WeightLayer): ControlLayer => ({
    node,
    op,
    weights,
    entries: sizeOf(shape),
  });
  if (kind !== "matched")
    return { model: weightsOutsideAs(network, control), kind, seed, draw, layers: layers.map(told) };
  const matches = await match(model, control, layers, options);
  const matched = new Map([...drawn].map(([layer, weights]) => [layer, scaled(weights, matches.get(layer)!.gain)]));
  return {
    model: weightsOutsideAs(network, withWeights(model, matched)),
    kind,
    seed,
    draw,
    layers: layers.map((layer) => ({ ...told(layer), ...matches.get(layer)! })),
  };
}

const scaled = (weights: Float32Array, gain: number): Float32Array => weights.map((weight) => weight * gain);

function drawLayer(layer: WeightLayer, trained: Float32Array, { kind, seed, draw }: ControlOptions): Float32Array {
  const rng = createRng(seed, "control", kind === "matched" ? "permuted" : kind, draw, layer.weights);
  if (kind === "gaussian") return gaussianLike(trained, rng);
  return kind === "permuted-filters" ? shuffledWithinFilters(trained, layer.filters, rng) : shuffled(trained, rng);
}
