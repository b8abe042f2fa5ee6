import type { Block, BlockAlgebra } from "../operator/index.ts";
import type { Scratch } from "./scratch.ts";

/** A polynomial in a positive semidefinite G that a Krylov space is built with instead of G. */
export interface Filter {
  /** Products with G in one with the filter. 1: G itself. */
  readonly degree: number;
  /** Eigenvalues of G from 0 to here are mapped to [−1, 1], those above to more than 1, in their order. Unused at degree 1. */
  readonly cutoff: number;
}

export const NO_FILTER: Filter = { degree: 1, cutoff: 0 };

/** The filter's value at an eigenvalue of G: T_degree(2λ/cutoff − 1). */
export function filterValue({ degree, cutoff }: Filter, lambda: number): number {
  if (degree === 1) return lambda;
  const x = (2 * lambda) / cutoff - 1;
  return x <= 1 ? Math.cos(degree * Math.acos(Math.max(-1, x))) : Math.cosh(degree * Math.acosh(x));
}

/** The eigenvalue of G where the filter has this value; the cutoff for values up to 1, which do not tell. */
export function filterInverse({ degree, cutoff }: Filter, value: number): number {
  if (degree === 1) return value;
  return value <= 1 ? cutoff : (cutoff * (1 + Math.cosh(Math.acosh(value) / degree))) / 2;
}

/**
 * A residual of the filtered operator at a value f, as one of G: ‖Gx − λx‖ ≤ λ/(f − 1)·residual. The filter is convex above
 * the cutoff and at most 1 below it, so it changes at least that much faster than λ between λ and any other eigenvalue.
 */
export function filterResidual({ degree, cutoff }: Filter, residual: number, value: number): number {
  if (degree === 1) return residual;
  return value <= 1 ? Number.POSITIVE_INFINITY : (residual * filterInverse({ degree, cutoff }, value)) / (value - 1);
}

/**
 * Applies the filter to the rows of a block by the three-term recurrence of Chebyshev's polynomials. The result lies in
 * `scratch`, as may those of `gram`.
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
    const next = await mix(terms, scratch.take(`filter ${power % 3}`, x.data.length));
    [previous, current] = [current, next];
  }
  return current;
}
