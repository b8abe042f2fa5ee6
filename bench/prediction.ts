// What a rehearsal predicts of a solve, and what the solve takes, each in a process of its own: `npm run bench:prediction`;
// `--only NAME` runs one case. Printed, and written to bench/results/prediction.json.
import { parseArgs } from "node:util";
import { openModel, svd } from "../src/apps/node/index.ts";
import { rehearse } from "../src/svd/index.ts";
import { sharedPath } from "../test/support/shared.ts";
import { alexnet, inProcess, jacobianAt, squeezenet } from "./layers.ts";
import { writeResult } from "./result.ts";

const cases = [
  { name: "fire9-100", ...squeezenet, tap: "fire9.concat", k: 100 },
  { name: "fire9-500", ...squeezenet, tap: "fire9.concat", k: 500 },
  { name: "fire2", ...squeezenet, tap: "fire2.concat", k: 200 },
  { name: "logits", ...squeezenet, tap: "logits", k: 200 },
  { name: "pool1", ...alexnet, tap: "pool1", k: 500 },
  { name: "conv4", ...alexnet, tap: "conv4", k: 500 },
  { name: "pool5", ...alexnet, tap: "pool5", k: 500 },
];

interface Cost {
  readonly jvp: number;
  readonly vjp: number;
  readonly seconds: number;
  /** Of the whole process, at most. */
  readonly bytes: number;
  /** What it took to find out. */
  readonly took: number;
}

type Side = "predict" | "solve";

async function costOf(side: Side, name: string): Promise<Cost> {
  const { model, preset, tap, k } = cases.find((one) => one.name === name)!;
  const network = await openModel(sharedPath("data", "models", model));
  try {
    const J = await jacobianAt(network, preset, tap);
    const started = performance.now();
    const took = () => (performance.now() - started) / 1000;
    if (side === "solve") {
      const { cost } = (await svd(J, { k })).certificate;
      return { ...cost, bytes: process.resourceUsage().maxRSS * 1024, took: took() };
    }
    const predict = await rehearse(J);
    const base = process.memoryUsage.rss();
    const { jvp, vjp, seconds, bytes } = await predict({ k });
    return { jvp, vjp, seconds, bytes: base + bytes, took: took() };
  } finally {
    await network.close();
  }
}

const percent = (predicted: number, measured: number): number => Math.round(100 * (predicted / measured - 1));

const { values } = parseArgs({ options: { only: { type: "string" }, side: { type: "string" } } });
const chosen = cases.filter(({ name }) => values.only === undefined || name === values.only);
if (chosen.length === 0) {
  process.stderr.write(`error: --only takes one of ${cases.map(({ name }) => name).join(", ")}.\n`);
  process.exit(2);
}
if (values.side === "predict" || values.side === "solve") {
  process.stdout.write(JSON.stringify(await costOf(values.side, chosen[0]!.name)));
} else {
  const columns = ["layer", "k", "products", "off, %", "seconds", "off, %", "memory, GB", "off, %", "rehearsal, s"];
  const rows = chosen.map(({ name, model, tap, k }) => {
    const predicted = inProcess<Cost>(import.meta.url, ["--side", "predict", "--only", name]);
    const measured = inProcess<Cost>(import.meta.url, ["--side", "solve", "--only", name]);
    const products = ({ jvp, vjp }: Cost) => jvp + vjp;
    const row = [
      `${model.replace(".onnx", "")} ${tap}`,
      k,
      products(measured),
      percent(products(predicted), products(measured)),
      measured.seconds,
      percent(predicted.seconds, measured.seconds),
      measured.bytes / 1e9,
      percent(predicted.bytes, measured.bytes),
      predicted.took,
    ];
    console.log(columns.map((column, i) => `${column} ${row[i]}`).join(", "));
    return row;
  });
  const table = {
    title: "Before a solve",
    note: "What a solve took at one photograph, tol 1e-5, and how far off the prediction was; memory is that of the process.",
    columns,
    rows,
  };
  if (values.only === undefined) writeResult("prediction", "npm run bench:prediction", [table]);
}
