import { isBelowFloor, typeset } from "../base/index.ts";
import type { ChartSeries } from "../results/index.ts";
import { type Estimate, FEWEST_FOR_INTERVAL } from "./statistics.ts";
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

/** The floor of a spectrum, in units of its largest σ, as rounding made it in versions whose studies do not store it. */
const EARLIER_FLOOR = 2 ** -20.5;

/** The floor that a study stores beside a spectrum, at this place of its array; see above for a study that stores none. */
export function floorAt({ values }: StudyData, name: string, at: number, largest: number): number {
  return values[name]?.data[at] ?? EARLIER_FLOOR * largest;
}

/** Whether a σ is known to so many digits that its logarithm means something; `largest` and `floor` are those of its spectrum. */
export function isLogKnown(sigma: number, largest: number, floor: number): boolean {
  return sigma > RESOLVED * largest && sigma > floor;
}

/**
 * The points of a curve of mean σ against its index, and how it is made: at each index the mean over the spectra whose σ is above
 * their floor, as long as these are at least half of those that have so many.
 */
export function meanSpectrum(spectra: readonly { readonly sigma: Float64Array; readonly floor: number }[]) {
  const longest = Math.max(0, ...spectra.map(({ sigma }) => sigma.length));
  const points: { readonly index: number; readonly values: readonly number[] }[] = [];
  for (let i = 0; i < longest; i++) {
    const there = spectra.filter(({ sigma }) => i < sigma.length);
    const values = there.flatMap(({ sigma, floor }) => (isBelowFloor(sigma[i]!, floor) ? [] : [sigma[i]!]));
    if (2 * values.length < there.length || values.length === 0) break;
    points.push({ index: i + 1, values });
  }
  return points;
}

/** What a caption says of such curves. */
export const ENDS_AT_FLOOR =
  "A σ below the floor cannot be told from zero and is left out; a curve ends where it lies there for most images.";

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

/** Three cells of a table: the value and its interval, which stay empty where there is none or the value is the same for all. */
export const cellsOf = ({ value, low, high }: Estimate): number[] =>
  low === high ? [value, Number.NaN, Number.NaN] : [value, low, high];

/** What a table says of intervals that are not there. */
export const NO_INTERVAL = `No interval stands where a value is the same for all images, or where there are fewer than ${FEWEST_FOR_INTERVAL} of them.`;

/**
 * `0.512 (95 % interval 0.401 to 0.633, n = 16 images)`; `0.512 (3 images: no interval)`; `0.9 (the same for all 40 images)`. The
 * ends have as many digits as tell them apart. An estimate of one image that stands for all is given the number of `all`.
 */
export function told({ value, low, high, n }: Estimate, all: number = n): string {
  const images = n === 1 ? "1 image" : `${n} images`;
  const alone = inDigits(value, 3);
  if (n === 1 && all > 1) return `${alone} (J is the same for all ${all} images)`;
  if (Number.isNaN(low)) return `${alone} (${images}: no interval)`;
  if (low === high) return `${alone} (the same for all ${images})`;
  let digits = 3;
  while (inDigits(low, digits) === inDigits(high, digits)) digits++;
  const [middle, from, to] = [value, low, high].map((number) => inDigits(number, digits));
  return `${middle} (95 % interval ${from} to ${to}, n = ${images})`;
}

/** At least so many digits, and all of those before the point. */
const inDigits = (value: number, digits: number): string =>
  typeset(Math.abs(value) >= 10 ** digits && Math.abs(value) < 1e9 ? value.toFixed(0) : value.toPrecision(digits));

/** `between 6.48 (conv1) and 1911 (fire9)`: what a statement about the ends of a list of taps leaves out. */
export function rangeOf(places: readonly string[], values: readonly number[]): string {
  const known = values.flatMap((value, i) => (Number.isFinite(value) ? [{ value, place: places[i]! }] : []));
  const [least, most] = [-1, 1].map((sign) =>
    known.reduce((a, b) => (sign * b.value > sign * a.value ? b : a), known[0]!),
  );
  return `between ${inDigits(least!.value, 3)} (${least!.place}) and ${inDigits(most!.value, 3)} (${most!.place})`;
}
