import { type ChartPoint, type ChartSeries, knownBands, spectrumBands } from "../results/index.ts";
import { type Estimate, FEWEST_FOR_INTERVAL } from "./statistics.ts";
import type { StudyData } from "./study.ts";

/** A line through estimates, one for each label of the axis, with their intervals. */
export function lineOf(
  name: string,
  places: readonly (string | number)[],
  of: (index: number) => Estimate,
): ChartSeries {
  return {
    name,
    mark: "line",
    points: places.map((x, i) => {
      const { value, low, high, sample } = of(i);
      return { x, y: value, low, high, ...(sample === undefined ? {} : { sample }) };
    }),
  };
}

/** Singular values below this fraction of the largest are not accurate enough for a logarithm. */
export const RESOLVED = 1e-4;

/** The floor of a spectrum relative to its largest σ, for studies of earlier versions, which do not store it. */
const EARLIER_FLOOR = 2 ** -20.5;

/** The floor that a study stores with a spectrum, at this position of its array; a default value for studies that store none. */
export function floorAt({ values }: StudyData, name: string, at: number, largest: number): number {
  return values[name]?.data[at] ?? EARLIER_FLOOR * largest;
}

/** Whether a σ is accurate enough for a logarithm; `largest` and `floor` are those of its spectrum. */
export function isLogKnown(sigma: number, largest: number, floor: number): boolean {
  return sigma > RESOLVED * largest && sigma > floor;
}

/** At most so many places of a list, spread from its first to its last. */
export function spreadOver(length: number, most: number): number[] {
  const count = Math.min(length, most);
  return Array.from({ length: count }, (_, i) => Math.round((i * (length - 1)) / Math.max(1, count - 1)));
}

/** A curve of the median σ against its index, with the band about it as far as it is known (none of one spectrum). */
export function curveOf(spectra: readonly { readonly sigma: Float64Array; readonly floor: number }[]): ChartPoint[] {
  return knownBands(spectrumBands(spectra)).map(({ index: x, n, median: y, low, high }) =>
    n > 1 && low > 0 ? { x, y, low, high } : { x, y },
  );
}

/** What a caption says about such curves. */
export const ENDS_AT_FLOOR =
  "A σ below the floor cannot be told from zero: a curve ends where the median lies there, and a band where its lower end does.";

/**
 * The images that count for a variable [tap, image, …] at a tap. It is a single one if the variable is the same for all images, for
 * example because J does not depend on the input.
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

/** For how many images the spectrum of one stands, where J is the same for all; else undefined. */
export const sameFor = (data: StudyData, name: string, tap: number): number | undefined =>
  imagesAt(data, name, tap).length === 1 ? data.axes.image!.length : undefined;

/** What a table says about missing intervals. */
export const NO_INTERVAL = `There is no interval where a value is the same for all images, or where there are fewer than ${FEWEST_FOR_INTERVAL} images.`;
