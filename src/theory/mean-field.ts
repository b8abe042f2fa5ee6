import { PushforwardError } from "../base/index.ts";
import type { Activation } from "./activations.ts";
import { gaussianMean, root } from "./quadrature.ts";

/** A random network of great width: weights of variance σ_w²/N, biases of variance σ_b². */
export interface RandomLayers {
  readonly activation: Activation;
  /** σ_w². For orthogonal weights W·Wᵀ = σ_w²·1. */
  readonly weightVariance: number;
  /** σ_b². */
  readonly biasVariance?: number;
}

export interface MeanField {
  /** q*: the variance of W·x + b that a layer passes on unchanged. */
  readonly q: number;
  /** χ = σ_w²·E φ′²: what a layer multiplies the squared norm of a small perturbation by, in the mean. */
  readonly chi: number;
}

/** E φ(√q·z)²: the second moment of a layer's output. */
const power = ({ value, kinks }: Activation, q: number) => gaussianMean((x) => value(x) ** 2, q, kinks);

/**
 * μ_k = E φ′(√q·z)^(2k): the moments of the squared slopes of a layer.
 *
 * @see Pennington, Schoenholz & Ganguli 2017
 */
export const slopeMoment = ({ slope, kinks }: Activation, q: number, k: number): number =>
  gaussianMean((x) => slope(x) ** (2 * k), q, kinks);

/** What a layer makes of the mean square of its input's entries, and of small perturbations. */
export interface LayerPass {
  /** E φ(√q·z)²: the mean square of the output's entries, q being the variance of W·x + b. */
  readonly power: number;
  /** χ = σ_w²·E φ′(√q·z)²: what the layer multiplies the squared norm of a small perturbation by, in the mean. */
  readonly chi: number;
}

/**
 * One wide random layer behind an input whose entries have the mean square `power`. With dropout behind it that keeps a share ρ of the
 * entries and divides them by ρ, both numbers are to be divided by ρ.
 *
 * @see Poole et al. 2016; Schoenholz et al. 2017, section 5
 */
export function layerPass({ activation, weightVariance, biasVariance = 0 }: RandomLayers, input: number): LayerPass {
  const q = weightVariance * input + biasVariance;
  return { power: power(activation, q), chi: weightVariance * slopeMoment(activation, q, 1) };
}

/** The largest q*: beyond it the variance of a network counts as growing without bound. */
const MOST = 1e6;

/**
 * The stable fixed point q* of q ↦ σ_w²·E φ(√q·z)² + σ_b², and χ there. The point 0 is returned only where it is stable.
 *
 * @throws PushforwardError `usage` if the variance grows without bound, or if every q is a fixed point (ReLU with σ_w² = 2)
 * @see Poole et al. 2016; Schoenholz et al. 2017
 */
export function meanField({ activation, weightVariance, biasVariance = 0 }: RandomLayers): MeanField {
  const excess = (q: number) => weightVariance * power(activation, q) + biasVariance - q;
  const atFixedPoint = (q: number) => ({ q, chi: weightVariance * slopeMoment(activation, q, 1) });
  // Seen from above, the first q that a layer does not shrink is the stable fixed point.
  let high = MOST;
  while (high > 1e-12) {
    const low = high / 1.25;
    if (excess(low) > 1e-13 * low) {
      if (high === MOST) break;
      return atFixedPoint(root(excess, low, high));
    }
    high = low;
  }
  if (high <= 1e-12 && excess(1) < -1e-12) return atFixedPoint(0);
  throw new PushforwardError("usage", {
    what: `${activation.name} with σ_w² = ${weightVariance} and σ_b² = ${biasVariance} has no single fixed point: the variance of W·x + b grows without bound, or stays what it is.`,
    fix: "Give the q that the input sets, or a smaller σ_w².",
  });
}

/**
 * The weights and biases for which q is a fixed point with χ = 1, as standard deviations: one point of the critical line.
 *
 * @throws PushforwardError `usage` if no bias makes q a fixed point
 * @see Pennington, Schoenholz & Ganguli 2017
 */
export function criticalPoint(activation: Activation, q: number): { readonly weight: number; readonly bias: number } {
  const weightVariance = 1 / slopeMoment(activation, q, 1);
  const biasVariance = q - weightVariance * power(activation, q);
  if (biasVariance < -1e-12 * q) {
    throw new PushforwardError("usage", {
      what: `No network of ${activation.name} is critical at q* = ${q}: the weights that give χ = 1 make the variance grow.`,
      fix: "Choose another q*.",
    });
  }
  return { weight: Math.sqrt(weightVariance), bias: Math.sqrt(Math.max(0, biasVariance)) };
}

/**
 * The σ_w and q* for which a network without biases is critical, for an activation that is not zero at the origin, such as the paper's
 * sigmoid; q* is searched between 1e-6 and 1e6.
 *
 * @throws PushforwardError `usage` if there is none
 */
export function criticalWithoutBias(activation: Activation): { readonly weight: number; readonly q: number } {
  const excess = (logarithm: number) => {
    const q = Math.exp(logarithm);
    return power(activation, q) / slopeMoment(activation, q, 1) / q - 1;
  };
  const [low, high] = [Math.log(1e-6), Math.log(1e6)];
  if (excess(low) > 0 === excess(high) > 0) {
    throw new PushforwardError("usage", {
      what: `A network of ${activation.name} without biases is critical at no q* between 1e-6 and 1e6.`,
      fix: "Use criticalPoint with a q*, which says the bias as well.",
    });
  }
  const q = Math.exp(root(excess, low, high));
  return { weight: Math.sqrt(1 / slopeMoment(activation, q, 1)), q };
}

/** The kind of the random weights: independent Gaussian entries, or a Haar-distributed orthogonal matrix. */
export type Ensemble = "gaussian" | "orthogonal";

/** μ₂/μ₁²: how much the squared slopes of a layer differ. */
export const slopeRatio = (activation: Activation, q: number): number =>
  slopeMoment(activation, q, 2) / slopeMoment(activation, q, 1) ** 2;

/**
 * The variance of the spectrum of J·Jᵀ over its squared mean after `layers` layers at χ = 1: L·(μ₂/μ₁² − 1 − s₁), where s₁ is −1 for
 * Gaussian and 0 for orthogonal weights. It holds for layers ≪ width; beyond, rare large values dominate the mean.
 *
 * @see Pennington, Schoenholz & Ganguli 2017, equation 22
 */
export function spectrumVariance(activation: Activation, q: number, layers: number, ensemble: Ensemble): number {
  return layers * (slopeRatio(activation, q) - 1 + (ensemble === "gaussian" ? 1 : 0));
}
