import { expect, test } from "vitest";
import { copyShifted } from "../../src/training/data-set.ts";
import { type DataSet, examplesOf, type LabelledSet, splitStratified, subset } from "../../src/training/index.ts";

/** 60 images of one pixel, which is their place; class 0 twice as often as 1 and 2. */
const data: LabelledSet = {
  shape: [1, 1, 1],
  inputs: Float32Array.from({ length: 60 }, (_, i) => i),
  targets: { kind: "labels", labels: Int32Array.from({ length: 60 }, (_, i) => [0, 1, 0, 2][i % 4]!) },
};

test("a split holds out its share of each class and loses nothing", () => {
  const { training, heldOut, heldOutIndices } = splitStratified(data, 12, 7);
  const count = (of: LabelledSet, label: number) => of.targets.labels.filter((other) => other === label).length;
  expect([0, 1, 2].map((label) => count(heldOut, label))).toEqual([6, 3, 3]);
  expect(Array.from(heldOut.inputs)).toEqual(heldOutIndices);
  const all = [...training.inputs, ...heldOut.inputs].sort((a, b) => a - b);
  expect(all).toEqual(Array.from(data.inputs));
  expect(splitStratified(data, 12, 7).heldOutIndices).toEqual(heldOutIndices);
  expect(splitStratified(data, 12, 8).heldOutIndices).not.toEqual(heldOutIndices);
});

test.each([-1, 61, 1.5])("%f examples cannot be held out", (count) => {
  expect(() => splitStratified(data, count, 0)).toThrow(`${count} of 60 examples cannot be held out.`);
});

test("a subset has its examples in the order asked for, with their targets", () => {
  const { inputs, targets } = subset(data, [3, 0, 2]);
  expect(Array.from(inputs)).toEqual([3, 0, 2]);
  expect(Array.from(targets.labels)).toEqual([2, 0, 0]);
  const pairs: DataSet = {
    ...data,
    targets: { kind: "values", values: Float32Array.from({ length: 120 }, (_, i) => i) },
  };
  expect(subset(pairs, [3, 0]).targets).toEqual({ kind: "values", values: Float32Array.of(6, 7, 0, 1) });
  const same: DataSet = { ...data, targets: { kind: "inputs" } };
  expect(subset(same, [3, 0])).toEqual({
    shape: [1, 1, 1],
    inputs: Float32Array.of(3, 0),
    targets: { kind: "inputs" },
  });
});

test("a recipe's examples: held out, then a subset of the others, then noise in its classes", () => {
  const settings = { heldOut: 12, subset: 24, seed: 7 };
  const { training, heldOut } = examplesOf(data, settings) as { training: LabelledSet; heldOut: LabelledSet };
  expect(heldOut).toEqual(splitStratified(data, 12, 7).heldOut);
  expect(training.inputs).toHaveLength(24);
  expect(training.inputs.filter((place) => heldOut.inputs.includes(place))).toHaveLength(0);
  expect([0, 1, 2].map((label) => training.targets.labels.filter((other) => other === label).length)).toEqual([
    12, 6, 6,
  ]);
  const noisy = examplesOf(data, { ...settings, labelNoise: 0.5 }) as { training: LabelledSet; heldOut: LabelledSet };
  expect(noisy.heldOut).toEqual(heldOut);
  expect(noisy.training.inputs).toEqual(training.inputs);
  const changed = noisy.training.targets.labels.filter((label, i) => label !== training.targets.labels[i]).length;
  // Twelve are drawn from three classes, so that about a third of them stay right.
  expect(changed).toBeGreaterThanOrEqual(4);
  expect(changed).toBeLessThan(12);
  const mislabelled = examplesOf(data, { ...settings, labelNoise: 0.5 }).mislabelled!;
  expect(mislabelled.targets.labels).toHaveLength(changed);
  const right = new Map(Array.from(training.inputs, (place, i) => [place, training.targets.labels[i]]));
  for (const [i, place] of mislabelled.inputs.entries()) {
    expect(right.get(place)).not.toBe(mislabelled.targets.labels[i]);
  }
  expect(() => examplesOf(data, { heldOut: 12, subset: 49 })).toThrow("49 of 48 examples cannot be");
  const pairs: DataSet = { ...data, targets: { kind: "inputs" } };
  expect(() => examplesOf(pairs, { labelNoise: 0.5 })).toThrow("There are no classes that noise could replace.");
});

test.each([
  [0, 0, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]],
  [1, 0, [0, 0, 0, 1, 2, 3, 0, 0, 0, 7, 8, 9]],
  [0, -1, [2, 3, 0, 5, 6, 0, 8, 9, 0, 11, 12, 0]],
  [-1, 2, [0, 0, 4, 0, 0, 0, 0, 0, 10, 0, 0, 0]],
  [2, 3, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
])("two channels of 2×3 moved by %i down and %i right", (down, right, expected) => {
  const to = new Float32Array(12).fill(-1);
  copyShifted(
    Float32Array.from({ length: 12 }, (_, i) => i + 1),
    to,
    [2, 2, 3],
    down,
    right,
  );
  expect(Array.from(to)).toEqual(expected);
});
