import { expect, test } from "vitest";
import * as training from "../../src/training/index.ts";

test("the room's public names", () => {
  expect(Object.keys(training).sort()).toEqual([
    "Batches",
    "Evaluation",
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
    "shuffled",
    "splitStratified",
    "subset",
    "tensorsOf",
    "train",
    "trainingGraph",
    "trainingManifest",
    "valuesOf",
    "weightsAt",
    "wilsonInterval",
  ]);
});
