import { type IndexBand, knownBands, missesTolerance, resolvedSigma, spectrumBands } from "../results/index.ts";
import type { TapUnits } from "./types.ts";

/** One index of one tap's spectrum, over the inputs. A σ that is below its floor or exactly zero counts as 0. */
export interface CurvePoint extends IndexBand {
  /**
   * The number of inputs whose triplet of this index did not converge, and of those whose residual reached only the
   * floor.
   */
  readonly unconverged: number;
  readonly atFloor: number;
}

export interface SpectrumCurve {
  readonly tap: string;
  readonly inputs: number;
  readonly points: readonly CurvePoint[];
  /** The number of σ of all inputs that lie below the floor or are exactly zero, and the number of all σ. */
  readonly unresolved: number;
  readonly total: number;
  /** The smallest floor of an input: no σ below it can be told from rounding error. */
  readonly floor: number;
}

/** Quantiles of σ for each index. An input with fewer σ does not count at the later indices. */
export function spectrumCurve({ tap, units }: TapUnits): SpectrumCurve {
  const all = units.map(({ unit }) => unit);
  const points = spectrumBands(all).map((band, i): CurvePoint => {
    const open = all.flatMap(({ status }) => (i < status.length && missesTolerance(status[i]!) ? [status[i]!] : []));
    const atFloor = open.filter((status) => status === "at-floor").length;
    return { ...band, atFloor, unconverged: open.length - atFloor };
  });
  const total = all.reduce((sum, { sigma }) => sum + sigma.length, 0);
  const known = all.reduce((sum, unit) => sum + resolvedSigma(unit).filter((value) => value > 0).length, 0);
  const floor = Math.min(...all.map((unit) => unit.floor));
  return { tap, inputs: units.length, points, unresolved: total - known, total, floor };
}

/**
 * The range of a logarithmic σ axis. It contains all medians and bands that are drawn, and also 1 if 1 is at most a decade
 * away, and the floor if a curve falls below it and it is at most a decade away. `undefined` if no curve has a point.
 */
export function sigmaDomain(curves: readonly SpectrumCurve[]): [number, number] | undefined {
  const points = curves.flatMap((curve) => knownBands(curve.points));
  if (points.length === 0) return undefined;
  const [smallest, largest] = points.reduce<[number, number]>(
    ([least, most], { median, low, high }) => [Math.min(least, low > 0 ? low : median), Math.max(most, high)],
    [Number.POSITIVE_INFINITY, 0],
  );
  let [low, high] = [smallest / 1.25, largest * 1.15];
  const floor = floorOf(curves);
  if (floor > low / 10 && curves.some(({ unresolved }) => unresolved > 0)) low = Math.min(low, floor / 2);
  if (low > 1 && low < 10) low = 0.8;
  if (high < 1 && high > 0.1) high = 1.25;
  return [low, high];
}

/** The smallest floor of all curves. */
export const floorOf = (curves: readonly SpectrumCurve[]): number => Math.min(...curves.map(({ floor }) => floor));
