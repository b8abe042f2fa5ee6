import { describe, expect, test } from "vitest";
import { statusWords } from "../../src/results/columns.ts";
import {
  createRun,
  MemoryStore,
  measureSpectrum,
  numericalRankOf,
  openRun,
  resolvedSigma,
} from "../../src/results/index.ts";
import { exampleManifest, exampleUnit } from "./example-run.ts";

/** σ_i = 1/i down to i = 23, then what rounding left of zeros, some of it exactly nothing. */
const rounding = Array.from({ length: 41 }, (_, i) => (i < 30 ? 10 ** (-8 - i / 2) : 0));
const spectrum = {
  sigma: Float64Array.of(...Array.from({ length: 23 }, (_, i) => 1 / (i + 1)), ...rounding),
  floor: 6.7e-7,
};

describe("what a σ below the floor counts for", () => {
  test("rank, slope and isometry are those of the σ above it", () => {
    const measured = measureSpectrum({ ...spectrum, m: 64, n: 784 });
    expect(numericalRankOf(spectrum)).toBe(23);
    expect(resolvedSigma(spectrum)).toHaveLength(23);
    expect(measured).toMatchObject({ numericalRank: 23, whole: true });
    expect(measured.logSlope).toBeCloseTo(-1, 12); // fitted on all 64 it would be far below −10
    const squares = Array.from({ length: 23 }, (_, i) => (i + 1) ** -2);
    expect(measured.isometryMean).toBeCloseTo(squares.reduce((sum, square) => sum + square) / 23, 12);
    expect(measured).toEqual({
      ...measureSpectrum({ sigma: spectrum.sigma.slice(0, 23), floor: 0, m: 23, n: 23 }),
      aboveOne: 0,
    });
  });

  test("a share of σ above 1 is not told where the floor is above 1 and hides some", () => {
    const unit = { sigma: Float64Array.of(1e8, 20), floor: 67, m: 2, n: 2 };
    expect(measureSpectrum(unit).aboveOne).toBeNaN();
    expect(measureSpectrum({ ...unit, floor: 0.5 }).aboveOne).toBe(1);
  });

  test("the zeros of J = 0 are exact, and nothing is below a floor of 0", () => {
    const nothing = { sigma: new Float64Array(4), floor: 0, m: 4, n: 4 };
    expect(resolvedSigma(nothing)).toHaveLength(4);
    expect(measureSpectrum(nothing)).toMatchObject({ numericalRank: 0, effectiveRank: 0, isometryMean: 0 });
  });
});

test("the status of a stored triplet below its floor is told, also where an earlier version did not tell it", async () => {
  const store = new MemoryStore();
  const run = await createRun(store, exampleManifest);
  const unit = {
    ...exampleUnit(exampleManifest, 0, 0),
    sigma: Float64Array.of(3, 2, 1e-7, 1e-8, 1e-9, 0),
    floor: 2e-7,
    status: ["converged", "at-floor", "converged", "at-floor", "unconverged", "converged"],
  } as const;
  await run.writeUnit(0, 0, unit);
  const told = ["converged", "at-floor", "below-floor", "below-floor", "unconverged", "below-floor"];
  const reopened = await openRun(store);
  expect((await reopened.readUnit(0, 0))!.status).toEqual(told);
  const codes = (await reopened.table("status")).data.subarray(0, 6);
  expect(Array.from(codes, (code) => statusWords[code])).toEqual(told);
  expect((await reopened.table("status")).data.subarray(6).every(Number.isNaN)).toBe(true);
});
