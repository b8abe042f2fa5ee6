import { createRng, PushforwardError, type Rng, type Shape, sizeOf } from "../base/index.ts";
import type { DataSettings } from "./recipe.ts";
import { varied } from "./variations.ts";

/** Examples in memory, with what a network is to answer for each. */
export interface DataSet<T extends Targets = Targets> {
  /** Shape of one input, such as [C, H, W] or [n]. */
  readonly shape: Shape;
  /** All inputs one after another. */
  readonly inputs: Float32Array;
  readonly targets: T;
}

/**
 * The class of each example, from 0; or what the output is to be, for all examples one after another; or the input itself, where classes may
 * be known, and then decide which examples are held out.
 */
export type Targets =
  | Labels
  | { readonly kind: "values"; readonly values: Float32Array }
  | { readonly kind: "inputs"; readonly labels?: Int32Array };

interface Labels {
  readonly kind: "labels";
  readonly labels: Int32Array;
}

/** Examples with classes. */
export type LabelledSet = DataSet<Labels>;

/** The number of examples. */
export const countOf = ({ shape, inputs }: DataSet): number => inputs.length / sizeOf(shape);

/** A data set split into two parts, with the positions of the held-out examples in the whole set. */
export interface Split<T extends Targets = Targets> {
  readonly training: DataSet<T>;
  readonly heldOut: DataSet<T>;
  /** Positions of the held-out examples in the whole set, ascending. */
  readonly heldOutIndices: readonly number[];
  /** Those to train on whose class was replaced by a wrong one, with the wrong class; absent if there are none. */
  readonly mislabelled?: LabelledSet;
}

/** Copies the examples at these positions, in this order. */
export function subset<T extends Targets>(data: DataSet<T>, indices: readonly number[]): DataSet<T> {
  const { shape, inputs } = data;
  const targets: Targets = data.targets;
  const ofEach = (labels: Int32Array) => Int32Array.from(indices, (index) => labels[index]!);
  return { shape, inputs: rowsOf(inputs, sizeOf(shape), indices), targets: chosen() as T };

  function chosen(): Targets {
    switch (targets.kind) {
      case "labels":
        return { kind: "labels", labels: ofEach(targets.labels) };
      case "values":
        return { kind: "values", values: rowsOf(targets.values, targets.values.length / countOf(data), indices) };
      case "inputs":
        return targets.labels === undefined ? targets : { kind: "inputs", labels: ofEach(targets.labels) };
    }
  }
}

/**
 * The examples that a recipe trains on and those that it holds out: first all are varied, then some are held out, then a subset of the
 * others is taken, then a share of its classes is replaced.
 *
 * @throws PushforwardError `usage` for more held-out examples or a larger subset than there are, noise of labels that are none, or what
 * cannot be varied
 */
export function examplesOf(
  data: DataSet,
  { variation, heldOut = 0, subset: size, labelNoise = 0, seed = 0 }: DataSettings,
): Split {
  const inputs = variation === undefined ? data.inputs : varied(data.inputs, data.shape, variation, seed);
  const split = splitStratified({ ...data, inputs }, heldOut, seed);
  const chosen = size === undefined ? split.training : splitStratified(split.training, size, seed, "subset").heldOut;
  if (labelNoise === 0) return { ...split, training: chosen };
  const targets: Targets = chosen.targets;
  if (targets.kind !== "labels") {
    throw new PushforwardError("usage", {
      what: "There are no classes that noise could replace.",
      where: { option: "data.labelNoise" },
      fix: "Leave it out, or give classes as targets.",
    });
  }
  const labels = withLabelNoise(targets.labels, labelNoise, seed);
  const training: LabelledSet = { ...chosen, targets: { kind: "labels", labels } };
  const wrong = Array.from(labels.keys()).filter((i) => labels[i] !== targets.labels[i]);
  return { ...split, training, ...(wrong.length > 0 && { mislabelled: subset(training, wrong) }) };
}

function rowsOf(values: Float32Array, size: number, indices: readonly number[]): Float32Array {
  const chosen = new Float32Array(indices.length * size);
  indices.forEach((index, to) => {
    chosen.set(values.subarray(index * size, (index + 1) * size), to * size);
  });
  return chosen;
}

/**
 * Holds out `heldOut` examples, drawn at random. Each class has the same share of them as it has of the whole set.
 *
 * @throws PushforwardError `usage` unless 0 ≤ heldOut ≤ the number of examples
 */
export function splitStratified<T extends Targets>(
  data: DataSet<T>,
  heldOut: number,
  seed: number,
  stream = "split",
): Split<T> {
  const count = countOf(data);
  if (!Number.isInteger(heldOut) || heldOut < 0 || heldOut > count) {
    throw new PushforwardError("usage", {
      what: `${heldOut} of ${count} examples cannot be held out.`,
      where: { option: "heldOut" },
      fix: `Give an integer from 0 to ${count}.`,
    });
  }
  const targets: Targets = data.targets;
  // Shuffled, then in order of class: each step of count/heldOut takes one.
  const rng = createRng(seed, stream);
  const order = shuffled(count, rng);
  const labels = "labels" in targets ? targets.labels : undefined;
  const byClass = labels === undefined ? order : order.sort((a, b) => labels[a]! - labels[b]!);
  const chosen = new Set(Array.from({ length: heldOut }, (_, i) => byClass[Math.floor((i * count) / heldOut)]!));
  const all = Array.from({ length: count }, (_, i) => i);
  const heldOutIndices = all.filter((index) => chosen.has(index));
  return {
    training: subset(
      data,
      all.filter((index) => !chosen.has(index)),
    ),
    heldOut: subset(data, heldOutIndices),
    heldOutIndices,
  };
}

/** 0 … count − 1 in random order. */
export function shuffled(count: number, rng: Rng): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = rng.integer(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** Copies one picture [C, H, W] into `to`, shifted down and right by whole pixels. Pixels from outside of the image are zero. */
export function copyShifted(image: Float32Array, to: Float32Array, shape: Shape, down: number, right: number): void {
  const [channels, height, width] = shape as [number, number, number];
  const first = Math.max(0, right);
  const last = Math.min(width, width + right);
  to.fill(0);
  for (let row = 0; row < channels * height; row++) {
    const y = (row % height) - down;
    if (y < 0 || y >= height) continue;
    const from = (row - down) * width;
    to.set(image.subarray(from + first - right, from + last - right), row * width + first);
  }
}

/** The classes with a share of them replaced, drawn at random. @see Zhang et al. 2017 */
function withLabelNoise(labels: Int32Array, share: number, seed: number): Int32Array {
  const classes = labels.reduce((most, label) => Math.max(most, label + 1), 0);
  const rng = createRng(seed, "label noise");
  const replaced = new Set(shuffled(labels.length, rng).slice(0, Math.round(share * labels.length)));
  return labels.map((label, i) => (replaced.has(i) ? rng.integer(classes) : label));
}
