// Products that a solve of k = 500 needs, ours beside PROPACK's (SciPy's svds, with JAX's products), to the same residual:
// `npm run bench:propack -- --python .venv-peers/bin/python`; `--only NAME` runs one case, `--k 20` another k.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadInput } from "../src/apps/node/index.ts";
import { presets, writeNpy } from "../src/images/index.ts";
import { sharedPath } from "../test/support/shared.ts";
import { jax, missing, pythonOf, type Solved, solvedBy, solvedByUs, versionsOf } from "./peer.ts";
import { type ResultTable, writeResult } from "./result.ts";

/** Residual asked for, relative to σ₁. */
const TOL = 1e-5;
/**
 * PROPACK's tolerance is relative to each σ, and its error bounds are squared where σ is well apart. So it is asked for less
 * and less until the residuals that it reaches, measured, are below `TOL`·σ₁.
 */
const PROPACK_TOLS = [1e-3, 1e-4, 1e-5, 1e-6];
const alexnet = { model: "alexnet-trunk.onnx", picture: "n01440764_tench.JPEG" };
const cases = [
  { name: "fire9", model: "squeezenet1.1.onnx", tap: "fire9.concat", k: 500 },
  { name: "conv4", ...alexnet, tap: "conv4", k: 500 },
  { name: "pool5", ...alexnet, tap: "pool5", k: 500 },
];

const { values } = parseArgs({
  options: { python: { type: "string" }, only: { type: "string" }, k: { type: "string" } },
});
const python = pythonOf(values.python);
const chosen = cases.filter(({ name }) => values.only === undefined || name === values.only);
if (chosen.length === 0) {
  process.stderr.write(`error: --only takes one of ${cases.map(({ name }) => name).join(", ")}.\n`);
  process.exit(2);
}
const lacking = await missing(python, jax);
if (lacking.length > 0) {
  process.stderr.write(`error: PROPACK needs ${python} -m pip install ${lacking.join(" ")}\n`);
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), "pushforward-propack-"));
const rows: (string | number)[][] = [];
try {
  for (const { name, model, tap, k, ...rest } of chosen) {
    let input = sharedPath("reference", "image0.npy");
    if ("picture" in rest) {
      const loaded = await loadInput(sharedPath("data", "images", rest.picture), presets["caffe-alexnet"]!);
      input = join(folder, `${name}.npy`);
      writeFileSync(input, writeNpy({ data: loaded.data, shape: [1, ...loaded.shape.slice(-3)] }));
    }
    const asked = { model: sharedPath("data", "models", model), input, tap, k: Number(values.k ?? k), tol: TOL };
    show(tap, "ours", TOL, asked.k, await solvedByUs(asked));
    for (const tol of PROPACK_TOLS) {
      const solved = await solvedBy(python, jax, { ...asked, tol }, { solver: "propack" });
      show(tap, "PROPACK", tol, asked.k, solved);
      if (solved.residual <= TOL) break;
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}

const table: ResultTable = {
  title: "Products of a solve, beside PROPACK's",
  note:
    `Vectors multiplied by J and by Jᵀ until the residuals are below ${TOL}·σ₁: ours by its tolerance, PROPACK by the ` +
    "largest of its tolerances that reaches it (those before it are shown too). Ours include the certificate's.",
  columns: ["tap", "m × n", "k", "solver", "tol", "J", "Jᵀ", "residual / σ₁", "seconds"],
  rows,
};
const given = Object.entries({ only: values.only, k: values.k }).filter(([, value]) => value !== undefined);
const command = ["npm run bench:propack --", ...given.map(([name, value]) => `--${name} ${value}`)].join(" ");
process.stderr.write(`written to ${writeResult("propack", command, [table], await versionsOf(python, jax))}\n`);

function show(
  tap: string,
  solver: string,
  tol: number,
  k: number,
  { shape, jvp, vjp, residual, seconds }: Solved,
): void {
  const cost = [jvp, vjp, residual.toExponential(1), Number(seconds.toPrecision(3))];
  rows.push([tap, shape.join(" × "), k, solver, tol.toExponential(0), ...cost]);
  process.stdout.write(`${rows.at(-1)!.join("\t")}\n`);
}
