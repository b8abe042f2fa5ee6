import { describe, expect, test } from "vitest";
import { parsePreset, presets, writeNpy } from "../../src/images/index.ts";

const noMean = () => Promise.reject(new Error("no mean image is named"));
const meanImage = async () => writeNpy({ shape: [1, 3, 2, 2], data: new Float32Array(12).fill(3) });

describe("parsePreset", () => {
  test("takes what is left out from the base", async () => {
    expect(await parsePreset({}, "dir/mine.json", noMean)).toEqual({ ...presets.none, name: "mine" });
    const preset = await parsePreset({ base: "imagenet", resize: { exact: [99, 98] }, crop: "none" }, "x.json", noMean);
    expect(preset).toEqual({ ...presets.imagenet, name: "x", resize: { exact: [99, 98] }, crop: "none" });
  });

  test("reads every setting and words the unit", async () => {
    const json = { name: "n", colour: "BGR", crop: [5, 6], invert: true, scale: 2, mean: [1, 2, 3], std: [4] };
    expect(await parsePreset({ ...json, resize: { shorterSide: 7 } }, "x.json", noMean)).toEqual({
      ...json,
      resize: { shorterSide: 7 },
      unit: "full-scale pixel × 0.00784314",
    });
  });

  test("reads a mean image, by a reader that is handed in", async () => {
    const { mean } = await parsePreset({ base: "caffe-alexnet", mean: "m.npy" }, "x.json", meanImage);
    expect(mean).toEqual({ file: "m.npy", shape: [3, 2, 2], data: new Float32Array(12).fill(3) });
  });

  test.each([
    { json: [], what: '"preset" must be one JSON object.' },
    { json: { color: "RGB" }, what: '"color" is no setting of a preset.', fix: 'Did you mean "colour"?' },
    { json: { zzzzz: 1 }, what: '"zzzzz" is no setting of a preset.', fix: /^Choose one of base, name, colour/ },
    { json: { base: "imagenette" }, what: '"base" cannot be "imagenette".', fix: 'Did you mean "imagenet"?' },
    { json: { colour: "grey" }, what: '"colour" cannot be "grey".', fix: 'Did you mean "gray"?' },
    { json: { base: "imagenet", colour: "BGR" }, what: '"colour" differs from that of "imagenet".' },
    { json: { resize: 256 }, what: '"resize" is not understood.' },
    { json: { resize: { exact: [256] } }, what: '"resize" is not understood.' },
    { json: { crop: [0, 5] }, what: '"crop" is not understood.' },
    { json: { scale: "1/255" }, what: '"scale" must be a finite number.' },
    { json: { scale: 0 }, what: '"scale" must be positive.' },
    { json: { invert: "yes" }, what: '"invert" must be true or false.' },
    { json: { std: [1, 0, 1] }, what: '"std" must be positive.' },
    { json: { mean: [1, "2", 3] }, what: '"mean" must be a list of finite numbers.', fix: /path of an \.npy/ },
    { json: { mean: [1, 2] }, what: '"mean" has 2 channels, RGB has 3.' },
    { json: { unit: 5 }, what: '"unit" must be a text.' },
  ])("refuses $json", async ({ json, what, fix = /./ }) => {
    await expect(parsePreset(json, "p.json", noMean)).rejects.toMatchObject({
      code: "usage",
      what,
      where: { file: "p.json" },
      fix: expect.stringMatching(fix),
    });
  });

  test("refuses an array that is no picture as the mean", async () => {
    const flat = async () => writeNpy({ shape: [4], data: new Float32Array(4) });
    const refused = parsePreset({ mean: "m.npy" }, "p.json", flat);
    await expect(refused).rejects.toMatchObject({ code: "shape-mismatch", where: { file: "m.npy" } });
  });
});
