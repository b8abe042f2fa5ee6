import { kinksOf } from "./status.ts";
import type { Status, UnitResult } from "./types.ts";

/** The words for the codes of status arrays; the code is −1 where nothing is stored yet. */
export const statusWords = ["converged", "at-floor", "unconverged", "below-floor"] as const satisfies readonly Status[];
export const missedWords = ["exact", "probable", "none"] as const satisfies readonly UnitResult["missed"]["kind"][];
export const stoppedWords = [
  "all-converged",
  "budget",
  "interrupted",
] as const satisfies readonly UnitResult["stopped"][];

export interface Column {
  readonly type: "int8" | "int32" | "float64";
  readonly about: string;
  readonly words?: readonly string[];
  /** The number of a unit; NaN if it has none. */
  readonly of: (unit: UnitResult) => number;
}

/**
 * The quantities with one number for each unit. All but the seconds, in which two runs of the same numbers differ, are stored as the array
 * `numbers` [input, tap, quantity]. Format 2 had an array [input, tap] of each name and type.
 */
export const columns = {
  triplets: { type: "int32", about: "triplets computed", of: (unit) => unit.k },
  active_units: {
    type: "int32",
    about: "number of active rows of J, which are not zero by structure",
    of: (unit) => unit.activeRows,
  },
  jvp: { type: "int32", about: "vectors multiplied by J", of: (unit) => unit.jvp },
  vjp: { type: "int32", about: "vectors multiplied by Jᵀ", of: (unit) => unit.vjp },
  seconds: { type: "float64", about: "seconds of the solve", of: (unit) => unit.seconds },
  norm: { type: "float64", about: "largest sigma seen; tol is relative to it", of: (unit) => unit.norm },
  floor: {
    type: "float64",
    about: "residual that the backend can reach; sigma up to it cannot be told from zero",
    of: (unit) => unit.floor,
  },
  residual_failure_probability: {
    type: "float64",
    about:
      "probability that a residual is larger than it says, where they are bounded together; 0 where each was measured",
    of: (unit) => unit.residualFailureProbability ?? 0,
  },
  orthogonality_u: { type: "float64", about: "max |UUᵀ − I|", of: (unit) => unit.orthogonality.u },
  orthogonality_v: { type: "float64", about: "max |VVᵀ − I|", of: (unit) => unit.orthogonality.v },
  missed_kind: {
    type: "int8",
    about: "what is known of the largest sigma outside the set",
    words: missedWords,
    of: ({ missed }) => missedWords.indexOf(missed.kind),
  },
  missed_bound: {
    type: "float64",
    about: "bound on the largest sigma outside the set, where missed_kind is probable",
    of: ({ missed }) => (missed.kind === "probable" ? missed.bound : Number.NaN),
  },
  missed_failure_probability: {
    type: "float64",
    about: "probability that missed_bound does not hold",
    of: ({ missed }) => (missed.kind === "probable" ? missed.failureProbability : Number.NaN),
  },
  kink_neurons: {
    type: "int32",
    about: "neurons at a kink between source and tap, where J is a convention",
    of: (unit) => kinksOf(unit, "neurons") ?? -1,
  },
  tied_windows: {
    type: "int32",
    about: "pool windows between source and tap whose largest entry is tied, where J is a convention",
    of: (unit) => kinksOf(unit, "windows") ?? -1,
  },
  stopped: {
    type: "int8",
    about: "why the solver stopped",
    words: stoppedWords,
    of: (unit) => stoppedWords.indexOf(unit.stopped),
  },
} as const satisfies Readonly<Record<string, Column>>;

export type ColumnName = keyof typeof columns;
export const columnNames = Object.keys(columns) as ColumnName[];
/** Those in the array `numbers`, in their order there. */
export const quantities = columnNames.filter((name) => name !== "seconds");
