import type { Sample } from "../results/index.ts";
import { comparable, contrast } from "./contrast.ts";
import { chartWithControls } from "./control-charts.ts";
import { mapWithControls } from "./control-maps.ts";
import { type Estimate, unitOf } from "./statistics.ts";
import type { Cell, Findings, FindingTable } from "./study.ts";
import { judge, type TestedClaim } from "./verdict.ts";

/** What a study finds of every draw of one kind of control. */
export interface ControlFindings {
  readonly kind: string;
  /** Whether it is a single network, and no sample of random ones: the network before training. */
  readonly one?: boolean;
  /** At least one. */
  readonly draws: readonly Findings[];
}

/**
 * The findings of the trained network beside those of its controls: each table has, for every column of estimates, a column for each
 * control and one for the difference; each chart shows the controls in grey; each claim has the verdicts of the controls and of the
 * difference.
 */
export function withControls(findings: Findings, controls: readonly ControlFindings[]): Findings {
  if (controls.length === 0) return findings;
  return {
    tables: findings.tables.map((table) => tableWith(table, controls)),
    charts: findings.charts.map((chart) => {
      const own = controls.map(({ draws, ...control }) => ({
        ...control,
        charts: draws.flatMap(({ charts }) => charts.find(({ id }) => id === chart.id) ?? []),
      }));
      return chartWithControls(chart, own);
    }),
    ...(findings.maps && {
      maps: findings.maps.map((map, m) =>
        mapWithControls(
          map,
          controls.map(({ kind, draws }) => ({ kind, maps: draws.flatMap(({ maps }) => maps?.[m] ?? []) })),
        ),
      ),
    }),
    ...(findings.pictures && { pictures: findings.pictures }),
    claims: findings.claims,
    verdicts: judge(
      findings.claims,
      controls.map(({ draws, ...control }) => ({ ...control, draws: draws.map(({ claims }) => claims) })),
    ),
  };
}

/** The column of the difference of the trained network from a control. */
export const differenceColumn = (name: string, kind: string): string => `${name}, trained − ${kind}`;

const isEstimate = (cell: Cell | undefined): cell is Estimate => typeof cell === "object";

function tableWith(table: FindingTable, controls: readonly ControlFindings[]): FindingTable {
  const isMeasured = table.columns.map((_, c) => table.rows.some((row) => isEstimate(row[c])));
  if (!isMeasured.includes(true)) return table;
  const keys = keysOf(table);
  const others = controls.map(({ kind, one, draws }) => {
    const rows = draws.map(({ tables }) => {
      // A draw lacks a table if none of its numbers could be measured.
      const drawn = tables.find(({ id }) => id === table.id);
      return new Map(drawn && keysOf(drawn).map((key, r) => [key, drawn.rows[r]!]));
    });
    return { kind, one: one === true, rows };
  });
  return {
    ...table,
    caption: `${table.caption} ${noteOf(table, controls)}`,
    columns: table.columns.flatMap((name, c) =>
      isMeasured[c]
        ? [name, ...others.flatMap(({ kind }) => [`${name}, ${kind}`, differenceColumn(name, kind)])]
        : [name],
    ),
    rows: table.rows.map((row, r) =>
      row.flatMap((cell, c): Cell[] => {
        if (!isMeasured[c]) return [cell];
        return [
          cell,
          ...others.flatMap(({ one, rows }): Cell[] => {
            const cells = rows.map((drawn) => drawn.get(keys[r]!)?.[c]);
            if (!isEstimate(cell) || cell.sample === undefined) return ["", ""];
            const samples = cells.flatMap((drawn): Sample[] =>
              isEstimate(drawn) && drawn.sample ? [drawn.sample] : [],
            );
            const { control, difference } = contrast(cell.sample, samples, { one });
            return [control, difference];
          }),
        ];
      }),
    ),
  };
}

/** What names each row of a table: its texts and its numbers up to the first estimate, which are the same in every draw. */
function keysOf({ rows }: FindingTable): string[] {
  return rows.map((row) => {
    const first = row.findIndex(isEstimate);
    return JSON.stringify(first < 0 ? row : row.slice(0, Math.min(first, KEY_CELLS)));
  });
}

/** At most so many cells name a row; the others may be measured. */
const KEY_CELLS = 3;

/** What a caption says about the columns of controls. */
function noteOf({ rows }: FindingTable, controls: readonly ControlFindings[]): string {
  const unit = unitOf(rows.flat().find(isEstimate)?.sample);
  const counts = controls.map(({ kind, one, draws }) => (one ? kind : `${kind} (${draws.length} draws)`));
  return (
    `Controls: ${counts.join(", ")}. Their means over ${unit}s and draws, and the differences of the trained network from them, have 95 % intervals by ` +
    `the jackknife over ${unit}s and the variance over draws.`
  );
}

/** A table of texts and numbers alone. */
export interface FlatTable {
  readonly id: string;
  readonly caption: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/**
 * A table with three columns for each column of estimates: `name`, `name, low` and `name, high`. The ends of an interval are NaN if
 * there is none or the value is the same for all images.
 */
export function flatTable({ id, caption, columns, rows }: FindingTable): FlatTable {
  const isMeasured = columns.map((_, c) => rows.some((row) => isEstimate(row[c])));
  return {
    id,
    caption,
    columns: columns.flatMap((name, c) => (isMeasured[c] ? [name, `${name}, low`, `${name}, high`] : [name])),
    rows: rows.map((row) =>
      row.flatMap((cell, c): (string | number)[] => {
        if (isEstimate(cell)) return cellsOf(cell);
        return isMeasured[c] ? [cell, "", ""] : [cell];
      }),
    ),
  };
}

/** Three cells of a table: the value and its interval, which is NaN if there is none or the value is the same for all images. */
export const cellsOf = ({ value, low, high }: Estimate): number[] =>
  low === high ? [value, Number.NaN, Number.NaN] : [value, low, high];

/**
 * The numbers from which the verdicts of a study follow: every number of every claim from all images, and without each one of them. The
 * rows without a control have the trained network alone, at all images that it has a number for; the rows of a control have the trained
 * network and each draw, at the images that all of them have a number for. The intervals can be computed again from these numbers
 * (`jackknife`, `contrast`).
 */
export function claimsTable({ claims }: Findings, controls: readonly ControlFindings[]): FlatTable {
  const most = Math.max(0, ...controls.map(({ draws }) => draws.length));
  const unit = unitOf(claims[0]?.effect.measure);
  const rows = claims.flatMap((tested) =>
    partsOf(tested).flatMap(({ part, sample }) => [
      ...rowsOf([tested.id, part, ""], sample.images, [sample]),
      ...controls.flatMap(({ kind, draws }) => {
        const drawn = draws.map((found) => {
          const own = found.claims.find(({ id }) => id === tested.id);
          return own && partsOf(own).find((each) => each.part === part)?.sample;
        });
        const { images, known } = comparable(
          sample,
          drawn.flatMap((one) => one ?? []),
        );
        const shown = drawn.map((one) => (one !== undefined && known.includes(one) ? one : undefined));
        return rowsOf([tested.id, part, kind], images, [sample, ...shown]);
      }),
    ]),
  );
  return {
    id: "claims",
    caption:
      `The numbers behind the verdicts: the number of each claim from all ${unit}s, and without the ${unit} of that number; of the trained network alone, and ` +
      `of the trained network and each draw of a control at the ${unit}s that all have a number for.`,
    columns: [
      "claim",
      "number",
      "control",
      `without ${unit}`,
      "trained",
      ...Array.from({ length: most }, (_, d) => `draw ${d + 1}`),
    ],
    rows: rows.map((row) => [...row, ...Array.from({ length: 5 + most - row.length }, () => "")]),
  };
}

function rowsOf(
  names: readonly string[],
  images: readonly number[],
  samples: readonly (Sample | undefined)[],
): (string | number)[][] {
  return [undefined, ...images].map((without) => [
    ...names,
    without === undefined ? "" : without + 1,
    ...samples.map((sample) => {
      const value = sample?.of(images.filter((image) => image !== without));
      return value === undefined ? "" : Number(value.toPrecision(DIGITS));
    }),
  ]);
}

/** Digits that the numbers behind the verdicts have: more than float32 products tell. */
const DIGITS = 9;

function partsOf({ effect: { measure, weakest, atMost } }: TestedClaim): { part: string; sample: Sample }[] {
  return [
    { part: "measure", sample: measure },
    ...(weakest === undefined ? [] : [{ part: "weakest", sample: weakest.measure }]),
    ...(atMost === undefined ? [] : [{ part: "at most", sample: atMost }]),
  ];
}
