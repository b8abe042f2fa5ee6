import { isBelowFloor } from "../base/index.ts";
import type { RunManifest, Status, UnitResult } from "../results/index.ts";
import { andMore, type Fault } from "./fault.ts";

/**
 * What is wrong with the numbers of a unit by themselves: a part that is missing, σ that do not descend, a norm that is not the largest σ, a
 * floor that does not follow from those of the triplets, and words that do not follow from the numbers.
 */
export function faultsOfNumbers(unit: UnitResult, k: number, { tol }: Pick<RunManifest, "tol">): Fault[] {
  const missing = missingOf(unit, k);
  if (missing.length > 0) return [{ what: `numbers are missing (${missing.join(", ")})` }];
  return [...orderOf(unit), ...normOf(unit), ...floorOf(unit), ...wordsOf(unit, tol)];
}

function missingOf(unit: UnitResult, k: number): string[] {
  if (unit.k !== k) return [`${Math.max(0, unit.k)} of ${k} triplets`];
  const { sigma, residual, norm, floor, orthogonality, status } = unit;
  const numbers: Readonly<Record<string, ArrayLike<number>>> = {
    sigma,
    residual,
    norm: [norm],
    floor: [floor],
    orthogonality: [orthogonality.u, orthogonality.v],
  };
  const lacking = Object.entries(numbers).filter(([, values]) => !Array.from(values).every(Number.isFinite));
  const words = Array.from(status, (word: Status | undefined) => word);
  return [...lacking.map(([name]) => name), ...(words.includes(undefined) ? ["status"] : [])];
}

function orderOf({ sigma }: UnitResult): Fault[] {
  const at = sigma.findIndex((value, i) => value < 0 || (i > 0 && value > sigma[i - 1]!));
  if (at < 0) return [];
  return [{ what: `σ of triplet ${at + 1} out of order`, found: sigma[at]!, allowed: sigma[at - 1] ?? sigma[at]! }];
}

function normOf({ sigma, norm }: UnitResult): Fault[] {
  return norm === sigma[0] ? [] : [{ what: "norm, which is not the largest σ", found: norm, allowed: sigma[0]! }];
}

/** The floor of a unit lies among those of its triplets, and a σ above it is above the floor of its own triplet. */
function floorOf({ sigma, floor, floors }: UnitResult): Fault[] {
  if (floors === undefined) return [];
  if (floor < Math.min(...floors)) {
    return [{ what: "floor, which is below those of all triplets", found: floor, allowed: Math.min(...floors) }];
  }
  const at = sigma.findIndex((value, i) => value > floor && value <= floors[i]!);
  if (at < 0) return [];
  return [{ what: `floor of triplet ${at + 1}, which hides its σ`, found: floors[at]!, allowed: sigma[at]! }];
}

/** The status of each triplet and the reason why the solve stopped, derived once more. */
function wordsOf(unit: UnitResult, tol: number): Fault[] {
  const derived = derivedStatus(unit, tol);
  const wrong = [...derived.keys()].filter((i) => derived[i] !== unit.status[i]);
  const [first] = wrong;
  const ofStatus =
    first === undefined
      ? []
      : [
          {
            what: `status of triplet ${first + 1}${andMore(wrong.length)}: stored ${unit.status[first]}, but its numbers say ${derived[first]}`,
          },
        ];
  const isDone = !derived.includes("unconverged");
  const ofStop =
    unit.stopped === (isDone ? "all-converged" : "budget") || unit.stopped === "interrupted"
      ? []
      : [
          {
            what: `the solve stopped for "${unit.stopped}", but ${isDone ? "no triplet" : "a triplet"} is unconverged`,
          },
        ];
  return [...ofStatus, ...ofStop];
}

function derivedStatus({ sigma, residual, floor, floors, norm }: UnitResult, tol: number): Status[] {
  const goal = tol * norm;
  return Array.from(sigma, (value, i) => {
    const own = floors?.[i] ?? floor;
    if (residual[i]! > Math.max(goal, own)) return "unconverged";
    if (isBelowFloor(value, floor)) return "below-floor";
    return own <= goal ? "converged" : "at-floor";
  });
}
