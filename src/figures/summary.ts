import { isBelowFloor } from "../base/index.ts";
import { type Missed, measureSpectrum, type SpectrumMeasures } from "../results/index.ts";
import { type Moments, momentsOf } from "./statistics.ts";
import type { TapUnits, UnitNumbers } from "./types.ts";

/** What a table says about one tap, over all its inputs. */
export interface TapSummary {
  readonly tap: string;
  readonly inputs: number;
  /** The number of triplets of all inputs, by status. */
  readonly triplets: number;
  readonly converged: number;
  readonly atFloor: number;
  readonly unconverged: number;
  readonly belowFloor: number;
  /**
   * The largest floor, and the largest floor relative to the norm of its own unit. A smaller σ cannot be told from
   * rounding error. NaN without units.
   */
  readonly floor: number;
  readonly resolution: number;
  /** The mean of σ₁ over the inputs where it is above their floor. */
  readonly sigmaFirst: Moments;
  /** The mean of the last of the k computed σ over the inputs where it is above their floor. */
  readonly sigmaLast: Moments;
  readonly effectiveRank: Moments;
  readonly participationRatio: Moments;
  readonly numericalRank: Moments;
  /**
   * Whether the numerical rank of some input may be larger: all its computed σ counted, and not all σ were computed.
   */
  readonly numericalRankIsLowerBound: boolean;
  readonly whole: boolean;
  readonly aboveOne: Moments;
  readonly activeRows: Moments;
  /** The mean fraction of the m rows of J at this tap that are active, in [0, 1]. */
  readonly activeShare: number;
  /** The largest residual relative to the norm of its own unit; NaN without units. */
  readonly worstResidual: number;
  readonly worstOrthogonality: number;
  readonly missed: Readonly<Record<Missed["kind"], number>>;
  readonly seconds: number;
  readonly jvp: number;
  readonly vjp: number;
}

/** The largest residual of a unit, divided by its norm, which is the largest σ seen; 0 where J is 0. */
export function worstResidualOf({ residual, norm }: Pick<UnitNumbers, "residual" | "norm">): number {
  const worst = residual.reduce((largest, value) => Math.max(largest, value), 0);
  return worst === 0 ? 0 : worst / norm;
}

/** Summarizes one tap for a table of taps: means over the computed inputs, worst cases, and the total cost. */
export function summarizeTap({ tap, units }: TapUnits): TapSummary {
  const all = units.map(({ unit }) => unit);
  const measures = all.map(measureSpectrum);
  const over = (of: (measure: SpectrumMeasures) => number) => momentsOf(measures.map(of).filter(Number.isFinite));
  const total = (of: (unit: UnitNumbers) => number) => all.reduce((sum, unit) => sum + of(unit), 0);
  const worst = (of: (unit: UnitNumbers) => number) => (all.length === 0 ? Number.NaN : Math.max(...all.map(of)));
  const having = (status: UnitNumbers["status"][number]) =>
    total((unit) => unit.status.filter((s) => s === status).length);
  const missing = (kind: Missed["kind"]) => all.filter((unit) => unit.missed.kind === kind).length;
  /** The σ with a given index, of every spectrum that has it above the floor. */
  const sigmaAt = (place: 0 | -1) =>
    momentsOf(
      all.flatMap(({ sigma, floor }) => {
        const value = sigma.at(place);
        return value === undefined || isBelowFloor(value, floor) ? [] : [value];
      }),
    );
  return {
    tap,
    inputs: units.length,
    triplets: total((unit) => unit.sigma.length),
    converged: having("converged"),
    atFloor: having("at-floor"),
    unconverged: having("unconverged"),
    belowFloor: total(({ sigma, floor }) => sigma.filter((value) => isBelowFloor(value, floor)).length),
    floor: worst(({ floor }) => floor),
    resolution: worst(({ floor, norm }) => (norm > 0 ? floor / norm : 0)),
    sigmaFirst: sigmaAt(0),
    sigmaLast: sigmaAt(-1),
    effectiveRank: over((measure) => measure.effectiveRank),
    participationRatio: over((measure) => measure.participationRatio),
    numericalRank: over((measure) => measure.numericalRank),
    numericalRankIsLowerBound: measures.some(
      (measure, i) => !measure.whole && measure.numericalRank === all[i]?.sigma.length,
    ),
    whole: measures.length > 0 && measures.every((measure) => measure.whole),
    aboveOne: over((measure) => measure.aboveOne),
    activeRows: momentsOf(all.map((unit) => unit.activeRows)),
    activeShare: momentsOf(all.map((unit) => unit.activeRows / unit.m)).mean,
    worstResidual: worst(worstResidualOf),
    worstOrthogonality: worst((unit) => Math.max(unit.orthogonality.u, unit.orthogonality.v)),
    missed: { exact: missing("exact"), probable: missing("probable"), none: missing("none") },
    seconds: total((unit) => unit.seconds),
    jvp: total((unit) => unit.jvp),
    vjp: total((unit) => unit.vjp),
  };
}
