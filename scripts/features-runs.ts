// Trains auto-encoders and restricted Boltzmann machines of many configurations with several seeds, and measures their features; then
// stacks of them, and their spectra layer by layer (`--only stacks`).
// `npm run features:runs -- --out FOLDER`; the same command continues. `--quick` is a small first look.

import { spawn } from "node:child_process";
import { mkdirSync, openSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { writeArrays } from "../examples/digits/data.ts";
import type { Recipe } from "../src/apps/node/index.ts";
import { formatSeconds } from "../src/base/index.ts";
import { root } from "../test/docs/markdown.ts";
import { runStack, stackOf } from "./features-stacks.ts";

const { values: given } = parseArgs({
  options: {
    out: { type: "string" },
    only: { type: "string" },
    quick: { type: "boolean", default: false },
    seeds: { type: "string" },
    variation: { type: "string" },
    jobs: { type: "string", default: String(availableParallelism()) },
  },
});
if (given.out === undefined) throw new Error("Say where the results go: --out FOLDER.");
const { out, quick } = given;
const seeds = Number(given.seeds ?? (quick ? 2 : 5));

const units = quick ? 64 : 500;
const encoder = [{ kind: "dense", units }, { kind: "sigmoid" }] as const;
const plain: Recipe = {
  network: {
    input: [1, 28, 28],
    layers: [...encoder, { kind: "dense", tied: "fc1", transposed: true }, { kind: "sigmoid" }],
  },
  initializer: { kind: "glorot", gain: 4, distribution: "uniform" },
  loss: "binaryCrossEntropy",
  optimizer: { kind: "adam", rate: 0.001 },
  data: {
    ...{ inputs: "../data/digits.npy", targets: "inputs", labels: "../data/classes.npy" },
    ...{ heldOut: 1000, subset: quick ? 1000 : 8000, seed: 1 },
    ...(given.variation !== undefined && { variation: given.variation as "rotated" | "noise" }),
  },
  batch: 100,
  epochs: quick ? 20 : 50,
};

/** The machines learn with smaller steps, from small weights. */
function machine(loss: Recipe["loss"]): Recipe {
  const { targets: _, ...data } = plain.data!;
  return {
    ...plain,
    network: { input: [1, 28, 28], layers: encoder },
    initializer: { kind: "gaussian", weightVariance: 0.0784 },
    optimizer: { kind: "sgd", rate: 0.1 },
    loss,
    data,
  };
}

const many = <T extends string | number>(name: string, of: readonly T[], recipe: (value: T) => Recipe) =>
  of.map((value) => [`${name}-${value}`, recipe(value)] as const);

/** Each configuration by its name; of a quick run, one of each family. */
const all: readonly (readonly [string, Recipe])[] = [
  ["autoencoder", plain],
  ...many("decay", [1e-3, 1e-4, 1e-2], (decay) => ({ ...plain, optimizer: { kind: "adam", rate: 0.001, decay } })),
  ...many("gaussian", [0.3, 0.1, 0.5], (deviation) => ({ ...plain, corruption: { kind: "gaussian", deviation } })),
  ...many("masking", [0.25, 0.1, 0.5], (rate) => ({ ...plain, corruption: { kind: "masking", rate } })),
  ...many("contractive", [0.1, 0.01, 0.05, 0.3, 1], (weight) => ({
    ...plain,
    penalty: { kind: "contractive", weight, to: "sigmoid1" },
  })),
  ["rbm-cd1", machine({ kind: "contrastiveDivergence" })],
  ["rbm-cd10", machine({ kind: "contrastiveDivergence", steps: 10 })],
  ["rbm-pcd", machine({ kind: "contrastiveDivergence", persistent: true })],
];
const quickly = ["autoencoder", "decay-0.001", "gaussian-0.3", "masking-0.25", "contractive-0.1", "contractive-1"];
const only = given.only?.split(",");
const known = [...all.map(([name]) => name), "stacks"];
const unknown = (only ?? []).filter((name) => !known.includes(name));
if (unknown.length > 0) throw new Error(`--only takes ${known.join(", ")}, and not ${unknown.join(", ")}.`);
const chosen = all.filter(([name]) => (only === undefined ? !quick || quickly.includes(name) : only.includes(name)));

const fineTuning = { epochs: quick ? 5 : 20 };
/** The stacks by their names. */
const stacks = [
  ["contractive", stackOf(plain, { units, penalty: { kind: "contractive", weight: 0.1 } }, fineTuning)],
  ["boltzmann", stackOf(machine({ kind: "contrastiveDivergence" }), { units }, fineTuning)],
] as const;

/** Runs a command, its output in a log; says how long it took. Returns whether it succeeded. */
async function run(name: string, args: readonly string[]): Promise<boolean> {
  const log = join(out!, "logs", `${name.replaceAll("/", "-")}.log`);
  mkdirSync(dirname(log), { recursive: true });
  const file = openSync(log, "a");
  const start = performance.now();
  const program = join(root, "dist/apps/cli/main.js");
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", file, file] });
  const status = await new Promise<number>((resolve) => child.on("close", (code) => resolve(code ?? 130)));
  const ended = status === 0 ? "" : `, status ${status}: see ${log}`;
  console.log(`${name}: ${formatSeconds((performance.now() - start) / 1000)}${ended}`);
  if (status !== 0) process.exitCode = status;
  return status === 0;
}

/** Does tasks in their order, as many at once as `--jobs` says. */
async function inTurn<T>(tasks: readonly T[], work: (task: T) => Promise<void>): Promise<void> {
  const waiting = tasks.values();
  const worker = async () => {
    for (const task of waiting) await work(task);
  };
  await Promise.all(Array.from({ length: Number(given.jobs) }, worker));
}

mkdirSync(join(out, "data"), { recursive: true });
mkdirSync(join(out, "recipes"), { recursive: true });
writeArrays(join(out, "data"));
const trainings = Array.from({ length: seeds }, (_, seed) =>
  chosen.map(([name, recipe]) => ({ name, recipe, seed })),
).flat();
await inTurn(trainings, async ({ name, recipe, seed }) => {
  const file = join(out, "recipes", `${name}-${seed}.json`);
  writeFileSync(file, JSON.stringify({ ...recipe, seed }, undefined, 2));
  await run(`${name}/${seed}`, ["train", file, "--out", join(out, "trainings", name, `seed-${seed}`)]);
});
if (chosen.length > 0) {
  const settings = ["--data", join(out, "recipes"), "--threads", "1", ...(quick ? ["--quick"] : [])];
  const study = ["study", "features", join(out, "trainings"), ...settings, "--out", join(out, "features")];
  const shards = Array.from({ length: Number(given.jobs) }, (_, i) => `${i}/${given.jobs}`);
  await inTurn(shards, async (shard) => {
    await run(`features ${shard}`, [...study, "--shard", shard]);
  });
}
if (only === undefined || only.includes("stacks")) {
  await inTurn(stacks, ([name, stack]) => runStack(name, stack, out, run));
}
