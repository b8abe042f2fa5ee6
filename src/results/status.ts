import { isBelowFloor } from "../base/index.ts";
import type { Status, UnitResult } from "./types.ts";

/** What is known of a spectrum, and what can be told of a σ. */
type Floored = Pick<UnitResult, "sigma" | "floor">;

/** The status of a triplet by what stores of earlier versions say of it, which do not tell a σ below the floor apart. */
export function statusOf(stored: Status, sigma: number, floor: number): Status {
  return stored !== "unconverged" && isBelowFloor(sigma, floor) ? "below-floor" : stored;
}

/** Whether a triplet's residual is larger than was asked for. A σ below the floor is as well known as it can be. */
export function missesTolerance(status: Status): boolean {
  return status === "at-floor" || status === "unconverged";
}

/** The σ that can be told from zero, which are the first ones; those alone count in means, slopes, ranks and claims. */
export function resolvedSigma({ sigma, floor }: Floored): Float64Array {
  return sigma.filter((value) => !isBelowFloor(value, floor));
}

/** The numerical rank: how many σ exceed the floor. */
export function numericalRankOf({ sigma, floor }: Floored): number {
  return sigma.filter((value) => value > floor).length;
}

/** How many kinks a unit is at, of one kind; `undefined` where that is not known. */
export function kinksOf({ kinks }: Pick<UnitResult, "kinks">, kind: "neurons" | "windows"): number | undefined {
  return kinks?.reduce((sum, count) => sum + count[kind], 0);
}
