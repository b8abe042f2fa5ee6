import { type Filter, filterValue, NO_FILTER } from "./filter.ts";

/** The state of a search. */
export interface Standing {
  readonly wanted: number;
  readonly size: number;
  readonly capacity: number;
  readonly blockRows: number;
  /** Entries of a vector. */
  readonly length: number;
  /** One product with J or Jᵀ, in multiply-adds. */
  readonly productCost: number;
  /** What the recurrence of a filter adds to a product with G, in multiply-adds for each vector. */
  readonly mixCost: number;
  /** The residual allowed, divided by the rounding of a product. */
  readonly headroom: number;
  /** The Ritz values of G, descending, and the share of the first, random block in each Ritz vector. */
  readonly values: Float64Array;
  readonly weights: Float64Array;
  /** The eigenvalues of G by rank, if they are known beforehand. */
  readonly known?: ((rank: number) => number) | undefined;
}

/** The degrees to choose from: the number of products with G in one application of the filter. */
const DEGREES = [2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128];
/** The logarithm of the factor by which residuals have to fall, from about 1. */
const DECADES = Math.log(2e6);
/** A filter is chosen only if its predicted cost is below this fraction of the cost without one. */
const WORTH = 0.75;

/**
 * The filter with which the search should take the least work. With G itself, every product is orthogonalized against the whole
 * basis. A polynomial in G needs more products but a smaller basis. So a filter is worth its cost where products are cheap,
 * vectors are long and the spectrum is flat, as in the first layers of a network.
 *
 * The density of the spectrum comes from the search itself: the share of the first, random block in a Ritz vector estimates how
 * many eigenvalues its Ritz value represents (stochastic Lanczos quadrature). The size of the basis needed follows from the
 * convergence of Chebyshev polynomials, given the gap between the last eigenvalue wanted and the one a block further down.
 *
 * @see Ubaru, Chen & Saad 2017; Saad 2011, §6.6 (convergence)
 */
export function chooseFilter(standing: Standing): Filter {
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
 * Whether the last eigenvalue wanted can reach its residual with this filter. The rounding of the filter is relative to its
 * largest value, F(top). The condition is F(top)/F(last) ≤ headroom·(top/last)^½; G itself meets it as long as σ_last/σ_top is at
 * least 1/headroom.
 */
export function resolves(filter: Filter, top: number, last: number, headroom: number): boolean {
  return filterValue(filter, top) <= headroom * Math.sqrt(top / last) * filterValue(filter, last);
}

/** The eigenvalue with `rank` − 1 larger ones, as estimated by the quadrature. */
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
