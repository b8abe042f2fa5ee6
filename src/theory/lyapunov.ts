import type { Activation } from "./activations.ts";
import { type Ensemble, meanField, type RandomLayers, slopeRatio } from "./mean-field.ts";
import { digamma, trigamma } from "./special.ts";

/** What a Lyapunov exponent is expected to be, and how much its estimate from `steps` layers scatters. */
export interface Exponent {
  readonly value: number;
  /** The standard deviation of (1/T)·Σ ln R_ii over T steps. */
  readonly deviation: number;
}

/**
 * The Lyapunov exponents of a product of independent N×N Gaussian matrices whose entries have variance σ_w²/N, the largest first:
 * λ_i = ½·[ln(2σ_w²/N) + ψ((N − i + 1)/2)], i from 1. R_ii² is σ_w²/N times a χ² with N − i + 1 degrees of freedom.
 *
 * @see Newman 1986
 */
export function gaussianExponents(width: number, weightVariance: number, steps: number): Exponent[] {
  return Array.from({ length: width }, (_, i) => {
    const half = (width - i) / 2;
    return {
      value: (Math.log((2 * weightVariance) / width) + digamma(half)) / 2,
      deviation: Math.sqrt(trigamma(half) / (4 * steps)),
    };
  });
}

/**
 * ln ‖J·v‖² of a unit vector after L `layers` of width N at χ = 1 is Gaussian with mean −β/2 and variance β, to first order in 1/N. So a
 * typical vector shrinks though the mean of its squared norm does not. A layer multiplies ‖v‖² by the mean of N squared slopes times
 * squared entries of W·v: Gaussian numbers, so that β = (3·μ₂/μ₁² − 1)·L/N, which is 2L/N for linear layers and 5L/N for ReLU; with
 * orthogonal weights their squares have a fixed sum, and β = 3·(μ₂/μ₁² − 1)·L/N.
 *
 * @returns β
 * @see Hanin & Nica 2020
 */
export function normScatter(
  activation: Activation,
  q: number,
  layers: number,
  width: number,
  ensemble: Ensemble,
): number {
  return ((3 * slopeRatio(activation, q) - (ensemble === "gaussian" ? 1 : 3)) * layers) / width;
}

/**
 * The largest Lyapunov exponent of layers with an independent Gaussian matrix at each step, to first order in 1/width: ½·ln χ − β/4,
 * where β is the variance of the growth of ln ‖v‖² in one layer (`normScatter`).
 *
 * @throws PushforwardError `usage` if the variance of the layers grows without bound
 */
export function typicalExponent(layers: RandomLayers, width: number): number {
  const { q, chi } = meanField(layers);
  return Math.log(chi) / 2 - normScatter(layers.activation, q, 1, width, "gaussian") / 4;
}
