import { expect, test } from "vitest";
import * as training from "../../src/training/index.ts";

test("the room's public names", () => {
  expect(Object.keys(training).sort()).toEqual([
    "accuracy",
    "adam",
    "classify",
    "compileGradient",
    "cosineRate",
    "inferenceModel",
    "initialWeights",
    "losses",
    "splitStratified",
    "subset",
    "train",
    "trainingGraph",
    "wilsonInterval",
  ]);
});
