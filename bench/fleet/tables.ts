import { AT_ONCE } from "../../src/apps/cli/at-once.ts";
import { s3 } from "./assumptions.ts";
import { KEYS_LISTED } from "./counting-store.ts";
import type { Plan, Surroundings } from "./model.ts";
import { type Outcome, type Part, parts, simulate } from "./simulate.ts";

type Row = (string | number)[];

/** How many workers are simulated. */
const FLEETS = [1, 10, 100, 1000, 10_000];

/** What a part of the time is called that is not spent on computing. */
const bounds: Readonly<Record<Part, string>> = {
  compute: "computing",
  compile: "compiling",
  start: "starting workers",
  store: "answers of S3",
  requests: "requests to S3",
  redis: "Redis",
  idle: "the last jobs",
};

/** From this share of the time on, computing is what bounds a run. */
const BOUND = 0.9;

const hours = (seconds: number): number => seconds / 3600;

/** What bounds a run: computing, or the largest of the other parts, with its share. */
export function boundOf({ spent }: Outcome): string {
  const all = parts.reduce((sum, part) => sum + spent[part], 0);
  const other = parts.filter((part) => part !== "compute").sort((a, b) => spent[b] - spent[a])[0]!;
  const bound = spent.compute >= BOUND * all ? "compute" : other;
  return `${bounds[bound]} (${Math.round((100 * spent[bound]) / all)} %)`;
}

export const fleetColumns = ["network", "k", "workers", "core-hours", "hours", "computing, %", "bound"];

/** A row for each number of workers. */
export function fleetRows(name: string, k: number, { fleet }: Plan): Row[] {
  return FLEETS.map((workers) => {
    const outcome = simulate({ ...fleet, workers });
    const all = workers * outcome.wall;
    const share = (100 * outcome.spent.compute) / all;
    return [name, k, workers, hours(all), hours(outcome.wall), share, boundOf(outcome)];
  });
}

export const unitColumns = ["network", "k", "layers", "seconds of a unit", "least", "most", "measured", "/ forecast"];

export function unitRow(name: string, k: number, { taps, mean, measured, off }: Plan): Row {
  const seconds = taps.map((tap) => tap.seconds);
  return [name, k, taps.length, mean, Math.min(...seconds), Math.max(...seconds), measured, off];
}

export const storeColumns = ["network", "k", "units", "objects", "MB a unit", "TB", "TB without vectors"];

export function storeRow(
  name: string,
  k: number,
  { taps, bytes, beside }: Plan,
  pictures: number,
  objects: number,
): Row {
  const units = taps.length * pictures;
  return [name, k, units, units * objects + 2 * pictures, bytes / 1e6, (units * bytes) / 1e12, (units * beside) / 1e12];
}

export const commandColumns = [
  "network",
  "before the first job, h",
  "memory for inputs, GB",
  "telling of units, h",
  "a look, s",
];

/** What the command that enqueues does by itself. It asks S3 for several inputs or units at once. */
export function commandRow(
  name: string,
  { taps }: Plan,
  { asking }: Surroundings,
  {
    loading,
    inputBytes,
    pictures,
  }: { readonly loading: number; readonly inputBytes: number; readonly pictures: number },
): Row {
  const units = taps.length * pictures;
  return [
    name,
    hours(pictures * (loading + (asking.input.rounds * s3.latency) / AT_ONCE)),
    (pictures * inputBytes) / 1e9,
    hours((2 * units * asking.telling.rounds * s3.latency) / AT_ONCE),
    (units / KEYS_LISTED) * s3.latency,
  ];
}
