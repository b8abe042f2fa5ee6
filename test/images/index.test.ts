import { expect, test } from "vitest";
import * as images from "../../src/images/index.ts";

test("the room's public names", () => {
  expect(Object.keys(images).sort()).toEqual([
    "classOf",
    "decodeText",
    "fitTo",
    "folderClasses",
    "guessPreset",
    "isChannelsLast",
    "levelScaleOf",
    "levelScaleOfArrays",
    "noises",
    "noisyInput",
    "parseLabels",
    "parsePreset",
    "pictureFormat",
    "pictureShape",
    "preprocess",
    "presetNamed",
    "presets",
    "readExactNpy",
    "readNpy",
    "rowOf",
    "settingsOf",
    "tiffObstacle",
    "toLevels",
    "withLevelShift",
    "writeNpy",
  ]);
});
