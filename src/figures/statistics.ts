/** Mean and sample standard deviation; `mean` is NaN of nothing, `std` is NaN below two values. */
export interface Moments {
  readonly n: number;
  readonly mean: number;
  /** With n − 1 in the denominator. */
  readonly std: number;
}

/** Mean and sample standard deviation of a few values, in two passes. */
export function momentsOf(values: readonly number[]): Moments {
  const n = values.length;
  const mean = n === 0 ? Number.NaN : values.reduce((sum, value) => sum + value, 0) / n;
  if (n < 2) return { n, mean, std: Number.NaN };
  // The rounding of a mean is no spread.
  if (values.every((value) => value === values[0])) return { n, mean: values[0]!, std: 0 };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { n, mean, std: Math.sqrt(squares / (n - 1)) };
}

/** The middle of some values, and where the band about it begins and ends; NaN of nothing. */
export interface Band {
  readonly n: number;
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** The shares of the values below the ends of a band. */
const bandEnds = { low: 0.1, high: 0.9 };

/**
 * Median, 10 % and 90 % quantile of some values, by straight lines between neighbours (`type 7` of Hyndman & Fan 1996, numpy's
 * default). Values of 0 stand for what is too small to be known: a quantile that would need one is 0.
 */
export function bandOf(values: readonly number[]): Band {
  const sorted = [...values].sort((a, b) => a - b);
  const quantile = (share: number): number => {
    const at = share * (sorted.length - 1);
    const [below, above] = [sorted[Math.floor(at)] ?? Number.NaN, sorted[Math.ceil(at)] ?? Number.NaN];
    return below === 0 ? 0 : below + (at - Math.floor(at)) * (above - below);
  };
  return { n: sorted.length, median: quantile(0.5), low: quantile(bandEnds.low), high: quantile(bandEnds.high) };
}
