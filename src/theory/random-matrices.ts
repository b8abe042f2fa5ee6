import { integral, root } from "./quadrature.ts";

/** The distribution of the squared singular values of a large random matrix. */
export interface Spectrum {
  /** The least and the largest squared singular value. */
  readonly edges: readonly [low: number, high: number];
  /** The share of squared singular values up to x. */
  cumulative(x: number): number;
  /** The mean of the k-th power of the squared singular values. */
  moment(k: number): number;
}

/** The number of ways to choose k of n. */
function binomial(n: number, k: number): number {
  let product = 1;
  for (let i = 1; i <= k; i++) product *= (n - k + i) / i;
  return Math.round(product);
}

/**
 * Marchenko-Pastur: squared singular values of a matrix with independent entries of standard deviation `deviation`; only the shorter side's
 * are counted. Their variance over the squared mean is short/long.
 *
 * @see Marchenko & Pastur 1967
 */
export function marchenkoPastur(rows: number, columns: number, deviation: number): Spectrum {
  const [short, long] = [Math.min(rows, columns), Math.max(rows, columns)];
  const y = short / long;
  const scale = deviation ** 2 * long;
  const [low, high] = [(1 - Math.sqrt(y)) ** 2, (1 + Math.sqrt(y)) ** 2];
  const width = high - low;
  // With λ = low + width·sin²(θ/2) the density has no singular ends.
  const density = (angle: number) => {
    const part = Math.sin(angle / 2) ** 2;
    return (width ** 2 * part * (1 - part)) / (2 * Math.PI * y * (low + width * part));
  };
  return {
    edges: [scale * low, scale * high],
    cumulative(x) {
      const part = Math.min(1, (x / scale - low) / width);
      return part <= 0 ? 0 : integral(density, 0, 2 * Math.asin(Math.sqrt(part)));
    },
    moment(k) {
      let sum = 0; // Narayana numbers
      for (let r = 0; r < k; r++) sum += (y ** r / (r + 1)) * binomial(k, r) * binomial(k - 1, r);
      return scale ** k * sum;
    },
  };
}

/**
 * Fuss-Catalan: squared singular values of a product of `factors` square Gaussian matrices of great width N with entries of variance 1/N.
 *
 * @see Penson & Życzkowski 2011; the substitution by an angle: Haagerup & Möller 2013
 */
export function fussCatalan(factors: number): Spectrum {
  const L = factors;
  const last = Math.PI / (L + 1);
  // x falls from its upper edge to 0 as the angle rises from 0 to π/(L + 1).
  const at = (angle: number) => Math.sin((L + 1) * angle) ** (L + 1) / (Math.sin(angle) * Math.sin(L * angle) ** L);
  const mass = (angle: number) => {
    const [one, all, more] = [angle, L * angle, (L + 1) * angle];
    const slope = Math.cos(one) / Math.sin(one) + (L * L * Math.cos(all)) / Math.sin(all);
    const outer = (Math.sin(more) * slope - (L + 1) ** 2 * Math.cos(more)) / Math.PI;
    return (Math.sin(one) / Math.sin(all)) * outer;
  };
  const high = (L + 1) ** (L + 1) / L ** L;
  return {
    edges: [0, high],
    cumulative(x) {
      if (x <= 0) return 0;
      if (x >= high) return 1;
      return integral(
        mass,
        root((angle) => at(angle) - x, 1e-9, last),
        last,
      );
    },
    moment: (k) => binomial((L + 1) * k, k) / (L * k + 1),
  };
}
