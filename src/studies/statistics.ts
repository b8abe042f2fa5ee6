import { createRng } from "../base/index.ts";

/** A measured number with its interval. */
export interface Estimate {
  readonly value: number;
  /** Ends of a 95 % interval; NaN where there are too few images for one, and `value` where it is the same for all images. */
  readonly low: number;
  readonly high: number;
  /** Images that it rests on. */
  readonly n: number;
}

const DRAWS = 4000;

/** Images that an interval needs: Student's t grows without bound below, and what is drawn is mostly one image again and again. */
export const FEWEST_FOR_INTERVAL = 4;

/** Numbers of float32 products that differ by less than this part of them are one number. */
const RESOLUTION = 2 ** -20;

/** An estimate whose interval is not narrower than the numbers can tell. */
function resolved({ value, low, high, n }: Estimate): Estimate {
  const isOne = Number.isFinite(value) && high - low <= RESOLUTION * Math.abs(value);
  return isOne ? { value, low: value, high: value, n } : { value, low, high, n };
}

/**
 * A statistic of n images with its bootstrap interval: the images are drawn anew with replacement, whole, so that what belongs
 * to one of them stays together. The interval's ends are those percentiles of the draws that give the mean of n normal numbers
 * Student's interval; the usual ones are too narrow for few images. Draws in which the statistic is NaN do not count.
 *
 * @see Efron & Tibshirani 1993, chapter 13; Hesterberg 2015 (expanded percentile interval)
 */
export function bootstrap(
  n: number,
  statistic: (images: readonly number[]) => number,
  seed: number | string,
): Estimate {
  const value = statistic(Array.from({ length: n }, (_, i) => i));
  if (n < FEWEST_FOR_INTERVAL) return { value, low: Number.NaN, high: Number.NaN, n };
  const drawn = drawsOf(n, seed)
    .map(statistic)
    .filter((one) => !Number.isNaN(one))
    .sort((a, b) => a - b);
  const at = (part: number) => drawn[Math.round(part * (drawn.length - 1))] ?? Number.NaN;
  const tail = normalTail(Math.sqrt(n / (n - 1)) * student(n - 1));
  return resolved({ value, low: at(tail), high: at(1 - tail), n });
}

/** What was drawn last: most statistics of a study are of as many images, with one seed. */
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

/**
 * The same of a statistic that images drawn twice would falsify, as one that counts directions: by leaving out one image at a
 * time, with Student's interval.
 *
 * @see Efron & Tibshirani 1993, chapter 11
 */
export function jackknife(n: number, statistic: (images: readonly number[]) => number): Estimate {
  const all = Array.from({ length: n }, (_, i) => i);
  const value = statistic(all);
  if (n < FEWEST_FOR_INTERVAL) return { value, low: Number.NaN, high: Number.NaN, n };
  const without = all.map((left) => statistic(all.filter((i) => i !== left)));
  const middle = mean(without);
  const spread = without.reduce((sum, one) => sum + (one - middle) ** 2, 0);
  const half = student(n - 1) * Math.sqrt(((n - 1) / n) * spread);
  return resolved({ value, low: value - half, high: value + half, n });
}

/** Student's t that 2.5 % are above, to 0.3 % from 3 degrees of freedom on. @see Abramowitz & Stegun 1964, 26.7.5 */
export function student(freedom: number): number {
  const z = 1.959964;
  const terms = [
    z,
    (z ** 3 + z) / 4,
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96,
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384,
    (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92160,
  ];
  return terms.reduce((sum, term, i) => sum + term / freedom ** i, 0);
}

/** The part of a normal distribution above x ≥ 0, to 1e-7. @see Abramowitz & Stegun 1964, 26.2.17 */
export function normalTail(x: number): number {
  const t = 1 / (1 + 0.2316419 * x);
  const [b1, b2, b3, b4, b5] = [0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429];
  return (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * t * (b1 + t * (b2 + t * (b3 + t * (b4 + t * b5))));
}

/** The mean of one number an image, with its interval by bootstrap. */
export function meanOf(numbers: ArrayLike<number>, seed: number | string): Estimate {
  return bootstrap(numbers.length, (chosen) => mean(chosen.map((i) => numbers[i]!)), seed);
}

/** The same over the images of which there is a finite number: n counts those. */
export function meanOfKnown(numbers: readonly number[], seed: number | string): Estimate {
  return meanOf(numbers.filter(Number.isFinite), seed);
}

/** NaN of nothing. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

/** The upper one of the two in the middle; NaN of nothing. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Of a sample, with n − 1; NaN below two values. */
export function standardDeviation(values: ArrayLike<number>): number {
  const middle = mean(values);
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i]! - middle) ** 2;
  return values.length < 2 ? Number.NaN : Math.sqrt(squares / (values.length - 1));
}

/** Pearson's correlation; NaN where either does not vary. */
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

/** Ranks from 0, those of equal values their mean: what Spearman's correlation correlates; NaN where one of the values is. */
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
