import { meanWithError, studentInterval } from "../base/index.ts";
import type { Measurement } from "./row.ts";

/** The fewest draws for an interval: with fewer, Student's t is so large that the interval says nothing. */
const FEWEST = 4;

/** A number that one computation gives, or the extreme of several: there is no interval. */
export const single = (measured: number, n = 1): Measurement => ({
  measured,
  low: Number.NaN,
  high: Number.NaN,
  n,
  error: Number.NaN,
});

export const average = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** The mean of one number for each draw, with Student's 95 % interval; no interval for fewer than 4 draws. */
export function meanOf(values: readonly number[]): Measurement {
  const n = values.length;
  const { mean, error } = meanWithError(values);
  return n < FEWEST ? single(mean, n) : withError(mean, error, n);
}

/** The variance of one number for each draw, as a mean of squared deviations. */
export function varianceOf(values: readonly number[]): Measurement {
  const n = values.length;
  const mean = average(values);
  return meanOf(values.map((value) => ((value - mean) ** 2 * n) / (n - 1)));
}

/** What a number would be at infinite width, if it differs from that by a multiple of 1/width: from one width and half of it. */
export function extrapolated(wide: Measurement, narrow: Measurement): Measurement {
  return withError(2 * wide.measured - narrow.measured, Math.hypot(2 * wide.error, narrow.error), wide.n);
}

function withError(measured: number, error: number, n: number): Measurement {
  return { measured, ...studentInterval(measured, error, n - 1), n, error };
}

/** The straight line of least squares through points, by its slope and its value at the centre of the points. */
export function lineThrough(points: readonly (readonly [x: number, y: number])[]) {
  const centre = average(points.map(([x]) => x));
  const value = average(points.map(([, y]) => y));
  const slope =
    points.reduce((sum, [x, y]) => sum + (x - centre) * (y - value), 0) /
    points.reduce((sum, [x]) => sum + (x - centre) ** 2, 0);
  return { value, slope, centre };
}
