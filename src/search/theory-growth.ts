import { PushforwardError, sizeOf } from "../base/index.ts";
import {
  type Activation,
  errorFunction,
  hardTanh,
  type LayerPass,
  layerPass,
  linear,
  relu,
  sigmoid,
  tanh,
} from "../theory/index.ts";
import { type Initializer, type Layer, type Recipe, tensorsOf } from "../training/index.ts";

/** What a wide random network is expected to do to its input, before anything is run. */
export interface ExpectedGrowth {
  /** Σ ½ ln χ over the layers up to the last hidden one: the expected ln of the root of the mean of σ² of J(input → last hidden). */
  readonly logSigma: number;
  /** Hidden layers with weights. */
  readonly depth: number;
}

const plain: Readonly<Partial<Record<Layer["kind"], Activation>>> = {
  relu,
  tanh,
  erf: errorFunction,
  hardTanh,
  linear,
};

/** An activation layer as theory sees it, under a name that no other has; `undefined` for a layer that is none. */
function activationOf(layer: Layer): Activation | undefined {
  if (layer.kind === "sigmoid") {
    const { gain = 1, offset = 0 } = layer;
    const { name, value, ...rest } = sigmoid({ gain });
    return { ...rest, name: `${name} of gain ${gain} and offset ${offset}`, value: (x) => value(x) - offset };
  }
  const activation = plain[layer.kind];
  const gain = "gain" in layer ? (layer.gain ?? 1) : 1;
  if (activation === undefined || gain === 1) return activation;
  const { name, value, slope, kinks } = activation;
  return {
    name: `${name} of gain ${gain}`,
    value: (x) => value(gain * x),
    slope: (x) => gain * slope(gain * x),
    kinks: kinks.map((kink) => kink / gain),
  };
}

/** σ_w² of a layer with weights, the variance of an entry times the fan-in. */
export function weightVarianceOf(initializer: Initializer, outputs: number, inputs: number): number {
  switch (initializer.kind) {
    case "gaussian":
      return initializer.weightVariance ?? 1;
    case "he":
      return 2 * (initializer.gain ?? 1) ** 2;
    case "glorot":
      return (2 * (initializer.gain ?? 1) ** 2 * inputs) / (inputs + outputs);
    case "orthogonal":
      return (initializer.gain ?? 1) ** 2 * Math.min(1, inputs / outputs);
    case "decoupled":
      throw notCovered("the initializer decoupled");
  }
}

const notCovered = (what: string): PushforwardError =>
  new PushforwardError("usage", {
    what: `Mean-field theory as it is used here does not cover ${what}.`,
    fix: "Search with --by spectrum, which measures, or leave it out of the space.",
  });

/**
 * What mean-field theory says of J(input → last hidden layer) of a network with the weights that its initializer draws, dropout included:
 * each layer's variance follows from that of the one before it, and it multiplies the squared norm of a perturbation by
 * χ = σ_w²·E φ′²/ρ. No network is run.
 *
 * @param power the mean square of the entries of an input
 * @throws PushforwardError `usage` for layers that it does not cover: all but dense and conv layers, activations, flatten and dropout
 * @see Schoenholz et al. 2017, section 5
 */
export function expectedGrowth({ network, initializer }: Recipe, power: number): ExpectedGrowth {
  const tensors = tensorsOf(network);
  const last = network.layers.findLastIndex(({ kind }) => kind === "dense" || kind === "conv");
  const passes = new Map<string, LayerPass>();
  const pass = (activation: Activation, weightVariance: number, biasVariance: number, input: number) => {
    const key = `${activation.name} ${weightVariance} ${biasVariance} ${input.toPrecision(9)}`;
    const known = passes.get(key) ?? layerPass({ activation, weightVariance, biasVariance }, input);
    passes.set(key, known);
    return known;
  };
  let [entries, logSigma, depth] = [power, 0, 0];
  let weights: { readonly variance: number; readonly bias: number } | undefined;
  const apply = (activation: Activation) => {
    const { variance, bias } = weights ?? { variance: 1, bias: 0 };
    const { power: next, chi } = pass(activation, variance, bias, entries);
    [entries, logSigma, weights] = [next, logSigma + Math.log(chi) / 2, undefined];
  };
  for (const [i, layer] of network.layers.slice(0, last).entries()) {
    const activation = activationOf(layer);
    if (activation !== undefined) apply(activation);
    else if (layer.kind === "dropout") {
      entries /= 1 - layer.rate;
      logSigma -= Math.log(1 - layer.rate) / 2;
    } else if (layer.kind === "dense" || layer.kind === "conv") {
      if (weights !== undefined) apply(linear);
      const kernel = layer.kind === "conv" && "kernel" in layer ? layer.kernel ** 2 : 1;
      const { shape } = tensors[i]!;
      const inputs = layer.kind === "conv" ? shape[0]! * kernel : sizeOf(shape);
      const outputs = layer.kind === "conv" ? tensors[i + 1]!.shape[0]! * kernel : sizeOf(tensors[i + 1]!.shape);
      weights = {
        variance: weightVarianceOf(initializer, outputs, inputs),
        bias: "biasVariance" in initializer && layer.bias !== false ? (initializer.biasVariance ?? 0) : 0,
      };
      depth++;
    } else if (layer.kind !== "flatten") throw notCovered(`layers of the kind ${layer.kind}`);
  }
  if (weights !== undefined) apply(linear);
  return { logSigma, depth };
}
