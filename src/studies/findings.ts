import type { ChartSeries } from "../results/index.ts";
import type { Estimate } from "./statistics.ts";

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

/** Three cells of a table: the value and its interval. */
export const cellsOf = ({ value, low, high }: Estimate): number[] => [value, low, high];

/** `0.512 (95 % interval 0.401 to 0.633, n = 16)`, or `0.512 (n = 1, no interval)` */
export function told({ value, low, high, n }: Estimate, ofWhat = ""): string {
  if (Number.isNaN(low)) return `${value.toPrecision(3)} (n = ${n}${ofWhat}, no interval)`;
  const [middle, from, to] = [value, low, high].map((number) => number.toPrecision(3));
  return `${middle} (95 % interval ${from} to ${to}, n = ${n}${ofWhat})`;
}
