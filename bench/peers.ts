// Seconds of whole solves beside what people use today, on the same inputs and in turn:
// `npm run bench:peers -- --python .venv-peers/bin/python`; `--only NAME` runs one case, `--repeats 3` all so many times.
import { parseArgs } from "node:util";
import { sharedPath } from "../test/support/shared.ts";
import {
  type Asked,
  jax,
  jemalloc,
  missing,
  type Peer,
  pythonOf,
  type Solved,
  solvedBy,
  solvedByUs,
  torch,
  versionsOf,
} from "./peer.ts";
import { type ResultTable, writeResult } from "./result.ts";
import { median } from "./timing.ts";

/** Two tolerances that do not mean the same: ours bounds residuals, ARPACK's is relative to each σ². */
const OUR_TOL = 1e-5;
const PEER_TOL = 1e-3;
const cases = [
  { name: "fire9-100", tap: "fire9.concat", k: 100, peers: [torch, jax], repeats: 5 },
  { name: "fire9-500", tap: "fire9.concat", k: 500, peers: [jax], repeats: 3 },
  { name: "logits", tap: "logits", k: 1000, peers: [torch, jax], repeats: 2 },
];

const { values } = parseArgs({
  options: { python: { type: "string" }, repeats: { type: "string" }, only: { type: "string" } },
});
const python = pythonOf(values.python);
const asked = values.repeats === undefined ? undefined : Number(values.repeats);
const chosen = cases.filter(({ name }) => values.only === undefined || name === values.only);
if ((asked !== undefined && !(Number.isInteger(asked) && asked >= 1)) || chosen.length === 0) {
  const names = cases.map(({ name }) => name).join(", ");
  process.stderr.write(`error: --repeats takes a whole number, at least 1; --only takes one of ${names}.\n`);
  process.exit(2);
}

const present: Peer[] = [];
for (const peer of [torch, jax]) {
  const lacking = await missing(python, peer);
  if (lacking.length === 0) present.push(peer);
  else process.stderr.write(`skipped ${peer.name}: ${python} -m pip install ${lacking.join(" ")}\n`);
}

const allocator = jemalloc();
if (allocator === undefined) process.stderr.write("JAX by glibc's allocator only: libjemalloc2 is not installed\n");
const rows: (string | number)[][] = [];
for (const { name, tap, k, peers, repeats } of chosen) {
  const problem: Asked = {
    model: sharedPath("data", "models", "squeezenet1.1.onnx"),
    input: sharedPath("reference", "image0.npy"),
    tap,
    k,
    tol: PEER_TOL,
  };
  const jobs: Record<string, () => Promise<Solved>> = { ours: () => solvedByUs({ ...problem, tol: OUR_TOL }) };
  for (const peer of peers.filter((one) => present.includes(one))) {
    jobs[peer.name] = () => solvedBy(python, peer, problem);
    if (peer !== jax || allocator === undefined) continue;
    jobs["JAX, jemalloc"] = () => solvedBy(python, peer, problem, { env: allocator });
  }
  const solved = await inTurn(jobs, asked ?? repeats);
  const middle = (all: readonly Solved[], of: "seconds" | "whole") => median(all.map((one) => one[of]));
  for (const [solver, all] of Object.entries(solved)) {
    const { how, shape, jvp, vjp, residual } = all[0]!;
    const whole = all.map((one) => one.whole).sort((a, b) => a - b);
    const [times, ratios] = [
      (["whole", "seconds"] as const).map((of) => middle(all, of)),
      (["whole", "seconds"] as const).map((of) => middle(all, of) / middle(solved.ours!, of)),
    ];
    rows.push([
      `${name} (${shape.join(" × ")}), k = ${k}`,
      solver === "JAX, jemalloc" ? `${how}, jemalloc` : how,
      all.length,
      Number(times[0]!.toPrecision(3)),
      `${whole[0]!.toPrecision(3)}–${whole.at(-1)!.toPrecision(3)}`,
      Number(ratios[0]!.toPrecision(3)),
      Number(times[1]!.toPrecision(3)),
      Number(ratios[1]!.toPrecision(3)),
      `${jvp} / ${vjp}`,
      residual.toExponential(1),
    ]);
    process.stdout.write(`${rows.at(-1)!.join("\t")}\n`);
  }
}

const table: ResultTable = {
  title: "Whole solves beside peers, SqueezeNet 1.1 at one image",
  note:
    "Median of *runs*, solvers in turn. *whole*: what a user waits for, from the start of the program to the result; of the peers, the sum of " +
    "starting Python with their packages and reading the file (timed alone), tracing and compiling, and the solve. *solve*: from compiled " +
    `products to the last triplet. Ours is at tolerance ${OUR_TOL} with its certificate, the peers' at ARPACK's tolerance ${PEER_TOL}. ` +
    "*ratio*: to ours. *residual*: the largest over σ₁, of all our triplets and of a sample of the peers'.",
  columns: [
    "case",
    "solver",
    "runs",
    "whole, s",
    "range",
    "ratio",
    "solve, s",
    "ratio of solves",
    "J / Jᵀ",
    "residual",
  ],
  rows,
};
const versions = Object.assign({}, ...(await Promise.all(present.map((peer) => versionsOf(python, peer)))));
const given = Object.entries(values).filter(([name, value]) => name !== "python" && value !== undefined);
const command = ["npm run bench:peers --", ...given.map(([name, value]) => `--${name} ${value}`)].join(" ");
process.stderr.write(`written to ${writeResult("peers", command, [table], versions)}\n`);

async function inTurn(
  jobs: Readonly<Record<string, () => Promise<Solved>>>,
  repeats: number,
): Promise<Record<string, Solved[]>> {
  const solved: Record<string, Solved[]> = {};
  for (let round = 0; round < repeats; round++) {
    for (const [name, job] of Object.entries(jobs)) solved[name] = [...(solved[name] ?? []), await job()];
  }
  return solved;
}
