/** From here on the asymptotic series of ψ and ψ′ are exact to the precision of the numbers. */
const FAR = 12;

/**
 * The digamma function ψ(x) = d ln Γ(x)/dx for x > 0.
 *
 * @see Abramowitz & Stegun 1964, 6.3.5 and 6.3.18
 */
export function digamma(x: number): number {
  if (x < FAR) return digamma(x + 1) - 1 / x;
  const y = 1 / (x * x);
  const series = y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y * (1 / 240 - y * (1 / 132 - (y * 691) / 32760)))));
  return Math.log(x) - 1 / (2 * x) - series;
}

/**
 * The trigamma function ψ′(x) for x > 0.
 *
 * @see Abramowitz & Stegun 1964, 6.4.6 and 6.4.12
 */
export function trigamma(x: number): number {
  if (x < FAR) return trigamma(x + 1) + 1 / (x * x);
  const y = 1 / (x * x);
  const series = 1 / 6 - y * (1 / 30 - y * (1 / 42 - y * (1 / 30 - y * (5 / 66 - (y * 691) / 2730))));
  return 1 / x + y / 2 + (y / x) * series;
}

/**
 * The error function, to about 1e-15: its power series near to 0, the continued fraction of its complement beyond 2.5.
 *
 * @see Abramowitz & Stegun 1964, 7.1.6 and 7.1.14
 */
export function erf(x: number): number {
  const size = Math.abs(x);
  if (size > 6) return Math.sign(x);
  if (size <= 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
    }
    return ((2 * sum) / Math.sqrt(Math.PI)) * Math.exp(-x * x);
  }
  let fraction = size;
  for (let n = 80; n >= 1; n--) fraction = size + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-size * size) / (fraction * Math.sqrt(Math.PI)));
}
