import { describe, expect, test } from "vitest";
import { meanOf, single, varianceOf } from "../../src/experiments/estimates.ts";
import { describePrecision, type Measurement, type Precision, rowOf } from "../../src/experiments/row.ts";

const measurement = (measured: number, half: number): Measurement => ({
  measured,
  low: measured - half,
  high: measured + half,
  n: 10,
  error: half / 2,
});

describe("the verdict on a prediction of 2", () => {
  test.each<[string, Precision | undefined, Measurement, string]>([
    ["near enough, and known well", { relative: 0.1 }, measurement(2.1, 0.15), "holds"],
    ["too far", { relative: 0.1 }, measurement(2.3, 0.15), "misses"],
    ["near enough by chance", { relative: 0.1 }, measurement(2.1, 0.5), "undecided"],
    ["an error without an interval", { absolute: 0.2 }, single(2.1), "holds"],
    ["an error that is too large", { absolute: 0.05 }, single(2.1), "misses"],
    ["no number", { absolute: 0.05 }, single(Number.NaN), "misses"],
    ["within its standard errors", { standardErrors: 3, within: 0.1 }, measurement(2.2, 0.2), "holds"],
    ["beyond its standard errors", { standardErrors: 3, within: 0.1 }, measurement(2.4, 0.2), "misses"],
    ["standard errors that are too large", { standardErrors: 3, within: 0.1 }, measurement(2.1, 0.6), "undecided"],
    ["standard errors that are not known", { standardErrors: 3, within: 0.1 }, single(2), "undecided"],
    ["below its bound, with its interval", { atMost: 2.5 }, measurement(2, 0.3), "holds"],
    ["below its bound, without its interval", { atMost: 2.1 }, measurement(2, 0.3), "undecided"],
    ["above its bound", { atMost: 1.9 }, measurement(2, 0.3), "misses"],
    ["above a lower bound", { atLeast: 1.5 }, measurement(2, 0.3), "holds"],
    ["above a lower bound, without its interval", { atLeast: 1.9 }, measurement(2, 0.3), "undecided"],
    ["below a lower bound", { atLeast: 2.1 }, measurement(2, 0.3), "misses"],
    ["only reported", undefined, measurement(7, 1), "reported"],
  ])("%s", (_, precision, found, verdict) => {
    const prediction = { predicted: 2, source: "a test", ...(precision && { precision }) };
    expect(rowOf("x", prediction, found).verdict).toBe(verdict);
  });
});

test("a precision in words", () => {
  const all: (Precision | undefined)[] = [
    { absolute: 0.01 },
    { relative: 0.02 },
    { standardErrors: 3, within: 0.1 },
    { atMost: 0.1 },
    { atLeast: 0.3 },
    undefined,
  ];
  expect(all.map(describePrecision)).toEqual(["± 0.01", "± 2 %", "± 3 s.e.", "≤ 0.1", "≥ 0.3", ""]);
});

test("a mean has Student's interval from 4 draws on, and a variance has its own", () => {
  expect(meanOf([1, 2, 3])).toEqual(single(2, 3));
  const { measured, low, high, n, error } = meanOf([1, 2, 3, 4]);
  expect([measured, n]).toEqual([2.5, 4]);
  expect(error).toBeCloseTo(Math.sqrt(5 / 3 / 4), 12);
  expect((high - low) / 2 / error).toBeCloseTo(3.182, 1);
  expect(varianceOf([1, 2, 3, 4]).measured).toBeCloseTo(5 / 3, 12);
});
