import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadInputs } from "../../src/apps/cli/inputs.ts";
import { choosePreset } from "../../src/apps/node/choose-preset.ts";
import type { Shape } from "../../src/base/index.ts";
import { presets } from "../../src/images/index.ts";
import { createWorkplace, randomNpy, type Workplace } from "./workplace.ts";

const preset = JSON.stringify({ base: "none", name: "mine" }, undefined, 1);

let place: Workplace;
beforeAll(async () => {
  place = await createWorkplace({
    "bom.json": `\uFEFF${preset}`,
    "crlf.json": preset.replaceAll("\n", "\r\n"),
    "PRESET.JSON": preset,
    "utf16.json": new Uint8Array(Uint16Array.from(`\uFEFF${preset}`, (letter) => letter.charCodeAt(0)).buffer),
    "first.npy": randomNpy([1, 3, 8, 6]),
    "last.npy": randomNpy([8, 6, 3]),
    "other.npy": randomNpy([4, 8, 6]),
  });
});
afterAll(() => place.remove());

test.each(["bom.json", "crlf.json", "PRESET.JSON", "utf16.json"])("the preset file %s is read", async (file) => {
  expect(await choosePreset(place.path(file), [3, 8, 6], false)).toMatchObject({
    name: "mine",
    resize: { required: [8, 6] },
  });
});

/** A network whose only input has this shape. */
const networkOf = (shape: Shape) => ({
  input: { name: "x", tensor: "x", op: "Input", node: "", shape, cut: true },
  inputs: [{ name: "x", type: "float32", shape, state: "pictures" }] as const,
});

describe("channels last", () => {
  test.each([undefined, "none", "imagenet"])("is said where pictures come with the preprocessing %s", async (asked) => {
    await expect(choosePreset(asked, [224, 224, 3], false)).rejects.toMatchObject({
      code: "shape-mismatch",
      what: expect.stringContaining("it has its channels last (height × width × channels)"),
      fix: expect.stringContaining("export the network with its channels first, 3×224×224"),
    });
  });

  test.each([
    { given: "first.npy", wanted: [8, 6, 3], layout: ", with its channels last", axes: "(1, 2, 0)" },
    { given: "last.npy", wanted: [3, 8, 6], layout: ", with its channels first", axes: "(2, 0, 1)" },
    { given: "other.npy", wanted: [3, 8, 6], layout: "", axes: undefined },
    { given: "last.npy", wanted: [3, 6, 8], layout: "", axes: undefined },
  ])("is said of $given where the network takes $wanted", async ({ given, wanted, layout, axes }) => {
    await expect(loadInputs([place.path(given)], networkOf(wanted), presets.none)).rejects.toMatchObject({
      code: "shape-mismatch",
      what: expect.stringContaining(`, but the network takes ${wanted.join("×")}${layout}.`),
      fix: expect.stringContaining(
        axes === undefined ? "Give an array of" : `numpy.transpose(array, ${axes}), and give the result.`,
      ),
    });
  });

  test("is not said of what fits both layouts", async () => {
    expect(await choosePreset("none", [3, 3, 3], false)).toMatchObject({ resize: { required: [3, 3] } });
  });
});

test("a network of five channels takes no pictures", async () => {
  await expect(choosePreset("none", [5, 8, 8], false)).rejects.toMatchObject({
    what: "Pictures cannot become the network's input of 5×8×8: it has 5 channels, and pictures have 1 or 3.",
  });
});
