// Where the time of a solve goes, on real layers at a photograph: `npm run bench:solver`; `--only NAME` runs one case,
// `--k 20` another k. Printed, and written to bench/results/solver.json.
import { parseArgs } from "node:util";
import { type Network, openModel, svd } from "../src/apps/node/index.ts";
import type { presets } from "../src/images/index.ts";
import type { LinearOperator } from "../src/operator/index.ts";
import type { Block, BlockAlgebra, Placement } from "../src/runtime/index.ts";
import { sharedPath } from "../test/support/shared.ts";
import { alexnet, jacobianAt, squeezenet } from "./layers.ts";
import { type ResultTable, writeResult } from "./result.ts";

const cases = [
  { name: "fire9-100", ...squeezenet, tap: "fire9.concat", k: 100 },
  { name: "fire9-500", ...squeezenet, tap: "fire9.concat", k: 500 },
  { name: "norm1", ...alexnet, tap: "norm1", k: 500 },
  { name: "pool1", ...alexnet, tap: "pool1", k: 500 },
  { name: "conv4", ...alexnet, tap: "conv4", k: 500 },
  { name: "pool5", ...alexnet, tap: "pool5", k: 500 },
];

/** Seconds by phase. */
class Clock {
  readonly seconds = new Map<string, number>();

  async time<T>(phase: string, job: () => Promise<T>): Promise<T> {
    const started = performance.now();
    const result = await job();
    this.seconds.set(phase, this.of(phase) + (performance.now() - started) / 1000);
    return result;
  }

  of(phase: string): number {
    return this.seconds.get(phase) ?? 0;
  }
}

/** The same operator, with the time of its products and of the solver's algebra noted. */
function timed(J: LinearOperator, clock: Clock): LinearOperator {
  const { algebra } = J;
  const noted: BlockAlgebra = {
    ...algebra,
    gram: (...all) => clock.time("orthogonalization", () => algebra.gram(...all)),
    subtract: (...all) => clock.time("orthogonalization", () => algebra.subtract(...all)),
    combine: (...all) => clock.time("orthogonalization", () => algebra.combine(...all)),
    mix: (...all) => clock.time("filter", () => algebra.mix(...all)),
    select: (...all) => clock.time("active rows", () => algebra.select(...all)),
    scatter: (...all) => clock.time("active rows", () => algebra.scatter(...all)),
    multiply: (...all) => clock.time("projected problem", () => algebra.multiply(...all)),
    dots: (...all) => clock.time("residuals", () => algebra.dots(...all)),
    squaredDifference: (...all) => clock.time("residuals", () => algebra.squaredDifference(...all)),
  };
  return {
    source: J.source,
    target: J.target,
    preferredRows: J.preferredRows,
    productCost: J.productCost!,
    algebra: noted,
    apply: (v: Block, placement?: Placement) => clock.time("products", () => J.apply(v, placement)),
    applyTranspose: (u: Block, placement?: Placement) => clock.time("products", () => J.applyTranspose(u, placement)),
    activeRows: async () => J.activeRows?.(),
  };
}

async function solved(network: Network, preset: keyof typeof presets, tap: string, k: number) {
  const J = await jacobianAt(network, preset, tap);
  const clock = new Clock();
  const { sigma, certificate } = await svd(timed(J, clock), { k });
  const { cost, status, residual, norm } = certificate;
  const [products, total] = [clock.of("products"), cost.seconds];
  const known = [...clock.seconds.values()].reduce((sum, seconds) => sum + seconds, 0);
  return {
    "σ_k/σ_1": sigma.at(-1)! / norm,
    J: cost.jvp,
    Jᵀ: cost.vjp,
    seconds: total,
    products,
    orthogonalization: clock.of("orthogonalization"),
    "filter and active rows": clock.of("filter") + clock.of("active rows"),
    residuals: clock.of("residuals"),
    "projected problem": clock.of("projected problem") + total - known,
    "all but products, %": 100 * (total / products - 1),
    certified: status.filter((one) => one !== "unconverged").length,
    "worst residual/σ_1": (Math.max(...residual) / norm).toExponential(1),
    "memory, GB": process.memoryUsage.rss() / 1e9,
  };
}

const { values } = parseArgs({ options: { only: { type: "string" }, k: { type: "string" } } });
const chosen = cases.filter(({ name }) => values.only === undefined || name === values.only);
if (chosen.length === 0) {
  process.stderr.write(`error: --only takes one of ${cases.map(({ name }) => name).join(", ")}.\n`);
  process.exit(2);
}
const rows: (string | number)[][] = [];
let columns: string[] = [];
for (const { model, preset, tap, k } of chosen) {
  const network = await openModel(sharedPath("data", "models", model));
  const asked = Number(values.k ?? k);
  const result = await solved(network, preset, tap, asked);
  columns = ["layer", "k", ...Object.keys(result)];
  rows.push([`${model.replace(".onnx", "")} ${tap}`, asked, ...Object.values(result)]);
  console.log(columns.map((column, i) => `${column} ${rows.at(-1)![i]}`).join(", "));
  await network.close();
}
const table: ResultTable = {
  title: "A solve, by phase",
  note: `At one photograph, tol 1e-5; seconds. Products count everything: search, certificate, probe.`,
  columns,
  rows,
};
if (values.only === undefined && values.k === undefined) writeResult("solver", "npm run bench:solver", [table]);
