import { PushforwardError } from "../base/index.ts";
import { type Architecture, type Layer, type TensorPlace, tensorsOf } from "../training/index.ts";

const hasWeights = ({ kind }: Layer): boolean => kind === "dense" || kind === "conv";

/** The layers up to the last hidden one: all before the last layer with weights. */
export interface HiddenPart {
  /** Without dropout. */
  readonly layers: readonly Layer[];
  /** The output of the last hidden layer. */
  readonly end: TensorPlace;
  /** The outputs of ReLU and hard-tanh layers, whose slope is zero somewhere, each with the layer. */
  readonly switching: readonly { readonly layer: Layer; readonly tensor: TensorPlace }[];
  /** Σ ln(1/ρ) over the dropout layers, ρ being the share that each keeps: what they add to the mean of ln σ², in the mean. */
  readonly dropout: number;
}

/**
 * The part of a network from its input to its last hidden layer.
 *
 * @throws PushforwardError `usage` for a network with fewer than two layers with weights, which has no hidden layer
 */
export function hiddenPart(network: Architecture): HiddenPart {
  const lastOfAll = network.layers.findLastIndex(hasWeights);
  const before = network.layers.slice(0, lastOfAll);
  if (!before.some(hasWeights)) {
    throw new PushforwardError("usage", {
      what: "The network has no hidden layer, so that it has no J(input → last hidden layer).",
      fix: "Let networks have at least two layers with weights.",
    });
  }
  const layers = before.filter(({ kind }) => kind !== "dropout");
  const tensors = tensorsOf({ ...network, layers });
  return {
    layers,
    end: tensors.at(-1)!,
    switching: layers.flatMap((layer, i) =>
      layer.kind === "relu" || layer.kind === "hardTanh" ? [{ layer, tensor: tensors[i + 1]! }] : [],
    ),
    dropout: before.reduce((sum, layer) => sum + (layer.kind === "dropout" ? -Math.log(1 - layer.rate) : 0), 0),
  };
}
