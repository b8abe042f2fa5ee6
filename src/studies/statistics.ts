import { createRng, student, studentInterval } from "../base/index.ts";
import type { Sample } from "../results/index.ts";

/** A measured number with its interval. */
export interface Estimate {
  readonly value: number;
  /** The ends of a 95 % interval: NaN if there are too few images for one, `value` if it is the same for all images. */
  readonly low: number;
  readonly high: number;
  /** The number of images on which it is based. */
  readonly n: number;
  /** The number of random networks over which it is a mean, if it is that of a control. */
  readonly draws?: number;
  /** How it follows from the images. */
  readonly sample?: Sample;
}

const DRAWS = 4000;

/** The fewest images for an interval. With fewer, Student's t becomes very large, and most draws contain one image several times. */
export const FEWEST_FOR_INTERVAL = 4;

/** Numbers from float32 products that differ by less than this fraction are taken as equal. */
const RESOLUTION = 2 ** -20;

/** An estimate. If its interval is narrower than the accuracy of the numbers, it is replaced by the value. */
export function resolved(estimate: Estimate): Estimate {
  const { value, low, high } = estimate;
  const isOne = Number.isFinite(value) && high - low <= RESOLUTION * Math.abs(value);
  return isOne ? { ...estimate, low: value, high: value } : estimate;
}

/** What the numbers of a sample vary over. */
export const unitOf = (sample: Sample | undefined): NonNullable<Sample["unit"]> | "image" => sample?.unit ?? "image";

/** A statistic of all n images. */
export const ofAll = (n: number, of: Sample["of"]): Sample => ({ images: Array.from({ length: n }, (_, i) => i), of });

/** The mean of one number per image, over the images whose number is finite. */
export function meanSample(numbers: ArrayLike<number>): Sample {
  const images = Array.from(numbers, (_, i) => i).filter((i) => Number.isFinite(numbers[i]!));
  return { images, of: (chosen) => mean(chosen.map((i) => numbers[i]!)) };
}

/**
 * A statistic of n images with its bootstrap interval. Whole images are drawn with replacement, so that all numbers of one image stay
 * together. The ends of the interval are expanded percentiles: those that give Student's interval for the mean of n normal numbers.
 * The usual percentiles are too narrow for few images. Draws in which the statistic is NaN do not count.
 *
 * @see Efron & Tibshirani 1993, chapter 13; Hesterberg 2015 (expanded percentile interval)
 */
export function bootstrap(sample: Sample, seed: number | string): Estimate {
  const { images } = sample;
  const { length: n } = images;
  const value = sample.of(images);
  if (n < FEWEST_FOR_INTERVAL) return { value, low: Number.NaN, high: Number.NaN, n, sample };
  const drawn = drawsOf(n, seed)
    .map((chosen) => sample.of(chosen.map((i) => images[i]!)))
    .filter((one) => !Number.isNaN(one))
    .sort((a, b) => a - b);
  const at = (part: number) => drawn[Math.round(part * (drawn.length - 1))] ?? Number.NaN;
  const tail = normalTail(Math.sqrt(n / (n - 1)) * student(n - 1));
  return resolved({ value, low: at(tail), high: at(1 - tail), n, sample });
}

/** The last draws. They are reused, because most statistics of a study have the same number of images and the same seed. */
let lastDrawn: { readonly n: number; readonly seed: number | string; readonly draws: number[][] } | undefined;

function drawsOf(n: number, seed: number | string): readonly (readonly number[])[] {
  if (lastDrawn?.n !== n || lastDrawn.seed !== seed) {
    const rng = createRng("bootstrap", seed);
    const draws = Array.from({ length: DRAWS }, () => Array.from({ length: n }, () => rng.integer(n)));
    lastDrawn = { n, seed, draws };
  }
  return lastDrawn.draws;
}

/** How often each of n images was drawn. */
export function timesDrawn(images: readonly number[], n: number): Uint16Array {
  const times = new Uint16Array(n);
  for (const image of images) times[image]! += 1;
  return times;
}

/** A scale on which the interval of a number is taken, and the way back from it. */
interface Scale {
  readonly to: (value: number) => number;
  readonly back: (value: number) => number;
}

const plain: Scale = { to: (value) => value, back: (value) => value };

/**
 * arcsin √p of a share p: on this scale a mean of independent yes and no has nearly the same variance whatever p is, and an interval that
 * is cut off at 0 and π/2 does not leave [0, 1]. Unlike the logit it is finite at both ends, which a share reaches where one
 * observation is left out.
 *
 * @see Anscombe 1948
 */
const angle: Scale = {
  to: (share) => Math.asin(Math.sqrt(Math.min(1, Math.max(0, share)))),
  back: (value) => Math.sin(Math.min(Math.PI / 2, Math.max(0, value))) ** 2,
};

export const scaleOf = (sample: Sample): Scale => (sample.scale === "share" ? angle : plain);

/** Student's interval of a number whose standard error is known on a scale. */
export function intervalOn({ to, back }: Scale, value: number, error: number, freedom: number) {
  const { low, high } = studentInterval(to(value), error, freedom);
  return { low: back(low), high: back(high) };
}

/**
 * The jackknife interval of a statistic: one image at a time is left out, and Student's interval is used, of shares on the scale of
 * arcsin √p. It is for statistics that an image drawn twice would distort, such as a number of directions.
 *
 * @see Efron & Tibshirani 1993, chapter 11
 */
export function jackknife(sample: Sample): Estimate {
  const { images } = sample;
  const { length: n } = images;
  const value = sample.of(images);
  if (n < FEWEST_FOR_INTERVAL) return { value, low: Number.NaN, high: Number.NaN, n, sample };
  const scale = scaleOf(sample);
  const error = Math.sqrt(varianceWithout(images, (chosen) => scale.to(sample.of(chosen))));
  return resolved({ value, ...intervalOn(scale, value, error, n - 1), n, sample });
}

/** The variance of a statistic by the jackknife, from its values without each one of the images. */
export function varianceWithout(images: readonly number[], of: Sample["of"]): number {
  const without = images.map((left) => of(images.filter((image) => image !== left)));
  const middle = mean(without);
  const { length: n } = images;
  return ((n - 1) / n) * without.reduce((sum, one) => sum + (one - middle) ** 2, 0);
}

/** The probability that a standard normal number exceeds x ≥ 0, accurate to 1e-7. @see Abramowitz & Stegun 1964, 26.2.17 */
export function normalTail(x: number): number {
  const t = 1 / (1 + 0.2316419 * x);
  const [b1, b2, b3, b4, b5] = [0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429];
  return (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * t * (b1 + t * (b2 + t * (b3 + t * (b4 + t * b5))));
}

/** The mean of one number per image, with its bootstrap interval. */
export function meanOf(numbers: ArrayLike<number>, seed: number | string): Estimate {
  const { of } = meanSample(numbers);
  return bootstrap(ofAll(numbers.length, of), seed);
}

/** The mean over the images whose number is finite; n is the number of these images. */
export function meanOfKnown(numbers: ArrayLike<number>, seed: number | string): Estimate {
  return bootstrap(meanSample(numbers), seed);
}

/** The mean; NaN for an empty list. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

/** The median (the upper one of the two in the middle); NaN for an empty list. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Pearson's correlation; NaN if one of the two does not vary. */
export function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [meanOfA, meanOfB] = [mean(a), mean(b)];
  let [both, squaresOfA, squaresOfB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]! - meanOfA, b[i]! - meanOfB];
    both += x * y;
    squaresOfA += x * x;
    squaresOfB += y * y;
  }
  return squaresOfA > 0 && squaresOfB > 0 ? both / Math.sqrt(squaresOfA * squaresOfB) : Number.NaN;
}

/** The indices of scores in decreasing order of the scores; among equal scores the smaller index is first. */
export const ranked = (scores: Float32Array): number[] =>
  Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b);

/** Ranks from 0 for Spearman's correlation. Equal values get the mean of their ranks. All ranks are NaN if one value is. */
export function ranks(values: ArrayLike<number>): Float64Array {
  if (Array.from(values).some(Number.isNaN)) return new Float64Array(values.length).fill(Number.NaN);
  const order = Array.from(values, (_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const result = new Float64Array(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++;
    for (let at = from; at < to; at++) result[order[at]!] = (from + to - 1) / 2;
    from = to;
  }
  return result;
}
