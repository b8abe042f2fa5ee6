import { expect, test } from "vitest";
import * as results from "../../src/results/index.ts";

test("the room's public names", () => {
  expect(Object.keys(results).sort()).toEqual([
    "MemoryStore",
    "SearchRun",
    "TrainingRun",
    "bandOf",
    "controlName",
    "createRun",
    "createSearchRun",
    "createStudyRun",
    "createTrainingRun",
    "describeGiven",
    "describeMismatch",
    "earlierRun",
    "earlierStudyRun",
    "kinksOf",
    "knownBands",
    "matchInputs",
    "measureSpectrum",
    "missesTolerance",
    "numericalRankOf",
    "openRun",
    "openSearchRun",
    "openStudyRun",
    "openTrainingRun",
    "partOf",
    "progressOf",
    "resolvedSigma",
    "sameRun",
    "spectrumBands",
    "storedVectors",
    "tapNamed",
  ]);
});
