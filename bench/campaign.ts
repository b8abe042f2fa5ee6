// Zero false certificates: draws operators, solves each, and holds the certificate against an independent float64 answer.
// `npm run campaign -- --count 20000 --seed 0`; `--only 17` replays one case of that seed. With `--device webgpu` the operators are on
// a GPU, and so is J of every row of the operators' table, whose products are compared with the CPU. `--largest 64` leaves out
// operators with a longer side.
import { parseArgs } from "node:util";
import { createBackend } from "../src/platform/node/backend.ts";
import { type DeviceName, openDevice } from "../src/platform/node/devices.ts";
import { longSideOf } from "../test/campaign/case.ts";
import { families } from "../test/campaign/families.ts";
import { deviceRows, type RowVerdict, rowOn } from "../test/campaign/rows.ts";
import { runCase, type Verdict } from "../test/campaign/run.ts";
import { type ResultTable, writeResult } from "./result.ts";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "20000" },
    seed: { type: "string", default: "0" },
    only: { type: "string" },
    device: { type: "string", default: "cpu" },
    largest: { type: "string", default: "1000" },
  },
});
const seed = Number(values.seed);
const [from, count] = values.only === undefined ? [0, Number(values.count)] : [Number(values.only), 1];
const largest = values.only === undefined ? Number(values.largest) : Number.MAX_SAFE_INTEGER;
if (![seed, from, count, largest].every((value) => Number.isSafeInteger(value) && value >= 0)) {
  process.stderr.write("error: --count, --seed, --only and --largest take whole numbers.\n");
  process.exit(2);
}

const { device } = values;
const said: string[] = [];
const notice = (text: string) => {
  said.push(text);
  process.stderr.write(`${text}\n`);
};
const backend = await openDevice({ device: device as DeviceName, threads: 1, notice });
const verdicts: Verdict[] = [];
const started = performance.now();
let told = started;
for (let index = from; verdicts.length < count; index++) {
  if (longSideOf(seed, index) > largest) continue;
  const verdict = await runCase(seed, index, backend);
  verdicts.push(verdict);
  for (const failure of verdict.failures) process.stdout.write(`FALSE ${replay(verdict)}\n  ${failure}\n`);
  if (performance.now() - told < 5000) continue;
  told = performance.now();
  const done = verdicts.length;
  const left = ((told - started) / done) * (count - done);
  const failed = verdicts.filter(({ failures }) => failures.length > 0).length;
  process.stderr.write(`${done} of ${count}, ${failed} false, about ${Math.ceil(left / 60_000)} min left\n`);
}
const cpu = createBackend({ threads: 1 });
const onDevice = device === "cpu" || values.only !== undefined ? [] : await rowsOn();

if (values.only === undefined) {
  const tables = [byFamily(), claims(), rowsTable(), notRight(), falseOnes()].filter((table) => table.rows.length > 0);
  for (const { title, columns, rows } of tables) {
    process.stdout.write(`\n${title}\n${[columns, ...rows].map((cells) => cells.join("\t")).join("\n")}\n`);
  }
  const [name, onWhat] = device === "cpu" ? ["campaign", ""] : [`campaign-${device}`, ` --device ${device}`];
  const sides = largest === 1000 ? "" : ` --largest ${largest}`;
  const file = writeResult(name, `npm run campaign -- --count ${count} --seed ${seed}${onWhat}${sides}`, tables);
  process.stderr.write(`written to ${file}\n`);
} else {
  const { described, outcome, missed } = verdicts[0]!;
  process.stdout.write(`${described}\n${outcome}, missed: ${missed}\n`);
}
await cpu.dispose();
await backend.dispose();
const isFalse =
  verdicts.some(({ failures }) => failures.length > 0) || onDevice.some(({ outcome }) => outcome === "false");
process.exitCode = isFalse ? 1 : 0;

function replay({ index, described }: Verdict): string {
  return `npm run campaign -- --seed ${seed} --only ${index}  (${described})`;
}

/** What the device makes of each row of the operators' table. */
async function rowsOn(): Promise<RowVerdict[]> {
  const found: RowVerdict[] = [];
  for (const row of deviceRows) {
    found.push(await rowOn(row, backend, cpu, said));
    if (performance.now() - told < 5000) continue;
    told = performance.now();
    process.stderr.write(`${found.length} of ${deviceRows.length} rows of operators\n`);
  }
  return found;
}

function rowsTable(): ResultTable {
  const counted = (outcome: RowVerdict["outcome"]) => onDevice.filter((row) => row.outcome === outcome).length;
  return {
    title: `J of ${onDevice.length} rows of operators on ${backend.description}`,
    note:
      "Products with J and Jᵀ, on the device and on the CPU. A row is computed *on the CPU* if the device computes one of its two graphs " +
      "wrongly or not at all, which the comparison before its first use finds out.",
    columns: ["rows", "right", "on the CPU", "false"],
    rows: onDevice.length === 0 ? [] : [[onDevice.length, counted("right"), counted("on the CPU"), counted("false")]],
  };
}

function notRight(): ResultTable {
  return {
    title: "Rows that the device does not compute",
    columns: ["row", "reason", "relative distance of what is used"],
    rows: onDevice
      .filter(({ outcome }) => outcome !== "right")
      .map(({ title, notices, apart }) => [title, notices.map(reasonOf).join("; ") || "false", apart.toExponential(1)]),
  };
}

/** What a notice says of the device: its error, or that its result is wrong. */
function reasonOf(notice: string): string {
  return /\((.*)\); it is computed on the CPU/.exec(notice)?.[1] ?? "wrong";
}

function byFamily(): ResultTable {
  const rows = Object.keys(families).map((family) => {
    const all = verdicts.filter((verdict) => verdict.family === family);
    const counted = (outcome: Verdict["outcome"]) => all.filter((verdict) => verdict.outcome === outcome).length;
    const failed = all.filter(({ failures }) => failures.length > 0).length;
    const rounding = Math.max(0, ...all.map(({ roundingOverFloor }) => roundingOverFloor));
    const seconds = all.reduce((total, verdict) => total + verdict.seconds, 0);
    return [
      family,
      all.length,
      counted("all certified"),
      counted("some unconverged"),
      counted("refused"),
      failed,
      Number(rounding.toPrecision(3)),
      Math.round((1000 * seconds) / Math.max(all.length, 1)),
    ];
  });
  return {
    title: `False certificates of ${verdicts.length} operators`,
    note:
      "Each certificate is held against an independent float64 answer (test/campaign/judge.ts says by which inequalities). " +
      "*rounding ÷ floor*: the largest error of the operator's own float32 products at the vectors found, in units of the " +
      "floor that the certificate states. *ms*: drawing, solving and judging.",
    columns: ["family", "operators", "all certified", "some unconverged", "refused", "false", "rounding ÷ floor", "ms"],
    rows: rows.filter(([, all]) => all !== 0),
  };
}

function claims(): ResultTable {
  const rows = (["exact", "probable", "none"] as const).map((kind) => {
    const all = verdicts.filter(({ missed, outcome }) => missed === kind && outcome !== "refused");
    const failed = all.filter(({ failures }) => failures.some((failure) => failure.startsWith("missed:"))).length;
    const stated = all.reduce((total, { failureProbability }) => total + failureProbability, 0);
    return [kind, all.length, failed, stated === 0 ? "0" : stated.toExponential(1)];
  });
  return {
    title: "Claims on what is missed",
    note: "*failures stated*: the sum of the failure probabilities that the certificates state themselves.",
    columns: ["claim", "solves", "failures seen", "failures stated"],
    rows,
  };
}

function falseOnes(): ResultTable {
  return {
    title: "What was false",
    columns: ["replay", "claim"],
    rows: verdicts.flatMap((verdict) => verdict.failures.map((failure) => [replay(verdict), failure])),
  };
}
