import { describe, expect, test } from "vitest";
import { createRng } from "../../src/base/index.ts";
import {
  fitTo,
  levelScaleOf,
  levelScaleOfArrays,
  type NoiseKind,
  noises,
  preprocess,
  presets,
  toLevels,
  withLevelShift,
} from "../../src/images/index.ts";
import { throughJpeg } from "../../src/platform/node/image-decoder.ts";

/** The largest difference of two arrays. */
const furthest = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, value, at) => Math.max(most, Math.abs(value - b[at]!)), 0);

describe("levels", () => {
  test.each([
    ["imagenet", [3, 32, 32]],
    ["caffe-alexnet", [3, 227, 227]],
    ["cifar10", [3, 32, 32]],
    ["mnist", [1, 28, 28]],
    ["none", [3, 5, 4]],
  ] as const)("of %s are those of the picture", (name, shape) => {
    const preset = fitTo(presets[name], shape);
    const scale = levelScaleOf(preset);
    const even = (level: number) => {
      const [channels, height, width] = shape;
      const size = Math.max(height, width, 64);
      const [h, w] = name === "none" ? [height, width] : [size, size];
      return preprocess({ width: w, height: h, channels, data: new Uint8Array(h * w * channels).fill(level) }, preset)
        .data;
    };
    for (const level of [0, 51, 255]) {
      expect(furthest(toLevels(even(level), scale), even(level).fill(level / 255))).toBeLessThan(1e-6);
    }
    const shifted = withLevelShift(even(51), even(51).fill(0.2), scale);
    expect(furthest(shifted, even(102))).toBeLessThan(1e-4);
  });

  test("of inverted levels and of a mean image", () => {
    const mean = { file: "mean.npy", shape: [1, 2, 2], data: Float32Array.of(1, 2, 3, 4) };
    const preset = { ...presets.none, colour: "gray", invert: true, scale: 1, mean, std: [2] } as const;
    const scale = levelScaleOf(fitTo(preset, [1, 2, 2]));
    expect(Array.from(scale.black)).toEqual([127, 126.5, 126, 125.5]);
    expect(Array.from(scale.white)).toEqual([-0.5, -1, -1.5, -2]);
  });

  test("of arrays go from their smallest entry to their largest", () => {
    const scale = levelScaleOfArrays([Float32Array.of(-1, 0), Float32Array.of(3, 1)], [1, 1, 2]);
    expect(scale.colour).toBe("gray");
    expect(Array.from(toLevels(Float32Array.of(-1, 1), scale))).toEqual([0, 0.5]);
  });
});

describe("noise", () => {
  const shape = [3, 16, 24] as const;
  const levels = Float32Array.from({ length: 3 * 16 * 24 }, (_, at) => 0.5 + 0.4 * Math.sin(at / 40));
  const means = () => ({ rng: createRng(1), colour: "RGB", throughJpeg }) as const;
  const add = (kind: NoiseKind, strength: number, picture: Float32Array = levels) =>
    noises[kind].add({ shape, levels: picture }, strength, means());
  const rms = (a: Float32Array, b: Float32Array) =>
    Math.sqrt(a.reduce((sum, value, at) => sum + (value - b[at]!) ** 2, 0) / a.length);

  test.each(["gaussian", "uniform", "salt-and-pepper", "blur"] as const)(
    "%s of strength 0 changes nothing",
    async (kind) => {
      expect(await add(kind, 0)).toEqual(levels);
    },
  );

  test("has the strength asked for, and stays between black and white", async () => {
    const n = levels.length;
    // Standard errors of a standard deviation: σ/√(2n) for a normal, 0.447 σ/√n for a uniform distribution.
    expect(Math.abs(rms(await add("gaussian", 0.01), levels) - 0.01)).toBeLessThan((4 * 0.01) / Math.sqrt(2 * n));
    const width = 0.05 / Math.sqrt(3);
    expect(Math.abs(rms(await add("uniform", 0.05), levels) - width)).toBeLessThan((4 * 0.447 * width) / Math.sqrt(n));
    for (const kind of ["gaussian", "uniform"] as const) {
      const noisy = await add(kind, 1);
      expect([Math.min(...noisy), Math.max(...noisy)]).toEqual([0, 1]);
    }
  });

  test("salt and pepper fall on whole pixels, half and half", async () => {
    const noisy = await add("salt-and-pepper", 0.5);
    const area = 16 * 24;
    const hit = Array.from({ length: area }, (_, pixel) => [0, 1, 2].map((channel) => noisy[channel * area + pixel]!));
    const changed = hit.filter(([level]) => level === 0 || level === 1);
    expect(changed.every(([r, g, b]) => r === g && g === b)).toBe(true);
    expect(Math.abs(changed.length / area - 0.5)).toBeLessThan(4 * Math.sqrt(0.25 / area));
    const salt = changed.filter(([level]) => level === 1).length / changed.length;
    expect(Math.abs(salt - 0.5)).toBeLessThan(4 * Math.sqrt(0.25 / changed.length));
  });

  test("blur keeps an even picture, and spreads a point as a Gaussian does", async () => {
    const even = await add("blur", 3, levels.slice().fill(0.25));
    expect(Math.max(...even.map((level) => Math.abs(level - 0.25)))).toBeLessThan(1e-6);
    const point = new Float32Array(levels.length);
    point[8 * 24 + 12] = 1;
    const spread = (await add("blur", 1.5, point)).subarray(0, 16 * 24);
    const variance = spread.reduce((sum, level, at) => sum + level * ((at % 24) - 12) ** 2, 0);
    expect(spread.reduce((sum, level) => sum + level, 0)).toBeCloseTo(1, 5);
    // Weights end at 4.5 = 3 σ, rounded up to 5 pixels: a little less than σ².
    expect(Math.abs(variance - 2.25)).toBeLessThan(0.05);
  });

  test("JPEG of the best quality is near the picture, that of the worst far from it; blue stays blue in either order", async () => {
    const blue = Float32Array.from({ length: 3 * 16 * 24 }, (_, at) => (at < 2 * 16 * 24 ? 0.1 : 0.8));
    for (const colour of ["RGB", "BGR"] as const) {
      const noisy = await noises.jpeg.add({ shape, levels: blue }, 100, { ...means(), colour });
      expect(rms(noisy, blue)).toBeLessThan(0.02);
    }
    // Alike in all channels: JPEG keeps colours at half the resolution.
    const plain = levels.map((_, at) => levels[at % (16 * 24)]!);
    expect(rms(await add("jpeg", 1, plain), plain)).toBeGreaterThan(3 * rms(await add("jpeg", 100, plain), plain));
    const gray = await noises.jpeg.add({ shape: [1, 16, 24], levels: levels.subarray(0, 16 * 24) }, 95, {
      ...means(),
      colour: "gray",
    });
    expect(rms(gray, levels.subarray(0, 16 * 24))).toBeLessThan(0.02);
  });
});
