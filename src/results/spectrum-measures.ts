import { numericalRankOf, resolvedSigma } from "./status.ts";
import type { UnitResult } from "./types.ts";

/**
 * Measures of one spectrum. They use the σ above the floor, because the others are rounding errors. If not all σ were computed, they
 * use only those that were.
 */
export interface SpectrumMeasures {
  /** exp of the entropy of σ/Σσ; between 1 and the numerical rank. */
  readonly effectiveRank: number;
  /** (Σσ²)²/Σσ⁴; between 1 and the numerical rank. */
  readonly participationRatio: number;
  /** The number of σ above the floor. */
  readonly numericalRank: number;
  /** The share of σ above 1 among all computed, in [0, 1]; NaN if the floor exceeds 1 and some σ are below it. */
  readonly aboveOne: number;
  /** The mean of σ², and its standard deviation: an isometry has 1 and 0. NaN if no σ is above the floor. */
  readonly isometryMean: number;
  readonly isometrySpread: number;
  /** The slope of log σ against the logarithm of its index, by least squares: −1 for σ ∝ 1/index; NaN for fewer than two σ. */
  readonly logSlope: number;
  /** Whether all min(m, n) values were computed. */
  readonly whole: boolean;
}

/**
 * Computes the measures of one spectrum. If it is empty, zero, or entirely below its floor, its ranks are 0.
 *
 * @see Roy & Vetterli 2007, "The effective rank" (there of all σ)
 */
export function measureSpectrum(unit: Pick<UnitResult, "sigma" | "floor" | "m" | "n">): SpectrumMeasures {
  const { floor, m, n } = unit;
  const sigma = resolvedSigma(unit);
  const computed = unit.sigma.length;
  let sum = 0;
  let squares = 0;
  let fourths = 0;
  const largest = sigma[0] ?? 0;
  // Relative to σ₁, so that no fourth power over- or underflows.
  for (const value of sigma) {
    const relative = largest > 0 ? value / largest : 0;
    sum += relative;
    squares += relative ** 2;
    fourths += relative ** 4;
  }
  let entropy = 0;
  for (const value of sigma) {
    const share = largest > 0 ? value / largest / sum : 0;
    if (share > 0) entropy -= share * Math.log(share);
  }
  return {
    effectiveRank: largest > 0 ? Math.exp(entropy) : 0,
    participationRatio: largest > 0 ? squares ** 2 / fourths : 0,
    numericalRank: numericalRankOf(unit),
    aboveOne: aboveOneOf(sigma, computed, floor),
    ...isometryOf(sigma),
    logSlope: logSlopeOf(sigma),
    whole: computed >= Math.min(m, n),
  };
}

function aboveOneOf(resolved: Float64Array, computed: number, floor: number): number {
  if (floor > 1 && resolved.length < computed) return Number.NaN;
  return computed > 0 ? resolved.filter((value) => value > 1).length / computed : 0;
}

function isometryOf(sigma: Float64Array): Pick<SpectrumMeasures, "isometryMean" | "isometrySpread"> {
  const squares = sigma.map((value) => value ** 2);
  const mean = squares.reduce((sum, square) => sum + square, 0) / squares.length;
  const spread = squares.reduce((sum, square) => sum + (square - mean) ** 2, 0) / squares.length;
  return { isometryMean: mean, isometrySpread: Math.sqrt(spread) };
}

function logSlopeOf(sigma: Float64Array): number {
  const points = Array.from(sigma, (value, i) => [Math.log(i + 1), Math.log(value)] as const).filter(
    ([, y]) => y > -Infinity,
  );
  const mean = (axis: 0 | 1) => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const along = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
  return points.length < 2 ? Number.NaN : along / points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
}
