import { createRng } from "../base/index.ts";

/** A measured number with its interval. */
export interface Estimate {
  readonly value: number;
  /** Ends of a 95 % interval; NaN where there is only one image. */
  readonly low: number;
  readonly high: number;
  /** Images that it rests on. */
  readonly n: number;
}

const DRAWS = 2000;
const TAIL = 0.025;
/** Standard deviations on either side that hold 95 % of a normal distribution. */
const NORMAL = 1.96;

/**
 * A statistic of n images with its percentile bootstrap interval: the images are drawn anew with replacement, whole, so that
 * what belongs to one of them stays together. Draws in which the statistic is NaN do not count.
 *
 * @see Efron & Tibshirani 1993, chapter 13
 */
export function bootstrap(
  n: number,
  statistic: (images: readonly number[]) => number,
  seed: number | string,
): Estimate {
  const value = statistic(Array.from({ length: n }, (_, i) => i));
  if (n < 2) return { value, low: Number.NaN, high: Number.NaN, n };
  const rng = createRng("bootstrap", seed);
  const drawn = Array.from({ length: DRAWS }, () => statistic(Array.from({ length: n }, () => rng.integer(n))))
    .filter((one) => !Number.isNaN(one))
    .sort((a, b) => a - b);
  const at = (part: number) => drawn[Math.round(part * (drawn.length - 1))] ?? Number.NaN;
  return { value, low: at(TAIL), high: at(1 - TAIL), n };
}

/**
 * The same of a statistic that images drawn twice would falsify, as one that counts directions: by leaving out one image at a
 * time, with a normal interval.
 *
 * @see Efron & Tibshirani 1993, chapter 11
 */
export function jackknife(n: number, statistic: (images: readonly number[]) => number): Estimate {
  const all = Array.from({ length: n }, (_, i) => i);
  const value = statistic(all);
  if (n < 3) return { value, low: Number.NaN, high: Number.NaN, n };
  const without = all.map((left) => statistic(all.filter((i) => i !== left)));
  const middle = mean(without);
  const spread = without.reduce((sum, one) => sum + (one - middle) ** 2, 0);
  const half = NORMAL * Math.sqrt(((n - 1) / n) * spread);
  return { value, low: value - half, high: value + half, n };
}

/** The mean of one number an image, with its interval by bootstrap. */
export function meanOf(numbers: ArrayLike<number>, seed: number | string): Estimate {
  return bootstrap(numbers.length, (chosen) => mean(chosen.map((i) => numbers[i]!)), seed);
}

/** The same over the images of which the number is known: n counts those. */
export function meanOfKnown(numbers: readonly number[], seed: number | string): Estimate {
  return meanOf(
    numbers.filter((value) => !Number.isNaN(value)),
    seed,
  );
}

/** NaN of nothing. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
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

/** Ranks from 0, those of equal values their mean: what Spearman's correlation correlates. */
export function ranks(values: ArrayLike<number>): Float64Array {
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
