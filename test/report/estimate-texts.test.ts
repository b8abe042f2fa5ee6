import { expect, test } from "vitest";
import { estimateTexts } from "../../src/apps/report/estimate-texts.ts";

test("the ends of an interval have as many digits as tell them apart, and its value as many", () => {
  const estimate = { value: 0.59701, low: 0.59696, high: 0.59704 };
  expect(estimateTexts(estimate)).toEqual({ value: "0.59701", interval: "0.59696 to 0.59704" });
  expect(estimateTexts({ value: -2, low: -3, high: 12345 })).toEqual({ value: "−2", interval: "−3 to 12345" });
});

test.each([
  [Number.NaN, Number.NaN],
  [0.9, 0.9],
])("without an interval from %d to %d, there are no ends", (low, high) => {
  expect(estimateTexts({ value: 0.9, low, high })).toEqual({ value: "0.9", interval: undefined });
  expect(estimateTexts({ value: Number.NaN, low: Number.NaN, high: Number.NaN }).value).toBe("–");
});

test("ends that differ by rounding alone do not go on for ever", () => {
  expect(estimateTexts({ value: 1, low: 1, high: 1 + 1e-15 }).interval).toBe("1 to 1");
});
