import { momentsOf } from "./statistics.ts";
import type { TapUnits } from "./types.ts";

/** One index of one tap's spectrum over the inputs. */
export interface CurvePoint {
  /** 1 is the largest σ. */
  readonly index: number;
  /** Inputs that have a σ of this index. */
  readonly n: number;
  /** Zeros count. */
  readonly mean: number;
  /** Sample standard deviation; NaN for one input. */
  readonly std: number;
  /** Inputs whose triplet of this index did not converge, and those whose residual ended at the backend's floor. */
  readonly unconverged: number;
  readonly atFloor: number;
}

export interface SpectrumCurve {
  readonly tap: string;
  readonly inputs: number;
  readonly points: readonly CurvePoint[];
  /** σ that are exactly zero, all inputs together, of how many. */
  readonly zeros: number;
  readonly total: number;
}

/** Means and sample standard deviations of σ, index by index; inputs with fewer σ leave the later indices to the others. */
export function spectrumCurve({ tap, units }: TapUnits): SpectrumCurve {
  const length = Math.max(0, ...units.map(({ unit }) => unit.sigma.length));
  let zeros = 0;
  let total = 0;
  const points = Array.from({ length }, (_, i): CurvePoint => {
    const there = units.filter(({ unit }) => i < unit.sigma.length);
    const sigma = there.map(({ unit }) => unit.sigma[i] as number);
    zeros += sigma.filter((value) => value === 0).length;
    total += sigma.length;
    return {
      index: i + 1,
      ...momentsOf(sigma),
      unconverged: there.filter(({ unit }) => unit.status[i] === "unconverged").length,
      atFloor: there.filter(({ unit }) => unit.status[i] === "at-floor").length,
    };
  });
  return { tap, inputs: units.length, points, zeros, total };
}

/** float32 keeps no relative difference finer than this: σ below it times σ₁ is rounding. */
const float32Epsilon = 2 ** -23;

/**
 * The range of a logarithmic σ axis: all positive means (not below float32 rounding of the largest) and the upper edges
 * of the bands, with 1 where it is within a decade. `undefined` where no mean is positive.
 */
export function sigmaDomain(curves: readonly SpectrumCurve[]): [number, number] | undefined {
  const points = curves.flatMap((curve) => curve.points).filter((point) => point.mean > 0);
  if (points.length === 0) return undefined;
  let largest = 0;
  let smallest = Number.POSITIVE_INFINITY;
  let top = 0;
  for (const { mean, std } of points) {
    largest = Math.max(largest, mean);
    smallest = Math.min(smallest, mean);
    top = Math.max(top, mean + (std || 0));
  }
  let low = Math.max(smallest, float32Epsilon * largest) / 1.25;
  top *= 1.15;
  if (low > 1 && low < 10) low = 0.8;
  if (top < 1 && top > 0.1) top = 1.25;
  return [low, top];
}
