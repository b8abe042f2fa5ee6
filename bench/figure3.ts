// The paper's figure 3 as one command: AlexNet's trunk, 16 pictures, ten taps, k = 500, certified; its time and memory:
// `npm run bench:figure3`; `--out DIR` keeps the run and goes on with one begun, `--inputs 2` and `--k 20` make it smaller.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openModel } from "../src/apps/node/index.ts";
import { renderFigures } from "../src/apps/report/index.ts";
import { createRng, gaussianArray } from "../src/base/index.ts";
import { sourceSize, targetSize } from "../src/operator/index.ts";
import { DirectoryStore } from "../src/platform/node/directory-store.ts";
import { openRun, type Run, type UnitResult } from "../src/results/index.ts";
import type { Block } from "../src/runtime/index.ts";
import { sharedPath } from "../test/support/shared.ts";
import { FIGURE3_TAPS, figure3, timedCommand } from "./figure3-command.ts";
import { alexnet, jacobianAt } from "./layers.ts";
import { type ResultTable, writeResult } from "./result.ts";
import { interleaved } from "./timing.ts";

const { values } = parseArgs({
  options: {
    out: { type: "string" },
    inputs: { type: "string", default: "16" },
    k: { type: "string", default: "500" },
  },
});

const count = Number(values.inputs);
const prices = await priceOfProducts();

const folder = values.out ?? mkdtempSync(join(tmpdir(), "pushforward-figure3-"));
try {
  const { seconds, bytes } = await timedCommand([...figure3(count, values.k), "--out", folder, "--json"]);
  const run = await openRun(new DirectoryStore(folder));
  const figure = (await renderFigures(run)).get("fig3.svg")!;
  const rows = await rowsOf(run);
  const table: ResultTable = {
    title: `Singular values of J(input → tap), AlexNet's trunk, ${count} pictures, k = ${values.k}`,
    note:
      `One command: ${(seconds / 60).toFixed(1)} minutes, ${bytes === undefined ? "memory not measured" : `at most ${(bytes / 1e9).toFixed(2)} GB resident`}. ` +
      "*seconds* of one solve, *J* and *Jᵀ* vectors multiplied in it: means over the pictures. *products, s*: what the products " +
      "of a solve take, by their price alone (blocks of 32, measured before). conv1 is linear, and solved once for all.",
    columns: [
      "tap",
      "m × n",
      "mean σ_1",
      "mean σ_k",
      "J",
      "Jᵀ",
      "seconds",
      "products, s",
      "certified",
      "worst residual/σ_1",
    ],
    rows,
    ...(count === 16
      ? { picture: { file: "images/figure-3.svg", alt: "Singular values against their index, tap by tap" } }
      : {}),
  };
  if (count === 16) writeFileSync(fileURLToPath(new URL("../docs/images/figure-3.svg", import.meta.url)), figure);
  for (const row of rows) process.stdout.write(`${row.join("\t")}\n`);
  process.stderr.write(`${table.note}\nwritten to ${writeResult("figure3", "npm run bench:figure3", [table])}\n`);
} finally {
  if (values.out === undefined) rmSync(folder, { recursive: true });
}

/** Seconds of a product by J and by Jᵀ at each tap, in blocks as a certificate's. */
async function priceOfProducts(): Promise<Map<string, { readonly J: number; readonly transpose: number }>> {
  const network = await openModel(sharedPath("data", "models", alexnet.model));
  const all = new Map<string, { J: number; transpose: number }>();
  const rows = 32;
  for (const tap of FIGURE3_TAPS) {
    const J = await jacobianAt(network, alexnet.preset, tap);
    const random = (length: number): Block => J.algebra.upload(gaussianArray(createRng(0, tap), rows * length), rows);
    const [v, u] = [random(sourceSize(J)), random(targetSize(J))];
    const [byJ, byTranspose] = [u, v].map((like) => ({ into: J.algebra.allocate(rows, like.length) }));
    const { forward, backward } = await interleaved(
      { forward: () => J.apply(v, byJ!), backward: () => J.applyTranspose(u, byTranspose!) },
      5,
    );
    all.set(tap, { J: forward.median / 1000 / rows, transpose: backward.median / 1000 / rows });
  }
  await network.close();
  return all;
}

async function rowsOf(run: Run): Promise<(string | number)[][]> {
  const rows: (string | number)[][] = [];
  for (const [tap, { name, k }] of run.manifest.taps.entries()) {
    const units: UnitResult[] = [];
    for (const input of run.manifest.inputs.keys()) units.push((await run.readUnit(input, tap, { vectors: false }))!);
    const mean = (of: (unit: UnitResult) => number) => units.reduce((sum, unit) => sum + of(unit), 0) / units.length;
    const [jvp, vjp] = [mean(({ jvp }) => jvp), mean(({ vjp }) => vjp)];
    const { J, transpose } = prices.get(name)!;
    const certified = units.flatMap(({ status }) => status).filter((status) => status === "converged").length;
    rows.push([
      name,
      `${units[0]!.m} × ${units[0]!.n}`,
      mean(({ sigma }) => sigma[0]!),
      mean(({ sigma }) => sigma[k - 1]!),
      Math.round(jvp),
      Math.round(vjp),
      mean(({ seconds }) => seconds),
      jvp * J + vjp * transpose,
      `${certified}/${units.length * k}`,
      Math.max(...units.map(({ residual, norm }) => Math.max(...residual) / norm)).toExponential(1),
    ]);
  }
  return rows;
}
