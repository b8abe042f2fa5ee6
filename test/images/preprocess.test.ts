import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import {
  type DecodedImage,
  fitTo,
  type Preprocess,
  preprocess,
  presetNamed,
  presets,
  readNpy,
  settingsOf,
} from "../../src/images/index.ts";
import { imageDecoder } from "../../src/platform/node/image-decoder.ts";
import { sharedDir, sharedPath, withoutShared } from "../support/shared.ts";

function picture(height: number, width: number, channels: DecodedImage["channels"], data: readonly number[]) {
  return { width, height, channels, data: Uint8Array.from(data) } satisfies DecodedImage;
}

/** Levels 0, 1, 2, ... modulo 256. */
function ramp(height: number, width: number, channels: DecodedImage["channels"]): DecodedImage {
  return picture(
    height,
    width,
    channels,
    Array.from({ length: height * width * channels }, (_, i) => i % 256),
  );
}

const levels: Preprocess = { ...presets.none, name: "levels", scale: 1 };

describe("preprocess", () => {
  test("gives [channels, height, width], channels in the order of the colour", () => {
    const two = picture(1, 2, 3, [10, 20, 30, 40, 50, 60]);
    expect(preprocess(two, levels).shape).toEqual([3, 1, 2]);
    expect(Array.from(preprocess(two, levels).data)).toEqual([10, 40, 20, 50, 30, 60]);
    expect(Array.from(preprocess(two, { ...levels, colour: "BGR" }).data)).toEqual([30, 60, 20, 50, 10, 40]);
  });

  test("scales, then subtracts the mean, then divides by std, channel by channel", () => {
    const preset = { ...levels, invert: true, scale: 2, mean: [1, 2, 3], std: [1, 2, 4] };
    const expected = [(245 * 2 - 1) / 1, (235 * 2 - 2) / 2, (225 * 2 - 3) / 4];
    expect(Array.from(preprocess(picture(1, 1, 3, [10, 20, 30]), preset).data)).toEqual(expected);
  });

  test("lays transparency over white, makes grey coloured and colours grey", () => {
    expect(Array.from(preprocess(picture(1, 1, 4, [0, 100, 200, 128]), levels).data)).toEqual([127, 177, 227]);
    expect(Array.from(preprocess(picture(1, 1, 2, [0, 0]), levels).data)).toEqual([255, 255, 255]);
    expect(Array.from(preprocess(picture(1, 1, 1, [7]), levels).data)).toEqual([7, 7, 7]);
    const gray = { ...levels, colour: "gray" } as const;
    expect(Array.from(preprocess(picture(1, 3, 3, [255, 0, 0, 0, 255, 0, 0, 0, 255]), gray).data)).toEqual([
      76, 150, 29,
    ]);
  });

  test.each([
    { size: 5, crop: 2, first: 2, why: "1.5 goes to the even 2" },
    { size: 7, crop: 2, first: 2, why: "2.5 goes to the even 2" },
    { size: 6, crop: 2, first: 2, why: "2 is whole" },
    { size: 256, crop: 227, first: 14, why: "AlexNet's 14..240" },
  ])("crops $crop of $size from $first: $why", ({ size, crop, first }) => {
    const cropped = preprocess(ramp(1, size, 1), { ...levels, colour: "gray", crop: [1, crop] });
    expect(Array.from(cropped.data)).toEqual(Array.from({ length: crop }, (_, i) => first + i));
  });

  test("resizes the shorter side, and the longer one in proportion, rounded", () => {
    const preset = { ...levels, resize: { shorterSide: 4 } } as const;
    expect(preprocess(ramp(7, 10, 3), preset).shape).toEqual([3, 4, 6]);
    expect(preprocess(ramp(10, 7, 3), preset).shape).toEqual([3, 6, 4]);
  });

  test("subtracts a mean image before the crop, or after it, by its size", () => {
    const whole = { file: "mean.npy", shape: [1, 1, 4], data: Float32Array.of(1, 2, 3, 4) };
    const part = { file: "mean.npy", shape: [1, 1, 2], data: Float32Array.of(5, 6) };
    const preset: Preprocess = { ...levels, colour: "gray", crop: [1, 2] };
    const four = picture(1, 4, 1, [10, 20, 30, 40]);
    expect(Array.from(preprocess(four, { ...preset, mean: whole }).data)).toEqual([18, 27]);
    expect(Array.from(preprocess(four, { ...preset, mean: part }).data)).toEqual([15, 24]);
    const wrong = { ...part, shape: [1, 2, 1] };
    expect(() => preprocess(four, { ...preset, mean: wrong })).toThrow(
      "The mean image mean.npy is 1×2×1; the pictures are 1×1×4 or 1×1×2.",
    );
  });

  test("refuses a picture smaller than the crop, and one of another size than required", () => {
    expect(() => preprocess(ramp(4, 9, 3), { ...levels, crop: [5, 5] })).toThrow("A picture of 4×9 is too small");
    expect(() => preprocess(ramp(4, 9, 3), fitTo(presets.none, [3, 5, 9]))).toThrow(
      "A picture is 4×9, but the network takes 5×9.",
    );
  });
});

describe("fitTo", () => {
  test.each([
    { name: "imagenet", shape: [3, 224, 224], resize: { shorterSide: 256 }, crop: [224, 224] },
    { name: "imagenet", shape: [3, 227, 227], resize: { shorterSide: 256 }, crop: [227, 227] },
    { name: "imagenet", shape: [3, 299, 299], resize: { shorterSide: 342 }, crop: [299, 299] },
    { name: "imagenet", shape: [3, 128, 160], resize: { shorterSide: 183 }, crop: [128, 160] },
    { name: "caffe-alexnet", shape: [3, 224, 224], resize: { exact: [256, 256] }, crop: [224, 224] },
    { name: "cifar10", shape: [3, 64, 64], resize: { exact: [64, 64] }, crop: "none" },
    { name: "mnist", shape: [1, 32, 32], resize: { exact: [32, 32] }, crop: "none" },
    { name: "none", shape: [3, 8, 9], resize: { required: [8, 9] }, crop: "none" },
  ] as const)("$name for $shape", ({ name, shape, resize, crop }) => {
    const fitted = fitTo(presets[name], shape);
    expect({ resize: fitted.resize, crop: fitted.crop }).toEqual({ resize, crop });
    expect(fitTo(fitted, shape)).toEqual(fitted);
    const image = name === "none" ? ramp(8, 9, 3) : ramp(70, 90, 3);
    expect(preprocess(image, fitted).shape).toEqual(shape);
  });

  test("makes a preset that treats channels alike grey", () => {
    expect(fitTo(presets.none, [1, 5, 5]).colour).toBe("gray");
  });

  test.each([
    { name: "imagenet", shape: [1, 28, 28], what: /"imagenet" cannot .* 1×28×28: it gives 3 channel\(s\), .* takes 1/ },
    { name: "mnist", shape: [3, 28, 28], what: /"mnist" .* it gives 1 channel\(s\), the network takes 3/ },
    { name: "caffe-alexnet", shape: [3, 299, 299], what: /its pictures are 256×256 before the crop/ },
    { name: "imagenet", shape: [768], what: /a picture has three axes/ },
  ] as const)("refuses $name for $shape", ({ name, shape, what }) => {
    expect(() => fitTo(presets[name], shape)).toThrow(what);
  });
});

describe("presets", () => {
  test("are found by name, and a near name is suggested", () => {
    expect(presetNamed("cifar10")).toBe(presets.cifar10);
    expect(() => presetNamed("imagnet")).toThrow(
      expect.objectContaining({ code: "usage", fix: expect.stringContaining('Did you mean "imagenet"?') }),
    );
  });

  test("say what 1 of the result means", () => {
    expect(presets.none.unit).toBe("full-scale pixel");
    expect(presets.imagenet.unit).toBe("full-scale pixel × 0.229, 0.224, 0.225 of R, G, B");
    expect(presets.mnist.unit).toBe("pixel level, 1/255 of full scale");
  });
});

describe("settingsOf", () => {
  test("is plain JSON, a mean image by its mean pixel", () => {
    const { name, unit, ...settings } = presets.imagenet;
    expect(settingsOf(presets.imagenet)).toEqual(settings);
    expect([name, unit]).not.toContain(undefined);
    const mean = { file: "m.npy", shape: [3, 1, 2], data: Float32Array.of(1, 3, 5, 7, 9, 11) };
    expect(settingsOf({ ...presets.imagenet, mean }).mean).toEqual({
      file: "m.npy",
      shape: [3, 1, 2],
      pixel: [2, 6, 10],
    });
  });
});

describe.skipIf(sharedDir === undefined)(`reference inputs (skipped: ${withoutShared})`, () => {
  test.each([
    { reference: "image0.npy", file: "n01798484_prairie_chicken.JPEG" },
    { reference: "image1.npy", file: "n03724870_mask.JPEG" },
  ])("imagenet makes $reference of $file", async ({ reference, file }) => {
    const expected = readNpy(await readFile(sharedPath("reference", reference)), reference);
    const image = await imageDecoder.decode(await readFile(sharedPath("data", "images", file)));
    const { shape, data } = preprocess(image, presets.imagenet);
    expect([1, ...shape]).toEqual(expected.shape);
    const gap = data.reduce((most, value, i) => Math.max(most, Math.abs(value - expected.data[i]!)), 0);
    expect(gap).toBeLessThan(1e-5); // 0 as measured; one level of one sample would be 0.017
  });
});
