// Measures how singular values change in training: the digits' network, and a wider one that learns wrong labels by heart, several
// seeds each. `npm run theory:runs -- --out FOLDER`; the same command continues. `--quick` is a small first look.

import { spawnSync } from "node:child_process";
import { mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readDigits, writeArrays } from "../examples/digits/data.ts";
import { writePictures } from "../examples/digits/pictures.ts";
import type { Recipe } from "../src/apps/node/index.ts";
import { formatSeconds } from "../src/base/index.ts";
import { root } from "../test/docs/markdown.ts";

const { values: given } = parseArgs({
  options: {
    out: { type: "string" },
    only: { type: "string" },
    quick: { type: "boolean", default: false },
    seeds: { type: "string" },
    images: { type: "string" },
    draws: { type: "string", default: "6" },
    threads: { type: "string", default: String(availableParallelism()) },
  },
});
if (given.out === undefined) throw new Error("Say where the results go: --out FOLDER.");
const { out, quick } = given;

/** Six seeds, because fewer decide nothing. */
const seeds = Number(given.seeds ?? (quick ? 2 : 6));
const images = Number(given.images ?? (quick ? 10 : 40));
const TAPS = "pool2,relu4,relu5,logits";

const digits = join(root, "examples/digits");
const plain = JSON.parse(readFileSync(join(digits, "recipe.json"), "utf8")) as Recipe;

/** The network with so many times the channels and units, without dropout. */
function wider({ network }: Recipe, times: number): Recipe["network"] {
  const scaled = network.layers.slice(0, -1).flatMap((layer) => {
    if (layer.kind === "dropout") return [];
    if (layer.kind === "conv" && "channels" in layer) return [{ ...layer, channels: times * layer.channels }];
    return [layer.kind === "dense" && "units" in layer ? { ...layer, units: times * layer.units } : layer];
  });
  return { ...network, layers: [...scaled, network.layers.at(-1)!] };
}

/** 2000 digits, of which a share has labels drawn at random, and a network that can learn them by heart: no shifts, no decay. */
function byHeart(labelNoise: number): Recipe {
  const { augmentation: _, ...recipe } = plain;
  return {
    ...recipe,
    network: wider(plain, 4),
    optimizer: { kind: "adamw", rate: 1e-3, decay: 0 },
    data: { ...plain.data, subset: 2000, labelNoise },
    epochs: quick ? 12 : 100,
  };
}

const arms: Readonly<Record<string, Recipe>> = {
  clean: { ...plain, epochs: quick ? 3 : plain.epochs! },
  ...Object.fromEntries([0, 0.2, 0.5, 1].map((share) => [`noise-${share}`, byHeart(share)])),
};

/** Runs a command, its output in a log; says how long it took. */
function run(name: string, args: readonly string[]): void {
  const log = join(out, `${name}.log`);
  const file = openSync(log, "a");
  const start = performance.now();
  const program = join(root, "dist/apps/cli/main.js");
  const { status } = spawnSync(process.execPath, [program, ...args], { stdio: ["ignore", file, file] });
  const ended = status === 0 ? "" : `, status ${status}: see ${log}`;
  console.log(`${name}: ${formatSeconds((performance.now() - start) / 1000)}${ended}`);
  if (status !== 0) process.exitCode = status ?? 130;
}

const data = join(out, "data");
mkdirSync(data, { recursive: true });
writeArrays(data);
writePictures(readDigits(), images, data);
for (const [arm, recipe] of Object.entries(arms)) {
  if (given.only !== undefined && given.only !== arm) continue;
  const trainings = join(out, arm, "trainings");
  mkdirSync(trainings, { recursive: true });
  for (let seed = 0; seed < seeds; seed++) {
    const file = join(out, arm, `seed-${seed}.json`);
    const files = { inputs: "../data/digits.npy", targets: "../data/classes.npy" };
    const own: Recipe = { ...recipe, seed, checkpoints: quick ? 6 : 14, data: { ...recipe.data, ...files } };
    writeFileSync(file, JSON.stringify(own, undefined, 2));
    run(`${arm}-train-${seed}`, ["train", file, "--out", join(trainings, `seed-${seed}`)]);
  }
  const labels = ["--labels", join(data, "labels.tsv"), "--preprocess", join(digits, "preprocess.json")];
  const control = given.draws === "0" ? [] : ["--control", "permuted", "--draws", given.draws];
  const settings = ["--at", TAPS, "--threads", given.threads, ...(quick ? ["--quick", "-k", "32"] : [])];
  const study = ["study", "dynamics", trainings, join(data, "images"), ...labels, ...control, ...settings];
  run(`${arm}-dynamics`, [...study, "--out", join(out, arm, "dynamics")]);
}
