import type { ChartSeries } from "../results/index.ts";
import type { Estimate } from "./statistics.ts";
import type { StudyData } from "./study.ts";

/** A line through estimates, one for each place on the axis, with their intervals. */
export function lineOf(
  name: string,
  places: readonly (string | number)[],
  of: (index: number) => Estimate,
): ChartSeries {
  return {
    name,
    mark: "line",
    points: places.map((x, i) => {
      const { value, low, high } = of(i);
      return { x, y: value, low, high };
    }),
  };
}

/** Singular values below this part of the largest are not known to the digits that a logarithm needs. */
export const RESOLVED = 1e-4;

/**
 * The images that a variable [tap, image, …] speaks of at a tap: one, where it is the same of all, as where J does not depend
 * on the input.
 */
export function imagesAt({ axes, values }: StudyData, name: string, tap: number): number[] {
  const n = axes.image!.length;
  const each = values[name]!.data.length / axes.tap!.length / n;
  const [first, ...others] = Array.from({ length: n }, (_, image) => {
    return values[name]!.data.subarray((tap * n + image) * each, (tap * n + image + 1) * each);
  });
  const isSame = others.every((other) => other.every((value, i) => Object.is(value, first![i])));
  return isSame ? [0] : [...axes.image!.keys()];
}

/** Three cells of a table: the value and its interval. */
export const cellsOf = ({ value, low, high }: Estimate): number[] => [value, low, high];

/** `0.512 (95 % interval 0.401 to 0.633, n = 16)`, or `0.512 (n = 1, no interval)` */
export function told({ value, low, high, n }: Estimate, ofWhat = ""): string {
  if (Number.isNaN(low)) return `${value.toPrecision(3)} (n = ${n}${ofWhat}, no interval)`;
  const [middle, from, to] = [value, low, high].map((number) => number.toPrecision(3));
  return `${middle} (95 % interval ${from} to ${to}, n = ${n}${ofWhat})`;
}
