import { isBelowFloor } from "../../base/index.ts";
import { worstResidualOf } from "../../figures/index.ts";
import { kinksOf, resolvedSigma } from "../../results/index.ts";
import type { CollectedRun } from "./collect.ts";

/** A file that a page contains as a link to its own data. */
export interface Download {
  readonly name: string;
  readonly href: string;
  readonly what: string;
}

/** With more σ than this, the page does not contain the residuals, so that it stays small; the store has them. */
const mostValuesInJson = 80_000;

/** The numbers of a run as files within the page: a table of σ, and a JSON file with everything if it is not too long. */
export function downloadsOf(run: CollectedRun): Download[] {
  const values = run.taps.reduce(
    (sum, { units }) => sum + units.reduce((count, { unit }) => count + unit.sigma.length, 0),
    0,
  );
  const table: Download = {
    name: "sigma.csv",
    href: dataUri("text/csv", csvOf(run)),
    what: "one row for each input and tap, with σ in columns (7 significant digits; empty below the floor)",
  };
  if (values > mostValuesInJson) return [table];
  const json: Download = {
    name: "run.json",
    href: dataUri("application/json", jsonOf(run)),
    what: "the manifest, and σ (7 significant digits), residuals (2 digits) and statuses (with the number of repeats) of each unit",
  };
  return [table, json];
}

function csvOf({ manifest, taps }: CollectedRun): string {
  const longest = Math.max(0, ...taps.flatMap(({ units }) => units.map(({ unit }) => unit.sigma.length)));
  const names = [
    "input",
    "tap",
    "m",
    "n",
    "k",
    "active_units",
    "converged",
    "below_floor",
    "floor",
    "kink_neurons",
    "tied_windows",
    "worst_residual_over_norm",
    "missed",
    "jvp",
    "vjp",
    "seconds",
  ];
  const head = [...names, ...Array.from({ length: longest }, (_, i) => `sigma_${i + 1}`)];
  const order = new Map(manifest.inputs.map(({ name }, i) => [name, i]));
  const rows = taps.flatMap(({ tap, units }) =>
    [...units]
      .sort((a, b) => (order.get(a.input) ?? 0) - (order.get(b.input) ?? 0))
      .map(({ input, unit }) => [
        field(input),
        field(tap),
        ...[unit.m, unit.n, unit.k, unit.activeRows, unit.status.filter((status) => status === "converged").length],
        ...[unit.sigma.length - resolvedSigma(unit).length, digits(unit.floor, 3)],
        ...[kinksOf(unit, "neurons") ?? "", kinksOf(unit, "windows") ?? ""],
        ...[digits(worstResidualOf(unit), 3), unit.missed.kind, unit.jvp, unit.vjp, digits(unit.seconds, 4)],
        ...Array.from(unit.sigma, (value) => (isBelowFloor(value, unit.floor) ? "" : digits(value, 7))),
      ]),
  );
  return `${[head, ...rows].map((row) => row.join(",")).join("\n")}\n`;
}

/** A text field. If a spreadsheet would read it as a formula, an apostrophe is put in front. */
export function field(text: string): string {
  const plain = /^[=+\-@\t]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(plain) ? `"${plain.replace(/"/g, '""')}"` : plain;
}

function jsonOf({ manifest, taps }: CollectedRun): string {
  const units = taps.flatMap(({ tap, units }) =>
    units.map(({ input, unit }) => ({
      input,
      tap,
      ...unit,
      sigma: Array.from(unit.sigma, (value) => digits(value, 7)),
      residual: Array.from(unit.residual, (value) => digits(value, 2)),
      status: runsOf(unit.status),
    })),
  );
  return JSON.stringify({ manifest, units });
}

/** Run-length encoding: `[["converged", 198], ["unconverged", 2]]`. */
function runsOf<T>(values: readonly T[]): [T, number][] {
  const runs: [T, number][] = [];
  for (const value of values) {
    const last = runs.at(-1);
    if (last !== undefined && last[0] === value) last[1]++;
    else runs.push([value, 1]);
  }
  return runs;
}

function digits(value: number, count: number): number {
  return Number(value.toPrecision(count));
}

/** Encodes only the characters that a data URI or an attribute cannot contain, so that numbers stay short. */
function dataUri(type: string, text: string): string {
  const encoded = text.replace(/[^!$'()*+,\-./0-9:;=?@A-Z[\]_a-z{}~]+/g, (part) =>
    encodeURIComponent(part.replace(/\p{Surrogate}/gu, "\ufffd")),
  );
  return `data:${type};charset=utf-8,${encoded}`;
}
