import { isBelowFloor } from "../../../../base/index.ts";
import type { UnitNumbers } from "../../../../figures/index.ts";

/** The numbers of two spectra at one index, and bounds of their ratio. */
export interface SigmaRatio {
  readonly a: number;
  readonly b: number;
  /** b / a; undefined if one of them cannot be told from zero. */
  readonly ratio?: number;
  /** The least and the largest ratio of true singular values near both; `high` is infinite if that near a may be 0. */
  readonly low: number;
  readonly high: number;
}

/**
 * σᵢ(b) / σᵢ(a), index by index as far as both spectra go, with bounds: each certificate says that J has a true singular value within the
 * residual, or within the floor where that is larger.
 */
export function ratiosOf(a: UnitNumbers, b: UnitNumbers): SigmaRatio[] {
  return Array.from({ length: Math.min(a.sigma.length, b.sigma.length) }, (_, i) => {
    const [x, y] = [a.sigma[i]!, b.sigma[i]!];
    const [dx, dy] = [distanceOf(a, i), distanceOf(b, i)];
    const isKnown = !isBelowFloor(x, a.floor) && !isBelowFloor(y, b.floor);
    return {
      a: x,
      b: y,
      ...(isKnown && { ratio: y / x }),
      low: Math.max(0, y - dy) / (x + dx),
      high: x > dx ? (y + dy) / (x - dx) : Number.POSITIVE_INFINITY,
    };
  });
}

/** For so many of the first σ, the certificate also says that no larger one was missed, but for its failure probability. */
export function completeOf(unit: UnitNumbers): number {
  const { missed, sigma } = unit;
  if (missed.kind === "exact") return sigma.length;
  if (missed.kind === "none") return 0;
  const end = sigma.findIndex((value, i) => value - distanceOf(unit, i) < missed.bound);
  return end < 0 ? sigma.length : end;
}

const distanceOf = ({ residual, floors, floor }: UnitNumbers, i: number): number =>
  Math.max(residual[i]!, floors?.[i] ?? floor);
