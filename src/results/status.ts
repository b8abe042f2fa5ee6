import { isBelowFloor } from "../base/index.ts";
import type { Status, UnitResult } from "./types.ts";

/** The parts of a spectrum that decide which σ can be told from zero. */
type Floored = Pick<UnitResult, "sigma" | "floor">;

/** The status of a triplet. Stores of earlier versions do not mark a σ below the floor, so it is derived from σ and the floor. */
export function statusOf(stored: Status, sigma: number, floor: number): Status {
  return stored !== "unconverged" && isBelowFloor(sigma, floor) ? "below-floor" : stored;
}

/** Whether the residual of a triplet is larger than asked for. A σ below the floor counts as done: it cannot be known better. */
export function missesTolerance(status: Status): boolean {
  return status === "at-floor" || status === "unconverged";
}

/** The σ that can be told from zero, which come first. Only these count in means, slopes, ranks and claims. */
export function resolvedSigma({ sigma, floor }: Floored): Float64Array {
  return sigma.filter((value) => !isBelowFloor(value, floor));
}

/** The numerical rank: how many σ exceed the floor. */
export function numericalRankOf({ sigma, floor }: Floored): number {
  return sigma.filter((value) => value > floor).length;
}

/** The number of kinks of one kind at a unit; `undefined` if it is not known. */
export function kinksOf({ kinks }: Pick<UnitResult, "kinks">, kind: "neurons" | "windows"): number | undefined {
  return kinks?.reduce((sum, count) => sum + count[kind], 0);
}
