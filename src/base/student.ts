/** The mean of independent numbers, and its standard error. */
export function meanWithError(values: ArrayLike<number>): { readonly mean: number; readonly error: number } {
  const all = Array.from(values);
  const n = all.length;
  const mean = all.reduce((sum, value) => sum + value, 0) / n;
  const variance = all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  return { mean, error: Math.sqrt(variance / n) };
}

/** Student's 95 % interval of a number with a standard error, which so many degrees of freedom estimate. */
export function studentInterval(value: number, error: number, freedom: number): { low: number; high: number } {
  const half = student(freedom) * error;
  return { low: value - half, high: value + half };
}

/** The 97.5 % point of Student's t, accurate to 0.3 % from 3 degrees of freedom on. @see Abramowitz & Stegun 1964, 26.7.5 */
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
