import { missesTolerance, resolvedSigma } from "../results/index.ts";
import { type Band, bandOf } from "./statistics.ts";
import type { TapUnits } from "./types.ts";

/** One index of one tap's spectrum over the inputs; a σ that is below its floor or exactly zero counts as 0. */
export interface CurvePoint extends Band {
  /** 1 is the largest σ. */
  readonly index: number;
  /** Inputs whose triplet of this index did not converge, and those whose residual ended at the backend's floor. */
  readonly unconverged: number;
  readonly atFloor: number;
}

export interface SpectrumCurve {
  readonly tap: string;
  readonly inputs: number;
  readonly points: readonly CurvePoint[];
  /** Of all σ, all inputs together: how many lie below the floor or are exactly zero, and how many there are. */
  readonly unresolved: number;
  readonly total: number;
}

/** Quantiles of σ, index by index; inputs with fewer σ leave the later indices to the others. */
export function spectrumCurve({ tap, units }: TapUnits): SpectrumCurve {
  const spectra = units.map(({ unit }) => {
    const known = resolvedSigma(unit).filter((value) => value > 0);
    return { known, status: unit.status, count: unit.sigma.length };
  });
  const length = Math.max(0, ...spectra.map(({ count }) => count));
  const points = Array.from({ length }, (_, i): CurvePoint => {
    const there = spectra.filter(({ count }) => i < count);
    const open = there.filter(({ status }) => missesTolerance(status[i]!));
    return {
      index: i + 1,
      ...bandOf(there.map(({ known }) => known[i] ?? 0)),
      unconverged: open.filter(({ status }) => status[i] === "unconverged").length,
      atFloor: open.filter(({ status }) => status[i] === "at-floor").length,
    };
  });
  const total = spectra.reduce((sum, { count }) => sum + count, 0);
  const unresolved = total - spectra.reduce((sum, { known }) => sum + known.length, 0);
  return { tap, inputs: units.length, points, unresolved, total };
}

/** The points that a curve is drawn through: it ends where the median is not known. */
export function drawnPoints({ points }: SpectrumCurve): CurvePoint[] {
  const end = points.findIndex(({ median }) => !(median > 0));
  return points.slice(0, end < 0 ? points.length : end);
}

/**
 * The range of a logarithmic σ axis: all medians and bands that are drawn, with 1 where it is within a decade. `undefined`
 * where no curve has a point.
 */
export function sigmaDomain(curves: readonly SpectrumCurve[]): [number, number] | undefined {
  const points = curves.flatMap(drawnPoints);
  if (points.length === 0) return undefined;
  const [smallest, largest] = points.reduce<[number, number]>(
    ([least, most], { median, low, high }) => [Math.min(least, low > 0 ? low : median), Math.max(most, high)],
    [Number.POSITIVE_INFINITY, 0],
  );
  let [low, high] = [smallest / 1.25, largest * 1.15];
  if (low > 1 && low < 10) low = 0.8;
  if (high < 1 && high > 0.1) high = 1.25;
  return [low, high];
}
