// Zero false certificates: draws operators, solves each, and holds the certificate against an independent float64 answer.
// `npm run campaign -- --count 20000 --seed 0`; `--only 17` replays one case of that seed.
import { parseArgs } from "node:util";
import { createBackend } from "../src/platform/node/backend.ts";
import { families } from "../test/campaign/families.ts";
import { runCase, type Verdict } from "../test/campaign/run.ts";
import { type ResultTable, writeResult } from "./result.ts";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "20000" },
    seed: { type: "string", default: "0" },
    only: { type: "string" },
  },
});
const seed = Number(values.seed);
const [from, count] = values.only === undefined ? [0, Number(values.count)] : [Number(values.only), 1];
if (![seed, from, count].every((value) => Number.isSafeInteger(value) && value >= 0)) {
  process.stderr.write("error: --count, --seed and --only take whole numbers.\n");
  process.exit(2);
}

const backend = createBackend({ threads: 1 });
const verdicts: Verdict[] = [];
const started = performance.now();
let told = started;
for (let index = from; index < from + count; index++) {
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
await backend.dispose();

if (values.only === undefined) {
  const tables = [byFamily(), claims(), falseOnes()].filter((table) => table.rows.length > 0);
  for (const { title, columns, rows } of tables) {
    process.stdout.write(`\n${title}\n${[columns, ...rows].map((cells) => cells.join("\t")).join("\n")}\n`);
  }
  const file = writeResult("campaign", `npm run campaign -- --count ${count} --seed ${seed}`, tables);
  process.stderr.write(`written to ${file}\n`);
} else {
  const { described, outcome, missed } = verdicts[0]!;
  process.stdout.write(`${described}\n${outcome}, missed: ${missed}\n`);
}
process.exitCode = verdicts.some(({ failures }) => failures.length > 0) ? 1 : 0;

function replay({ index, described }: Verdict): string {
  return `npm run campaign -- --seed ${seed} --only ${index}  (${described})`;
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
