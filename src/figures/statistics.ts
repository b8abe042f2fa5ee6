/** Mean and sample standard deviation. `mean` is NaN without values, and `std` is NaN for fewer than two values. */
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
  // A deviation that comes from rounding the mean counts as zero.
  if (values.every((value) => value === values[0])) return { n, mean: values[0]!, std: 0 };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { n, mean, std: Math.sqrt(squares / (n - 1)) };
}
