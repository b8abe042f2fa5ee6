// What a run of ImageNet's validation pictures at all layers costs on many machines, by an event-driven model of what is measured here:
// `npm run bench:fleet`. It needs redis-server. Printed, and written to bench/results/fleet.json; `--quick` measures little, and stores nothing.
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { AT_ONCE } from "../src/apps/cli/at-once.ts";
import { sizeOf } from "../src/base/index.ts";
import { s3 } from "./fleet/assumptions.ts";
import type { Requests } from "./fleet/counting-store.ts";
import { type Measured, planOf, type Surroundings } from "./fleet/model.ts";
import { networks, openSubject } from "./fleet/networks.ts";
import { measureQueue } from "./fleet/queue.ts";
import { countRequests, measureStoring, openingOf } from "./fleet/storing.ts";
import * as tables from "./fleet/tables.ts";
import { type Effort, measureUnits } from "./fleet/units.ts";
import { longColumns, longRows, validate, validationRows } from "./fleet/validate.ts";
import { writeResult } from "./result.ts";

/** How many units of some seconds each two workers share: jobs of three, the same number for both. */
const LONG = 12;

/** ImageNet's validation set. */
const PICTURES = 50_000;

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
const load = loadavg()[0]!;
const [effort, size]: readonly [Effort, { networks: number; pictures: number; jobs: number; digits: number }] =
  values.quick
    ? [
        { taps: 2, rehearsed: 0.002, budget: new Map([[100, 14]]) },
        { networks: 1, pictures: 1000, jobs: 300, digits: 3 },
      ]
    : [
        {
          taps: 6,
          rehearsed: 0.015,
          budget: new Map([
            [100, 40],
            [500, 80],
          ]),
        },
        { networks: networks.length, pictures: PICTURES, jobs: 2000, digits: 16 },
      ];

const queue = await measureQueue(size.jobs);
console.log("queue", queue);
const asking = await countRequests();
const validation = await validate(size.digits, queue);
const long = values.quick ? undefined : await longRows(LONG);
const surroundings: Surroundings = { queue, asking, starting: validation.starting };

const rows = { units: [], fleet: [], store: [], command: [], setup: [] } as Record<string, (string | number)[][]>;
for (const subject of networks.slice(0, size.networks)) {
  console.log(subject.name);
  const { network, taps, points, opening, loading } = await openSubject(subject);
  const units = await measureUnits(network, taps, points, effort);
  const storing = await measureStoring(network, units.example);
  const openingRun = await openingOf(network, size.pictures);
  const measured: Measured = { network, units, storing, opening, loading, openingRun };
  const compile = units.compile.reduce((sum, seconds) => sum + seconds, 0) / taps.length;
  rows.setup!.push([
    ...[subject.name, opening, openingRun.seconds, loading, compile, Math.max(...units.compile)],
    ...[units.rehearsed, storing.folder, 1000 * storing.perByte * 1e6],
  ]);
  for (const k of effort.budget.keys()) {
    const plan = planOf(measured, surroundings, k, size.pictures);
    rows.units!.push(tables.unitRow(subject.name, k, plan));
    rows.store!.push(tables.storeRow(subject.name, k, plan, size.pictures, storing.objects));
    rows.fleet!.push(...tables.fleetRows(subject.name, k, plan));
    if (k === Math.min(...effort.budget.keys())) {
      const inputBytes = 4 * sizeOf(network.source.shape);
      rows.command!.push(
        tables.commandRow(subject.name, plan, surroundings, { loading, inputBytes, pictures: size.pictures }),
      );
    }
  }
  await network.close();
}

const requestsOf = ({ put, head, get, delete: deleted }: Requests) =>
  `${put} PUT, ${head} HEAD, ${get} GET, ${deleted} DELETE`;
const all = [
  {
    title: "Many workers",
    note: `Simulated: ${size.pictures} pictures, all layers, workers of one thread that share a queue and a store on S3. Hours from the start of the workers to the last unit; the bound is what takes most of the time of the workers beside computing, if that is less than 90 %. S3 takes ${s3.puts} requests a second that write and ${s3.gets} that read, answers in ${s3.latency} s and carries ${s3.bandwidth / 1e6} MB/s a request, as Amazon documents; all else is measured here.`,
    columns: tables.fleetColumns,
    rows: rows.fleet!,
  },
  {
    title: "Units on one thread",
    note: `Mean, least and most over the layers. So many units were measured, with their pass; the other layers have the forecast of \`inspect --plan\`, times the measured seconds over its own. Some layers were rehearsed for it, and the others counted. The load of the machine at the start was ${load.toFixed(2)}.`,
    columns: tables.unitColumns,
    rows: rows.units!,
  },
  {
    title: "Setup and storing",
    note: "Seconds, and milliseconds for the digests of a MB. The time to compile is measured at a few layers, and the others lie between them.",
    columns: [
      "network",
      "open",
      "open the run",
      "load a picture",
      "compile",
      "most",
      "layers rehearsed",
      "store in a folder",
      "ms a MB",
    ],
    rows: rows.setup!,
  },
  {
    title: "What is stored",
    note: "With the vectors that are stored by default, the first and the last 16.",
    columns: tables.storeColumns,
    rows: rows.store!,
  },
  {
    title: "The command that enqueues",
    note: `What it does by itself, with a store on S3: it prepares the inputs, which it holds in memory, and copies ${AT_ONCE} of them at once; of each unit that is done it reads the numbers, ${AT_ONCE} units at once, to tell of it and again for its last table; and at each look it lists all units that are done. Workers do not wait for the last two.`,
    columns: tables.commandColumns,
    rows: rows.command!,
  },
  {
    title: "Requests and the queue",
    note: "Those one after the other are rounds.",
    columns: ["measure", "value"],
    rows: [
      ["a unit, at its worker", requestsOf(asking.unit.requests)],
      ["rounds", asking.unit.rounds],
      ["a unit, told by the command", requestsOf(asking.telling.requests)],
      ["rounds", asking.telling.rounds],
      ["an input, prepared by the command", requestsOf(asking.input.requests)],
      ["rounds", asking.input.rounds],
      ["to enqueue a job, ms", queue.enqueue],
      ["a job that waits, bytes of Redis", queue.bytes],
      ["a job of one unit that does nothing, ms", queue.job],
      ["each further unit of it, ms", queue.unit],
      ["processor of Redis, ms a job", queue.server.job],
      ["processor of Redis, ms a unit", queue.server.unit],
    ],
  },
  {
    title: "The model against reality",
    note: `All layers of the digits at ${size.digits} pictures, k = 40, in a folder: predicted from a run without a queue and the cost of jobs that do nothing. Workers start when the jobs are in the queue.`,
    columns: ["measure", "value"],
    rows: validationRows(validation),
  },
  ...(long === undefined
    ? []
    : [
        {
          title: "Units of seconds",
          note: "SqueezeNet's fire7.concat at k = 150. Until the last unit is stored, from the start of the workers.",
          columns: longColumns,
          rows: long,
        },
      ]),
];
for (const { title, columns, rows: body } of all) {
  console.log(`\n${title}\n${columns.join(" | ")}`);
  for (const row of body)
    console.log(row.map((cell) => (typeof cell === "number" ? Number(cell.toPrecision(3)) : cell)).join(" | "));
}
if (!values.quick) writeResult("fleet", "npm run bench:fleet", all, { redis: queue.version });
