import { type Filter, filterValue, NO_FILTER } from "./filter.ts";

/** Where a search stands. */
export interface Standing {
  readonly wanted: number;
  readonly size: number;
  readonly capacity: number;
  readonly blockRows: number;
  /** Entries of a vector. */
  readonly length: number;
  /** One product with J or Jᵀ, in multiply-adds. */
  readonly productCost: number;
  /** What a filter's recurrence adds to a product with G, in multiply-adds for each vector. */
  readonly mixCost: number;
  /** Residual allowed, in units of the rounding of a product. */
  readonly headroom: number;
  /** Ritz values of G, descending, and the share of each in the random block that the search began with. */
  readonly values: Float64Array;
  readonly weights: Float64Array;
  /** The eigenvalues of G by rank, where they are known beforehand. */
  readonly known?: ((rank: number) => number) | undefined;
}

/** Number of products with G in a filter. */
const DEGREES = [2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128];
/** Residuals to reach, from about 1. */
const DECADES = Math.log(2e6);
/** A filter must promise to save this much of the time that is left. */
const WORTH = 0.75;

/**
 * The filter with which the search should end soonest. A Krylov space of G costs an orthogonalization against all of it for
 * each product; one of a polynomial in G needs more products and fewer vectors. So filters pay where J is cheap, the vectors
 * long and the spectrum flat, as in a network's first layers.
 *
 * The spectrum's density comes from the search itself: the share of the first, random block in a Ritz vector tells how many
 * eigenvalues the Ritz value stands for (stochastic Lanczos quadrature). How large a space is needed follows from the gap
 * that Chebyshev's polynomials find between the last wanted eigenvalue and the one a block further down.
 *
 * @see Ubaru, Chen & Saad 2017; Saad 2011, §6.6 (convergence)
 */
export function plan(standing: Standing): Filter {
  const { wanted, size, capacity, blockRows, length, productCost, mixCost, headroom, values } = standing;
  const at = standing.known ?? ((rank: number) => eigenvalueAt(standing, rank));
  const last = at(wanted);
  const beyond = at(wanted + blockRows);
  const cutoff = at(1.25 * wanted + blockRows);
  const needed = (filter: Filter): number => {
    const [top, rest] = [filterValue(filter, last), filterValue(filter, beyond)];
    const gap = (top - rest) / (rest + (filter.degree === 1 ? 0 : 1));
    return gap > 0 ? wanted + (blockRows * DECADES) / Math.acosh(1 + 2 * gap) : Number.POSITIVE_INFINITY;
  };
  const cost = ({ degree }: Filter, from: number, to: number): number => {
    if (to > capacity) return Number.POSITIVE_INFINITY;
    const products = degree * (2 * productCost + (degree === 1 ? 0 : mixCost)) * (to - from);
    return products + length * (to * to - from * from);
  };
  const best = { filter: NO_FILTER, cost: WORTH * cost(NO_FILTER, size, Math.max(size, needed(NO_FILTER))) };
  for (const degree of DEGREES) {
    const filter = { degree, cutoff };
    if (!resolves(filter, values[0]!, last, headroom)) break;
    const total = cost(filter, 0, needed(filter));
    if (total < best.cost) Object.assign(best, { filter, cost: total });
  }
  return best.filter;
}

/**
 * Whether the filter's rounding, which is that of its value at the top, leaves the last wanted eigenvalue its residual:
 * F(top)/F(last) ≤ headroom·(top/last)^½, as for G itself where σ_last/σ_top is 1/headroom.
 */
export function resolves(filter: Filter, top: number, last: number, headroom: number): boolean {
  return filterValue(filter, top) <= headroom * Math.sqrt(top / last) * filterValue(filter, last);
}

/** The eigenvalue that has `rank` − 1 above it, as far as the quadrature tells. */
export function eigenvalueAt(
  { values, weights, length }: Pick<Standing, "values" | "weights" | "length">,
  rank: number,
): number {
  let count = 0;
  for (let i = 0; i < weights.length; i++) {
    const share = length * weights[i]!;
    if (count + share / 2 >= rank) {
      if (i === 0) return values[0]!;
      const previous = (length * weights[i - 1]!) / 2;
      const part = (rank - (count - previous)) / (previous + share / 2);
      return values[i - 1]! + Math.min(1, Math.max(0, part)) * (values[i]! - values[i - 1]!);
    }
    count += share;
  }
  return values[weights.length - 1]!;
}
