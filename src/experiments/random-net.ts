import { createRng, drawSeed, gaussianArray, type Rng } from "../base/index.ts";
import { type Network, openGraph, type Point } from "../jacobian/index.ts";
import type { Backend } from "../runtime/index.ts";
import type { Ensemble } from "../theory/index.ts";
import { type Architecture, inferenceModel, initialWeights, valuesOf } from "../training/index.ts";
import { type ActivationName, activations } from "./activations.ts";

/** Random layers of one width: σ_w and σ_b are standard deviations, in the scaling of mean-field theory. */
export interface RandomNet {
  readonly activation: ActivationName;
  readonly weights: Ensemble;
  readonly weight: number;
  readonly bias: number;
  readonly depth: number;
  readonly width: number;
}

/** D·W for every layer: `fc1` and its activation up to `fc<depth>` and its activation. */
function architectureOf({ activation, depth, width }: RandomNet): Architecture {
  const { layer } = activations[activation];
  return {
    input: [width],
    layers: Array.from({ length: depth }, () => [{ kind: "dense", units: width } as const, layer]).flat(),
  };
}

/** The network with its weights as inputs, compiled once for all draws. */
export const openRandomNet = (net: RandomNet, backend: Backend): Promise<Network> =>
  openGraph(inferenceModel(architectureOf(net), new Map()), backend);

/** Weights of one draw, and an input after which W·x + b of the first layer has the variance `q`. */
export function pointOf(net: RandomNet, q: number, ...seeds: readonly (number | string)[]): Point {
  const { weights, weight, bias, width, depth } = net;
  const biasVariance = bias ** 2;
  const drawn = initialWeights(
    architectureOf(net),
    weights === "gaussian"
      ? { kind: "gaussian", weightVariance: weight ** 2, biasVariance }
      : { kind: "orthogonal", gain: weight, biasVariance },
    drawSeed(...seeds, weights, depth, width),
  );
  const input = gaussianState(createRng(...seeds, "input"), width, (q - biasVariance) / weight ** 2);
  return { input, ...valuesOf(drawn) };
}

/** Normal numbers, multiplied by what makes their mean square `variance`. */
export function gaussianState(rng: Rng, width: number, variance: number): Float32Array {
  const state = gaussianArray(rng, width);
  const factor = Math.sqrt((variance * width) / squaredNorm(state));
  return state.map((entry) => entry * factor);
}

export const squaredNorm = (values: Float32Array): number => values.reduce((sum, value) => sum + value * value, 0);
