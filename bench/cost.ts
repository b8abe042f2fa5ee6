// How the cost of a certified solve grows: with k, with depth, with the size of the picture, and what a second thread saves.
// `npm run bench:cost`. Each solve in a process of its own; printed, written to bench/results/cost.json, and drawn.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { parseHTML } from "linkedom";
import { loadInput, openModel, svd } from "../src/apps/node/index.ts";
import { sizeOf } from "../src/base/index.ts";
import { presets } from "../src/images/index.ts";
import { readModel, writeModel } from "../src/onnx/index.ts";
import { missesTolerance } from "../src/results/index.ts";
import { sharedPath } from "../test/support/shared.ts";
import { costFigure } from "./cost-figure.ts";
import { inProcess, photograph, squeezenet } from "./layers.ts";
import { type ResultTable, writeResult } from "./result.ts";

const MODEL = sharedPath("data", "models", squeezenet.model);
/** What a table holds fixed. */
const USUAL = { tap: "fire9.concat", k: 100, side: 224, threads: 2 };
const varied = {
  k: [50, 100, 200, 500, 1000].map((k) => ({ ...USUAL, k })),
  tap: ["pool1", "fire2.concat", "fire3.concat", "fire5.concat", "fire9.concat"].map((tap) => ({ ...USUAL, tap })),
  side: [112, 160, 224, 320, 448].map((side) => ({ ...USUAL, side })),
  threads: [1, 2].map((threads) => ({ ...USUAL, threads })),
};
const notes: Readonly<Record<keyof typeof varied, string>> = {
  k: "Products grow a little slower than k, as the probe and what comes before the first triplet are shared, up to where σ_k/σ_1 is so small that a second run begins; algebra on the basis grows with its square.",
  tap: "Early layers have flat spectra (σ₁₀₀ close to σ₁): many more vectors, each product cheaper, the vectors longer.",
  side: "*side*: pixels. The cost of a product grows with the area; larger pictures have flatter spectra, and so some more products.",
  threads: "What does not gain: scatters of pooling, which ONNX Runtime does on one thread, and the projected problem.",
};

export interface Cost {
  readonly tap: string;
  readonly k: number;
  readonly side: number;
  readonly threads: number;
  readonly m: number;
  readonly n: number;
  /** σ_k/σ_1 */
  readonly fall: number;
  readonly jvp: number;
  readonly vjp: number;
  readonly seconds: number;
  /** Of the whole process, at most. */
  readonly gigabytes: number;
}

async function costOf({ tap, k, side, threads }: typeof USUAL): Promise<Cost> {
  const folder = mkdtempSync(join(tmpdir(), "pushforward-cost-"));
  const file = join(folder, "open.onnx");
  const model = await readModel(readFileSync(MODEL));
  const inputs = model.graph.inputs.map((input) => ({ ...input, shape: ["N", 3, "H", "W"] }));
  writeFileSync(file, writeModel({ ...model, graph: { ...model.graph, inputs } }));
  const network = await openModel(file, { inputShape: [3, side, side], threads });
  try {
    const shorterSide = Math.round((side * 256) / 224);
    const preset = { ...presets[squeezenet.preset], resize: { shorterSide }, crop: [side, side] as const };
    const J = await network.jacobian({ at: await loadInput(photograph(), preset), to: tap });
    const { sigma, certificate } = await svd(J, { k });
    if (certificate.status.some(missesTolerance)) throw new Error(`not certified: ${tap}, k = ${k}`);
    const { jvp, vjp, seconds } = certificate.cost;
    const [m, n] = [sizeOf(J.target), sizeOf(J.source)];
    const gigabytes = process.resourceUsage().maxRSS / 1e6;
    return { tap, k, side, threads, m, n, fall: sigma.at(-1)! / sigma[0]!, jvp, vjp, seconds, gigabytes };
  } finally {
    await network.close();
    rmSync(folder, { recursive: true });
  }
}

const { values } = parseArgs({ options: { one: { type: "string" } } });
if (values.one !== undefined) process.stdout.write(JSON.stringify(await costOf(JSON.parse(values.one))));
else {
  const known = new Map<string, Cost>();
  const measured = Object.entries(varied).map(([name, all]) => {
    const costs = all.map((asked) => {
      const key = JSON.stringify(asked);
      const cost = known.get(key) ?? inProcess<Cost>(import.meta.url, ["--one", key]);
      known.set(key, cost);
      console.log(JSON.stringify(cost));
      return cost;
    });
    return { name: name as keyof typeof varied, costs };
  });
  const tables: ResultTable[] = measured.map(({ name, costs }) => ({
    title: `Cost of a solve against ${{ k: "k", tap: "depth", side: "the size of the picture", threads: "threads" }[name]}`,
    note: `SqueezeNet 1.1, one photograph, certified at 1e-5; else ${USUAL.tap}, k = ${USUAL.k}, ${USUAL.side} pixels, ${USUAL.threads} threads. ${notes[name]}`,
    columns: [name, "m × n", "σ_k/σ_1", "J", "Jᵀ", "seconds", "GB at most"],
    rows: costs.map((cost) => [
      cost[name],
      `${cost.m} × ${cost.n}`,
      cost.fall,
      cost.jvp,
      cost.vjp,
      cost.seconds,
      cost.gigabytes,
    ]),
  }));
  tables[0] = {
    ...tables[0]!,
    picture: { file: "images/cost.svg", alt: "Seconds of a solve against k, depth, size and threads" },
  };
  const { document } = parseHTML("<html><body></body></html>");
  writeFileSync(fileURLToPath(new URL("../docs/images/cost.svg", import.meta.url)), costFigure(measured, document));
  writeResult("cost", "npm run bench:cost", tables);
}
