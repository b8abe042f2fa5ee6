import { meanField, type RandomLayers, slopeRatio } from "./mean-field.ts";
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
 * ln ‖J·v‖² of a unit vector after `layers` layers of `width` at χ = 1 is Gaussian with mean −β/2 and variance β: β = 2L/N for linear
 * layers, 5L/N for ReLU. So a typical vector shrinks though the mean of its squared norm does not.
 *
 * @returns β
 * @see Hanin & Nica 2020
 */
export function normScatter(layers: number, width: number, activation: "linear" | "relu"): number {
  return ((activation === "relu" ? 5 : 2) * layers) / width;
}

/**
 * The largest Lyapunov exponent of layers with an independent Gaussian matrix at each step, to first order in 1/width: ½·ln χ − β/4,
 * where β = (3·μ₂/μ₁² − 1)/width is the variance of the growth of ln ‖v‖² in one layer: that of a sum of squared slopes times squared
 * Gaussian numbers. β is 2/width for linear layers and 5/width for ReLU, as in `normScatter`.
 *
 * @throws PushforwardError `usage` if the variance of the layers grows without bound
 */
export function typicalExponent(layers: RandomLayers, width: number): number {
  const { q, chi } = meanField(layers);
  return Math.log(chi) / 2 - (3 * slopeRatio(layers.activation, q) - 1) / (4 * width);
}
