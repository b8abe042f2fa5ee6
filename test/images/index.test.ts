import { expect, test } from "vitest";
import * as images from "../../src/images/index.ts";

test("the room's public names", () => {
  expect(Object.keys(images).sort()).toEqual([
    "MOST_PIXELS",
    "classOf",
    "classesByName",
    "damagedPicture",
    "decodeText",
    "fitChannelsTo",
    "fitTo",
    "folderClasses",
    "formatOf",
    "guessPreset",
    "isChannelsLast",
    "levelScaleOf",
    "levelScaleOfArrays",
    "noises",
    "noisyInput",
    "parseLabels",
    "parsePreset",
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
    "tooManyPixels",
    "withLevelShift",
    "withoutLevels",
    "writeNpy",
  ]);
});
