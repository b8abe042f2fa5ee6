import { type BenchResult, type ResultTable, readResult } from "../bench/result.ts";

const BEGIN = "<!-- What follows is written by `npm run docs` from the stored result of `npm run bench:fleet`. -->";
const END = "<!-- What is written ends here. -->";

/** docs/many-machines.md with the section of costs that the stored result gives; without a result, it has none. */
export function withCosts(page: string, result: BenchResult | undefined = readResult("fleet")): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error("docs/many-machines.md has no place for what it costs");
  const section = result === undefined ? "" : `${costs(result)}\n\n`;
  return `${page.slice(0, from)}${BEGIN}\n\n${section}${page.slice(to)}`;
}

function costs({ machine, results }: BenchResult): string {
  const runs = rowsOf(results, "Many workers");
  const stored = rowsOf(results, "What is stored");
  const command = rowsOf(results, "The command that enqueues");
  const reality = new Map(rowsOf(results, "The model against reality").map(({ measure, value }) => [measure!, value!]));
  const fleets = [...new Set(runs.map(({ workers }) => workers!))].filter((workers) => workers !== 1);
  const most = fleets.at(-1)!;
  const head = [
    "network",
    "k",
    "TB",
    "core-hours",
    ...fleets.map((count) => `hours of ${short(count)}`),
    `what bounds ${short(most)}`,
  ];
  const body = stored.map(({ network, k, TB }) => {
    const own = runs.filter((run) => run.network === network && run.k === k);
    const of = (workers: string | number) => own.find((run) => run.workers === workers)!;
    const walls = fleets.map((workers) => short(of(workers).hours!));
    return [network, k, short(TB!), short(of(1)["core-hours"]!), ...walls, of(most).bound];
  });
  const all = (column: string) => command.map((row) => `${short(row[column]!)} for ${row.network}`).join(" and ");
  const told = (measure: string) => short(reality.get(measure)!);
  return `## What it costs

What the 50,000 validation pictures of ImageNet take at all layers, with a store on S3 and workers of one thread: core-hours of a single worker, and the hours
until so many workers are done. They are [simulated](bench.md#many-machines) from units, queue and requests that were measured on
${machine.cores} cores of ${machine.cpu}.

${[head, head.map(() => "---"), ...body].map((cells) => `| ${cells.join(" | ")} |`).join("\n")}

The command that enqueues is a single program. It prepares the inputs one after the other, and holds them in memory: hours before the
first job, ${all("before the first job, h")}; GB, ${all("memory for inputs, GB")}. Of each unit that is done it reads the numbers twice, to tell of it and for its last
table: hours, ${all("telling of units, h")}, for which workers do not wait. So a run of this size is better enqueued in parts.

In a real run of ${told("units")} units, two workers took as long as the simulation says times ${short(1 / Number(reality.get("two workers, predicted / measured")))}. They were
${told("two workers against one, without starting")} times as fast as one, and ${told("two workers of one thread against one worker of two threads, without starting")} times as fast as one with two threads. The queue and its looks for
results took ${told("queue and claims, ms a unit")} ms of a unit.`;
}

/** The rows of a table, by its columns. */
function rowsOf(results: readonly ResultTable[], title: string): Readonly<Record<string, string | number>>[] {
  const table = results.find((one) => one.title === title);
  if (table === undefined) throw new Error(`the result has no table ${title}`);
  return table.rows.map((row) => Object.fromEntries(table.columns.map((column, i) => [column, row[i]!])));
}

const short = (value: string | number): string =>
  typeof value === "number" ? value.toLocaleString("en", { maximumSignificantDigits: 2 }) : value;
