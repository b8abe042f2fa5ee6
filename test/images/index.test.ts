import { expect, test } from "vitest";
import * as images from "../../src/images/index.ts";

test("the room's public names", () => {
  expect(Object.keys(images).sort()).toEqual([
    "classOf",
    "fitTo",
    "levelScaleOf",
    "levelScaleOfArrays",
    "noises",
    "parseLabels",
    "parsePreset",
    "preprocess",
    "presetNamed",
    "presets",
    "readNpy",
    "settingsOf",
    "tiffObstacle",
    "toLevels",
    "withLevelShift",
    "writeNpy",
  ]);
});
