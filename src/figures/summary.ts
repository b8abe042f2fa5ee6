import type { Missed } from "../results/index.ts";
import { type Moments, momentsOf } from "./statistics.ts";
import type { TapUnits, UnitNumbers } from "./types.ts";

/** Spread-out measures of one spectrum; over the k computed where the spectrum is not whole. */
export interface SpectrumMeasures {
  /** exp of the entropy of σ/Σσ; between 1 and k. */
  readonly effectiveRank: number;
  /** (Σσ²)²/Σσ⁴; between 1 and k. */
  readonly participationRatio: number;
  /** σ > max(m, n) · 2⁻²³ · σ₁. */
  readonly numericalRank: number;
  /** Share of the computed σ above 1, in [0, 1]. */
  readonly aboveOne: number;
  /** Whether all min(m, n) values were computed. */
  readonly whole: boolean;
}

/** One tap over all its inputs. */
export interface TapSummary {
  readonly tap: string;
  readonly inputs: number;
  /** Triplets, all inputs together, by status. */
  readonly triplets: number;
  readonly converged: number;
  readonly atFloor: number;
  readonly unconverged: number;
  readonly sigmaFirst: Moments;
  /** The last of the k computed. */
  readonly sigmaLast: Moments;
  readonly effectiveRank: Moments;
  readonly participationRatio: Moments;
  readonly numericalRank: Moments;
  /** The numerical rank of some input may be larger: every computed σ counted and not all were computed. */
  readonly numericalRankIsLowerBound: boolean;
  readonly whole: boolean;
  readonly aboveOne: Moments;
  readonly activeUnits: Moments;
  /** Mean share of the tap's m units that are active, in [0, 1]. */
  readonly activeShare: number;
  /** Largest residual relative to the norm of its own unit; NaN of nothing. */
  readonly worstResidual: number;
  readonly worstOrthogonality: number;
  readonly missed: Readonly<Record<Missed["kind"], number>>;
  readonly seconds: number;
  readonly jvp: number;
  readonly vjp: number;
}

/**
 * Measures of one spectrum. A spectrum of zeros has ranks of 0; an empty one too.
 *
 * @see Roy & Vetterli 2007, "The effective rank" (there of all σ)
 */
export function measureSpectrum({ sigma, m, n }: Pick<UnitNumbers, "sigma" | "m" | "n">): SpectrumMeasures {
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
  const threshold = Math.max(m, n) * 2 ** -23 * largest;
  return {
    effectiveRank: largest > 0 ? Math.exp(entropy) : 0,
    participationRatio: largest > 0 ? squares ** 2 / fourths : 0,
    numericalRank: sigma.filter((value) => value > threshold).length,
    aboveOne: sigma.length > 0 ? sigma.filter((value) => value > 1).length / sigma.length : 0,
    whole: sigma.length >= Math.min(m, n),
  };
}

/** Residual over norm of the worst triplet; the norm is the largest σ seen. 0 where J is 0. */
export function worstResidualOf({ residual, norm }: Pick<UnitNumbers, "residual" | "norm">): number {
  const worst = residual.reduce((largest, value) => Math.max(largest, value), 0);
  return worst === 0 ? 0 : worst / norm;
}

/** What a table of taps says of one tap: means over the inputs that are there, worst cases, totals of the cost. */
export function summarizeTap({ tap, units }: TapUnits): TapSummary {
  const all = units.map(({ unit }) => unit);
  const measures = all.map(measureSpectrum);
  const over = (of: (measure: SpectrumMeasures) => number) => momentsOf(measures.map(of));
  const total = (of: (unit: UnitNumbers) => number) => all.reduce((sum, unit) => sum + of(unit), 0);
  const worst = (of: (unit: UnitNumbers) => number) => (all.length === 0 ? Number.NaN : Math.max(...all.map(of)));
  const having = (status: UnitNumbers["status"][number]) =>
    total((unit) => unit.status.filter((s) => s === status).length);
  const missing = (kind: Missed["kind"]) => all.filter((unit) => unit.missed.kind === kind).length;
  const full = all.filter((unit) => unit.sigma.length > 0);
  return {
    tap,
    inputs: units.length,
    triplets: total((unit) => unit.sigma.length),
    converged: having("converged"),
    atFloor: having("at-floor"),
    unconverged: having("unconverged"),
    sigmaFirst: momentsOf(full.map((unit) => unit.sigma[0] as number)),
    sigmaLast: momentsOf(full.map((unit) => unit.sigma.at(-1) as number)),
    effectiveRank: over((measure) => measure.effectiveRank),
    participationRatio: over((measure) => measure.participationRatio),
    numericalRank: over((measure) => measure.numericalRank),
    numericalRankIsLowerBound: measures.some(
      (measure, i) => !measure.whole && measure.numericalRank === all[i]?.sigma.length,
    ),
    whole: measures.length > 0 && measures.every((measure) => measure.whole),
    aboveOne: over((measure) => measure.aboveOne),
    activeUnits: momentsOf(all.map((unit) => unit.activeUnits)),
    activeShare: momentsOf(all.map((unit) => unit.activeUnits / unit.m)).mean,
    worstResidual: worst(worstResidualOf),
    worstOrthogonality: worst((unit) => Math.max(unit.orthogonality.u, unit.orthogonality.v)),
    missed: { exact: missing("exact"), probable: missing("probable"), none: missing("none") },
    seconds: total((unit) => unit.seconds),
    jvp: total((unit) => unit.jvp),
    vjp: total((unit) => unit.vjp),
  };
}
