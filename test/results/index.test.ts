import { expect, test } from "vitest";
import * as results from "../../src/results/index.ts";

test("the room's public names", () => {
  expect(Object.keys(results).sort()).toEqual([
    "MemoryStore",
    "bandOf",
    "controlName",
    "createRun",
    "createStudyRun",
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
    "openStudyRun",
    "resolvedSigma",
    "sameRun",
    "spectrumBands",
    "storedVectors",
  ]);
});
