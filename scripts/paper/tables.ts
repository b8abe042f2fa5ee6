// The tables of docs/paper/NETWORK, read by the names of their columns.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readRecords as readRows } from "../../src/images/records.ts";
import type { ChartPoint, ChartSeries } from "../../src/results/index.ts";
import { root } from "../../test/docs/markdown.ts";

/** A table as it is stored: cells by the names of their columns. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** The folder with a folder for each network. */
export const kept = join(root, "docs/paper");

/** A table of a network by its name, such as `spectra-by-tap`; `undefined` if there is none. */
export function readTable(network: string, name: string, folder = kept): Table | undefined {
  const file = join(folder, network, `${name}.csv`);
  if (!existsSync(file)) return undefined;
  const [columns, ...rows] = readRows(readFileSync(file, "utf8")).map(({ cells }) => cells);
  return { columns: columns!, rows };
}

const DIFFERENCE = ", trained − ";

/** The kinds of controls that a table has columns for. */
export function controlsOf({ columns }: Table): string[] {
  const differences = columns.filter((name) => name.includes(DIFFERENCE) && !/, (low|high)$/.test(name));
  return [...new Set(differences.map((name) => name.slice(name.lastIndexOf(DIFFERENCE) + DIFFERENCE.length)))];
}

/** The table as it would be of a control: its numbers have the names of those of the trained network. */
export function ofControl({ columns, rows }: Table, kind: string): Table {
  const sourceOf = (name: string): number => {
    const [, base, end] = /^(.*?)(, low|, high)?$/.exec(name)!;
    const own = columns.indexOf(`${base}, ${kind}${end ?? ""}`);
    return own < 0 ? columns.indexOf(name) : own;
  };
  const sources = columns.map(sourceOf);
  return { columns, rows: rows.map((cells) => sources.map((at) => cells[at]!)) };
}

/** The values of a column, in the order of their first rows. */
export function distinct({ columns, rows }: Table, column: string): string[] {
  return [...new Set(rows.map((cells) => cells[columns.indexOf(column)]!))];
}

/** The rows with this value. */
export function where({ columns, rows }: Table, column: string, value: string): Table {
  return { columns, rows: rows.filter((cells) => cells[columns.indexOf(column)] === value) };
}

/** A line for each value of a column. */
export function eachOf(
  table: Table,
  column: string,
  seriesFor: (rows: Table, value: string) => ChartSeries,
): ChartSeries[] {
  return distinct(table, column).map((value) => seriesFor(where(table, column, value), value));
}

/** A line through a column's numbers, with the interval in the two columns after it where these are one. */
export function seriesOf(
  { columns, rows }: Table,
  name: string,
  at: { readonly x: string; readonly y: string },
): ChartSeries {
  const [x, y] = [columns.indexOf(at.x), columns.indexOf(at.y)];
  if (x < 0 || y < 0) throw new Error(`A table has no column ${x < 0 ? at.x : at.y}: it has ${columns.join(", ")}.`);
  const hasInterval = ["low", "high"].every((end, i) => columns[y + 1 + i]?.endsWith(end));
  const isNumeric = rows.every((cells) => cells[x] === "" || Number.isFinite(Number(cells[x])));
  const points = rows.flatMap((cells): ChartPoint[] => {
    if (cells[y] === "" || cells[x] === "") return [];
    const [low, high] = [cells[y + 1], cells[y + 2]];
    const ends = hasInterval && low !== "" && high !== "" ? { low: Number(low), high: Number(high) } : {};
    return [{ x: isNumeric ? Number(cells[x]) : cells[x]!, y: Number(cells[y]), ...ends }];
  });
  return { name, mark: "line", points };
}
