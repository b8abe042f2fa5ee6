import { describe, expect, test } from "vitest";
import { PushforwardError } from "../../src/base/index.ts";
import { cutPatches, type DataSet, examplesOf, ungrouped } from "../../src/training/index.ts";

/** A picture of two channels whose entries say where they are: 1000·channel + 10·row + column, plus 10⁴ times its number. */
const picture = (number: number) => ({
  shape: [2, 5, 7],
  data: Float32Array.from({ length: 70 }, (_, i) => {
    const [channel, row, column] = [Math.floor(i / 35), Math.floor(i / 7) % 5, i % 7];
    return 1e4 * number + 1000 * channel + 10 * row + column;
  }),
});
const SHAPE = [2, 3, 4];
const cut = (number: number, seed = 1, count = 200) =>
  cutPatches(picture(number), SHAPE, { count, seed, number, file: "a.png" });

describe("patches of a picture", () => {
  test("are windows of it, from all places", () => {
    const patches = cut(0);
    const corners = new Set<number>();
    for (let i = 0; i < 200; i++) {
      const patch = patches.subarray(24 * i, 24 * (i + 1));
      const corner = patch[0]!;
      corners.add(corner);
      for (let at = 0; at < 24; at++) {
        const [channel, row, column] = [Math.floor(at / 12), Math.floor(at / 4) % 3, at % 4];
        expect(patch[at]).toBe(corner + 1000 * channel + 10 * row + column);
      }
    }
    expect([...corners].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23]);
  });

  test("lie where the seed and the number of the picture say", () => {
    const corners = (patches: Float32Array) => Array.from({ length: 200 }, (_, i) => patches[24 * i]! % 1e4);
    expect(cut(3)).toEqual(cut(3));
    expect(corners(cut(3))).not.toEqual(corners(cut(4)));
    expect(corners(cut(3))).not.toEqual(corners(cut(3, 2)));
    expect(cut(3, 1, 5)).toEqual(cut(3).subarray(0, 120));
  });

  test.each([
    [[2, 6, 4], "No patch of 2×6×4 can be cut out of a picture of 2×5×7."],
    [[1, 3, 4], "No patch of 1×3×4 can be cut out of a picture of 2×5×7."],
    [[12], "No patch of 12 can be cut out of a picture of 2×5×7."],
  ])("%j cannot be cut", (shape, what) => {
    const cutting = () => cutPatches(picture(0), shape, { count: 1, seed: 0, number: 0, file: "a.png" });
    expect(cutting).toThrow(PushforwardError);
    expect(cutting).toThrow(what);
  });
});

test("the patches of a picture are all held out or none, each with the class of the picture", () => {
  const count = 3;
  const inputs = Float32Array.from(Array.from({ length: 10 }, (_, i) => [...cut(i, 1, count)]).flat());
  const data: DataSet = {
    shape: [count, ...SHAPE],
    inputs,
    targets: { kind: "inputs", labels: Int32Array.from({ length: 10 }, (_, i) => i % 2) },
  };
  const { training, heldOut, heldOutIndices } = ungrouped(examplesOf(data, { heldOut: 4, seed: 1 }));
  const numbersOf = (of: DataSet) =>
    Array.from({ length: of.inputs.length / 24 }, (_, i) => Math.floor(of.inputs[24 * i]! / 1e4));
  const [mine, theirs] = [numbersOf(training), numbersOf(heldOut)];
  expect([training.shape, heldOut.shape, mine.length, theirs.length]).toEqual([SHAPE, SHAPE, 18, 12]);
  expect(mine.filter((number) => theirs.includes(number))).toEqual([]);
  expect([training, heldOut].map(({ targets }) => "labels" in targets && [...targets.labels!])).toEqual([
    mine.map((number) => number % 2),
    theirs.map((number) => number % 2),
  ]);
  expect(heldOutIndices).toEqual(theirs.map((number, i) => count * number + (i % count)));
  for (const [i, index] of heldOutIndices.entries()) {
    expect(heldOut.inputs.subarray(24 * i, 24 * i + 24)).toEqual(inputs.subarray(24 * index, 24 * index + 24));
  }
});
