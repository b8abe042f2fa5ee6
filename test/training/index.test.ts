import { expect, test } from "vitest";
import * as training from "../../src/training/index.ts";

test("the room's public names", () => {
  expect(Object.keys(training).sort()).toEqual([
    "Trainer",
    "accuracy",
    "classify",
    "compileGradient",
    "countOf",
    "courseOf",
    "createOptimizer",
    "examplesOf",
    "inferenceModel",
    "initialWeights",
    "initializers",
    "isHomogeneous",
    "layerStep",
    "lossName",
    "losses",
    "parseDrawnNetwork",
    "parseRecipe",
    "rateOf",
    "splitStratified",
    "subset",
    "train",
    "trainingGraph",
    "trainingManifest",
    "valuesOf",
    "weightsAt",
    "wilsonInterval",
  ]);
});
