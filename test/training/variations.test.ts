import { describe, expect, test } from "vitest";
import { type DataSet, examplesOf, subset } from "../../src/training/index.ts";

const [WIDTH, COUNT] = [15, 400];
const middle = (WIDTH - 1) / 2;

/** Pictures with a smooth spot to the right of the centre. */
const spot = (x: number, y: number) => Math.exp(-((x - 4) ** 2 + y ** 2) / 4);
const picture = (angle: number) =>
  Float32Array.from({ length: WIDTH ** 2 }, (_, i) => {
    const [x, y] = [(i % WIDTH) - middle, middle - Math.floor(i / WIDTH)];
    return spot(x * Math.cos(angle) + y * Math.sin(angle), y * Math.cos(angle) - x * Math.sin(angle));
  });
const plain: DataSet = {
  shape: [1, WIDTH, WIDTH],
  inputs: Float32Array.from({ length: COUNT * WIDTH ** 2 }, (_, i) => picture(0)[i % WIDTH ** 2]!),
  targets: { kind: "labels", labels: Int32Array.from({ length: COUNT }, (_, i) => i % 2) },
};
const one = (data: DataSet, i: number) => data.inputs.subarray(i * WIDTH ** 2, (i + 1) * WIDTH ** 2);
const of = (variation: "rotated" | "noise", seed = 1, data = plain) => examplesOf(data, { variation, seed }).training;
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe("rotated", () => {
  const rotated = of("rotated");
  /** The angle at which the spot is, counter-clockwise as it is seen. */
  const angleOf = (levels: Float32Array) => {
    const [x, y] = [0, 1].map((axis) =>
      levels.reduce(
        (sum, level, i) => sum + level * (axis === 0 ? (i % WIDTH) - middle : middle - Math.floor(i / WIDTH)),
        0,
      ),
    );
    return Math.atan2(y!, x!);
  };

  test("each picture is the function turned by its angle", () => {
    for (let i = 0; i < 30; i++) {
      const expected = picture(angleOf(one(rotated, i)));
      // Bilinear interpolation is off by an eighth of the second derivatives, which are at most ½ each; here about half of that.
      expect(Math.max(...one(rotated, i).map((level, at) => Math.abs(level - expected[at]!)))).toBeLessThan(0.13);
    }
  });

  test("the angles are uniform on the circle", () => {
    const angles = Array.from({ length: COUNT }, (_, i) => angleOf(one(rotated, i)));
    // The mean of cos kθ of uniform angles has the standard error 1/√(2n).
    for (const k of [1, 2, 3]) {
      for (const f of [Math.cos, Math.sin]) {
        expect(Math.abs(mean(angles.map((angle) => f(k * angle))))).toBeLessThan(5 / Math.sqrt(2 * COUNT));
      }
    }
  });
});

describe("noise", () => {
  test("a pixel is the larger of its level and one that is uniform from 0 to 1", () => {
    const noisy = of("noise");
    expect(
      noisy.inputs.every((level, i) => level >= plain.inputs[i]! && level < 1 + Number(plain.inputs[i] === 1)),
    ).toBe(true);
    // Of max(c, u) the mean is (1 + c²)/2, and the standard deviation at most that of u.
    for (const at of [0, Math.floor(WIDTH ** 2 / 2) + 3]) {
      const level = plain.inputs[at]!;
      const levels = Array.from({ length: COUNT }, (_, i) => one(noisy, i)[at]!);
      expect(Math.abs(mean(levels) - (1 + level ** 2) / 2)).toBeLessThan(5 / Math.sqrt(12 * COUNT));
    }
  });
});

test.each(["rotated", "noise"] as const)(
  "%s: by the seed of the data, each picture by itself, with its class",
  (variation) => {
    const few = subset(
      plain,
      Array.from({ length: 50 }, (_, i) => i),
    );
    const first = of(variation, 1, few);
    expect(of(variation, 1, few)).toEqual(first);
    expect(of(variation, 2, few).inputs).not.toEqual(first.inputs);
    expect(of(variation, 1, subset(few, [0, 1, 2])).inputs).toEqual(first.inputs.slice(0, 3 * WIDTH ** 2));
    expect(first.targets).toEqual(few.targets);
    const { training, heldOut, heldOutIndices } = examplesOf(few, { variation, seed: 1, heldOut: 10 });
    expect(heldOutIndices).toEqual(examplesOf(few, { seed: 1, heldOut: 10 }).heldOutIndices);
    expect(heldOut).toEqual(subset(first, heldOutIndices));
    expect(training.inputs).toHaveLength(40 * WIDTH ** 2);
  },
);

test("vectors, and levels of another scale, are refused", () => {
  const vectors = { ...plain, shape: [WIDTH ** 2] };
  expect(() => of("rotated", 1, vectors)).toThrow("Only pictures [C, H, W] can be varied, and the examples are 225.");
  const levels = { ...plain, inputs: plain.inputs.map((level) => 255 * level) };
  expect(() => of("noise", 1, levels)).toThrow("Pictures are varied where their levels are from 0 to 1, and one is");
});

test("the classes of inputs that are their own targets decide which are held out", () => {
  const { labels } = plain.targets as { readonly labels: Int32Array };
  const own: DataSet = { ...plain, targets: { kind: "inputs", labels } };
  const split = examplesOf(own, { heldOut: 40, subset: 100, seed: 3 });
  expect(split.heldOutIndices).toEqual(examplesOf(plain, { heldOut: 40, seed: 3 }).heldOutIndices);
  expect(split.heldOut.targets).toEqual({
    kind: "inputs",
    labels: labels.filter((_, i) => split.heldOutIndices.includes(i)),
  });
});
