import { differenceColumn } from "./control-findings.ts";
import { type MeasureName, measures } from "./dynamics-measures.ts";
import { titleOf } from "./dynamics-numbers.ts";
import type { Estimate } from "./statistics.ts";
import type { Cell, Findings, FindingTable } from "./study.ts";
import { FEWEST_DRAWS, verdictOf } from "./verdict.ts";

/** The table of measures at each checkpoint. */
export const BY_STEP = "by-step";

/**
 * From which checkpoint on the trained network differs from a control, for each measure and tap: the first from which on every 95 %
 * interval of the difference lies on one side of 0.
 */
export function compareTraining({ tables }: Findings, controls: readonly string[]): FindingTable[] {
  const table = tables.find(({ id }) => id === BY_STEP);
  if (table === undefined || controls.length === 0) return [];
  const { columns, rows } = table;
  const taps = [...new Set(rows.map(([tap]) => String(tap)))];
  const names = (Object.keys(measures) as MeasureName[]).map(titleOf).filter((name) => columns.includes(name));
  return [
    {
      id: "parting",
      caption:
        "Where training parts from what depth alone does: the first checkpoint from which on every 95 % interval of the difference, trained minus control, lies on the same " +
        "side of 0, and the difference there and at the last checkpoint. Each interval is of its own: where there is no difference at all, one in 20 checkpoints still shows one. " +
        "Before training there should be none.",
      columns: ["tap", "measure", "control", "parts at step", "difference there", "difference at the last checkpoint"],
      rows: taps.flatMap((tap) =>
        names.flatMap((name) =>
          controls.map((kind): Cell[] => {
            const at = columns.indexOf(differenceColumn(name, kind));
            const own = rows.flatMap((row) => {
              const difference = row[at];
              return row[0] === tap && typeof difference === "object" && Number.isFinite(difference.value)
                ? [{ step: Number(row[1]), difference }]
                : [];
            });
            const end = own.at(-1);
            if (end === undefined) return [tap, name, kind, "not known", "", ""];
            const side = sideOf(end.difference);
            if (side === "undecided" || side === "not supported") {
              return [tap, name, kind, side === "undecided" ? side : "not shown", "", end.difference];
            }
            const from = own.findLastIndex(({ difference }) => sideOf(difference) !== side) + 1;
            return [tap, name, kind, String(own[from]!.step), own[from]!.difference, end.difference];
          }),
        ),
      ),
    },
  ];
}

/** Whether a difference lies above 0 (supported) or below it (contradicted). */
const sideOf = ({ low, high, n, draws = FEWEST_DRAWS }: Estimate) =>
  draws < FEWEST_DRAWS ? "undecided" : verdictOf({ low, high, n });
