import { expect, test } from "vitest";
import { copyShifted } from "../../src/training/data-set.ts";
import { type DataSet, splitStratified, subset } from "../../src/training/index.ts";

/** 60 images of one pixel, which is their place; class 0 twice as often as 1 and 2. */
const data: DataSet = {
  shape: [1, 1, 1],
  images: Float32Array.from({ length: 60 }, (_, i) => i),
  labels: Uint8Array.from({ length: 60 }, (_, i) => [0, 1, 0, 2][i % 4]!),
};

test("a split holds out its share of each class and loses nothing", () => {
  const { training, heldOut, heldOutIndices } = splitStratified(data, 12, 7);
  const count = (of: DataSet, label: number) => of.labels.filter((other) => other === label).length;
  expect([0, 1, 2].map((label) => count(heldOut, label))).toEqual([6, 3, 3]);
  expect(Array.from(heldOut.images)).toEqual(heldOutIndices);
  const all = [...training.images, ...heldOut.images].sort((a, b) => a - b);
  expect(all).toEqual(Array.from(data.images));
  expect(splitStratified(data, 12, 7).heldOutIndices).toEqual(heldOutIndices);
  expect(splitStratified(data, 12, 8).heldOutIndices).not.toEqual(heldOutIndices);
});

test.each([-1, 61, 1.5])("%f images cannot be held out", (count) => {
  expect(() => splitStratified(data, count, 0)).toThrow(`${count} of 60 images cannot be held out.`);
});

test("a subset has its images in the order asked for", () => {
  const { images, labels } = subset(data, [3, 0, 2]);
  expect(Array.from(images)).toEqual([3, 0, 2]);
  expect(Array.from(labels)).toEqual([2, 0, 0]);
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
