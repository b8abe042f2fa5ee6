import { boundOf, formatSeconds, isBelowFloor, subscript } from "../../base/index.ts";
import type { RunManifest, UnitResult } from "../../results/index.ts";
import { formatTable } from "./table.ts";

/** A unit without its vectors. */
type Numbers = Omit<UnitResult, "vectors">;

const counted = ({ status }: Numbers, word: UnitResult["status"][number]): number =>
  status.filter((one) => one === word).length;

const worstOf = ({ residual, norm }: Numbers): number => (norm === 0 ? 0 : Math.max(...residual) / norm);

/** `σ₁ 13.29, σ₆₄ < 9.0e-6, 23 of 64 certified, 41 below the floor, worst residual 2.1e-7 σ₁, 0.3 s` */
export function describeUnit(unit: Numbers): string {
  const { k, seconds } = unit;
  const below = counted(unit, "below-floor");
  const said = [
    `σ₁ ${meanSigma([unit], 0, 4)}`,
    `σ${subscript(k)} ${meanSigma([unit], k - 1, 3)}`,
    `${counted(unit, "converged")} of ${k} certified`,
    ...(below > 0 ? [`${below} below the floor`] : []),
    `worst residual ${worstOf(unit).toExponential(1)} σ₁`,
    formatSeconds(seconds),
  ];
  return said.join(", ");
}

/** A table with one row for each tap that has units, which summarizes them. */
export function summaryTable(
  taps: readonly { record: RunManifest["taps"][number]; units: readonly Numbers[] }[],
): string {
  const rows = taps
    .filter(({ units }) => units.length > 0)
    .map(({ record, units }) => {
      const sum = (of: (unit: Numbers) => number) => units.reduce((total, unit) => total + of(unit), 0);
      return [
        record.name,
        `${units[0]!.m}×${units[0]!.n}`,
        String(record.k),
        meanSigma(units, 0, 4),
        meanSigma(units, record.k - 1, 3),
        `${sum((unit) => counted(unit, "converged"))}/${sum(({ k }) => k)}`,
        String(sum((unit) => counted(unit, "below-floor"))),
        Math.max(...units.map(worstOf)).toExponential(1),
        formatSeconds([...new Set(units.map(({ seconds }) => seconds))].reduce((a, b) => a + b)), // Inputs that shared a solve have the same time, which counts once.
      ];
    });
  const head = ["tap", "m×n", "k", "mean σ₁", "mean σₖ", "certified", "below floor", "worst residual/σ₁", "time"];
  return formatTable(head, rows, [1, 2, 3, 4, 5, 6, 7, 8]);
}

/**
 * The mean of a σ over units: `2.31`, `2.31 (3 of 4)` if one of four units has it below the floor, and `< 9.0e-6` if
 * all have.
 */
function meanSigma(units: readonly Numbers[], index: number, digits: number): string {
  const there = units.filter(({ sigma }) => index < sigma.length);
  const known = there.filter(({ sigma, floor }) => !isBelowFloor(sigma[index]!, floor));
  if (known.length === 0) return `< ${inDigits(boundOf(Math.max(...there.map(({ floor }) => floor))), 2)}`;
  const mean = known.reduce((sum, { sigma }) => sum + sigma[index]!, 0) / known.length;
  return `${inDigits(mean, digits)}${known.length < there.length ? ` (${known.length} of ${there.length})` : ""}`;
}

/** A number, with an exponent if it would otherwise have many zeros. */
function inDigits(value: number, digits: number): string {
  return value !== 0 && (value < 1e-3 || value >= 1e6) ? value.toExponential(digits - 1) : value.toPrecision(digits);
}
