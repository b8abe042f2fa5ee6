import type { Block, BlockAlgebra } from "../runtime/index.ts";
import type { Scratch } from "./scratch.ts";

/** A polynomial in a positive semidefinite G, which takes the place of G in block Lanczos. */
export interface Filter {
  /** The number of products with G in one application of the filter. Degree 1 is G itself. */
  readonly degree: number;
  /** Eigenvalues from 0 to the cutoff are mapped into [−1, 1]; larger ones above 1, in the same order. Unused at degree 1. */
  readonly cutoff: number;
}

export const NO_FILTER: Filter = { degree: 1, cutoff: 0 };

/** The filter's value at an eigenvalue of G: T_degree(2λ/cutoff − 1). */
export function filterValue({ degree, cutoff }: Filter, lambda: number): number {
  if (degree === 1) return lambda;
  const x = (2 * lambda) / cutoff - 1;
  return x <= 1 ? Math.cos(degree * Math.acos(Math.max(-1, x))) : Math.cosh(degree * Math.acosh(x));
}

/** The eigenvalue of G at which the filter has this value. For values up to 1, which belong to many, it is the cutoff. */
export function filterInverse({ degree, cutoff }: Filter, value: number): number {
  if (degree === 1) return value;
  return value <= 1 ? cutoff : (cutoff * (1 + Math.cosh(Math.acosh(value) / degree))) / 2;
}

/**
 * Converts a residual of the filtered operator at its value f into a residual of G: ‖Gx − λx‖ ≤ λ/(f − 1)·residual. The filter
 * is convex above the cutoff and at most 1 below it, so between λ and any other eigenvalue its slope is at least (f − 1)/λ.
 */
export function filterResidual({ degree, cutoff }: Filter, residual: number, value: number): number {
  if (degree === 1) return residual;
  return value <= 1 ? Number.POSITIVE_INFINITY : (residual * filterInverse({ degree, cutoff }, value)) / (value - 1);
}

/**
 * Applies the filter to the rows of a block by the three-term recurrence of Chebyshev polynomials. The result is in memory of
 * `scratch`; the results of `gram` may be there too.
 *
 * @see Zhou, Saad, Tiago & Chelikowsky 2006; Li, Xi, Vecharynski, Yang & Saad 2016 (within Lanczos)
 */
export async function applyFilter(
  { degree, cutoff }: Filter,
  gram: (x: Block) => Promise<Block>,
  x: Block,
  { mix }: BlockAlgebra,
  scratch: Scratch,
): Promise<Block> {
  if (degree === 1) return gram(x);
  let previous = x;
  let current = x;
  for (let power = 1; power <= degree; power++) {
    const scale = power === 1 ? 1 : 2;
    const terms = [
      { weight: (2 * scale) / cutoff, block: await gram(current) },
      { weight: -scale, block: current },
      { weight: power === 1 ? 0 : -1, block: previous },
    ] as const;
    const next = await mix(terms, scratch.take(`filter ${power % 3}`, x.rows, x.length));
    [previous, current] = [current, next];
  }
  return current;
}
