import { decode } from "fast-png";
import { describe, expect, test } from "vitest";
import { inputPicture, localRegion, type Picture, vectorPicture } from "../../src/figures/index.ts";

/** RGB or grey samples; a palette looked up, with its opacity. */
function pixels({ href }: Picture): number[][] {
  const { data, channels, palette } = decode(Buffer.from(href.replace("data:image/png;base64,", ""), "base64"));
  const samples = Array.from({ length: data.length / channels }, (_, i) =>
    Array.from(data.subarray(i * channels, (i + 1) * channels)),
  );
  return palette === undefined ? samples : samples.map(([index]) => palette[index as number] as number[]);
}

const isRed = ([r = 0, , b = 0, opacity = 0]: number[] = []) => r > b + 40 && opacity > 0;
const isBlue = ([r = 0, , b = 0, opacity = 0]: number[] = []) => b > r + 40 && opacity > 0;

describe("a vector", () => {
  test("zero lets all through, signs are red and blue, opacity is the root of the share of the largest magnitude", () => {
    const picture = vectorPicture([0, 0.5, -0.25, 0], [2, 2], 10);
    const [zero, plus, minus] = pixels(picture);
    expect(picture).toMatchObject({ width: 2, height: 2, limit: 0.5 });
    expect(zero![3]).toBe(0);
    expect(minus![3]! / plus![3]!).toBeCloseTo(Math.sqrt(0.5), 1);
    expect(isRed(plus)).toBe(true);
    expect(isBlue(minus)).toBe(true);
  });

  test("all zero", () => {
    const picture = vectorPicture(new Float32Array(4), [1, 2, 2], 10);
    expect(picture.limit).toBe(0);
    expect(pixels(picture).map(([, , , opacity]) => opacity)).toEqual([0, 0, 0, 0]);
  });

  test("channels and shrunk pixels do not cancel: the strongest entry is shown", () => {
    const v = new Float32Array(3 * 4 * 4);
    v.set([0.1, -0.9], 16); // second channel, first row
    v.set([0.3], 0);
    const picture = vectorPicture(v, [3, 4, 4], 2);
    expect(picture).toMatchObject({ width: 2, height: 2, limit: expect.closeTo(0.9, 6) });
    expect(pixels(picture).map((pixel) => isBlue(pixel))).toEqual([true, false, false, false]);
  });

  test("channels last, and a plain vector as one row", () => {
    const v = new Float32Array(4 * 5 * 3);
    v[(1 * 5 + 2) * 3 + 1] = 1;
    const picture = vectorPicture(v, [4, 5, 3], 10);
    expect(picture).toMatchObject({ width: 5, height: 4 });
    expect(pixels(picture).findIndex(isRed)).toBe(1 * 5 + 2);
    expect(vectorPicture([1, 2, 3], [3], 10)).toMatchObject({ width: 3, height: 1 });
  });

  test("a local vector has a box with at most 5 % of its energy beyond each side; one that spreads has none", () => {
    const v = new Float64Array(2 * 40 * 40);
    for (let i = 0; i < 100; i++) v[1600 + (20 + Math.floor(i / 10)) * 40 + 5 + (i % 10)] = i % 2 === 0 ? 1 : -1;
    const region = localRegion(v, [2, 40, 40])!;
    expect(region).toEqual({ x: 5, y: 20, width: 10, height: 10 });
    expect(localRegion(new Float64Array(1600).fill(1), [40, 40])).toBeUndefined();
    expect(localRegion(new Float64Array(1600), [40, 40])).toBeUndefined();
    const detail = vectorPicture(v, [2, 40, 40], 20, { region, limit: 4 });
    expect(detail).toMatchObject({ width: 10, height: 10, limit: 4 });
    expect(pixels(detail).map(isRed)).toEqual(Array.from({ length: 100 }, (_, i) => i % 2 === 0));
  });

  test("a vector that does not fill the shape is refused", () => {
    expect(() => vectorPicture([1, 2, 3], [2, 2], 10)).toThrow("A picture of 2×2 needs 4 entries, not 3.");
  });
});

describe("an input", () => {
  const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], scale: 1 / 255 };

  test("mean and std are undone, channel by channel", () => {
    const level = [51, 102, 204];
    const x = level.map((value, c) => (value / 255 - (imagenet.mean[c] as number)) / (imagenet.std[c] as number));
    const picture = inputPicture(x, [3, 1, 1], imagenet, 10);
    expect(picture.undone).toBe(true);
    expect(pixels(picture)).toEqual([level]);
  });

  test("blue, green, red in levels minus a mean pixel", () => {
    const mean = [104, 117, 123];
    const picture = inputPicture([10 - 104, 20 - 117, 30 - 123], [3, 1, 1], { mean, scale: 1, bgr: true }, 10);
    expect(pixels(picture)).toEqual([[30, 20, 10]]);
  });

  test("inverted levels are turned back", () => {
    expect(pixels(inputPicture([0, 1], [1, 1, 2], { scale: 1 / 255, invert: true }, 10))).toEqual([[255], [0]]);
  });

  test("settings that cannot be right: from the smallest entry to the largest", () => {
    const picture = inputPicture([-2, 0, 2], [1, 1, 3], {}, 10);
    expect(picture.undone).toBe(false);
    expect(pixels(picture)).toEqual([[0], [128], [255]]);
  });

  test("shrinking takes the mean", () => {
    expect(pixels(inputPicture([0, 1, 1, 0], [1, 2, 2], { scale: 1 / 255 }, 1))).toEqual([[128]]);
  });
});
