import { expect, test } from "vitest";
import { cellTexts } from "../../src/apps/report/cell-texts.ts";

const columns = ["tap", "σ_1", "σ_1, low", "σ_1, high", "part", "low", "high", "count"];

test("the ends of an interval have as many digits as tell them apart, and its value as many", () => {
  const row = ["conv1", 0.59701, 0.59696, 0.59704, 2, 1, 3, 12345];
  expect(cellTexts(columns, row)).toEqual(["conv1", "0.59701", "0.59696", "0.59704", "2", "1", "3", "12345"]);
});

test("where there is no interval, there are no ends", () => {
  const row = ["conv1", 0.9, Number.NaN, Number.NaN, "< 0.003", "", "", 0];
  expect(cellTexts(columns, row)).toEqual(["conv1", "0.9", "–", "–", "< 0.003", "", "", "0"]);
});

test("ends that differ by rounding alone do not go on for ever", () => {
  expect(cellTexts(columns, ["a", 1, 1, 1 + 1e-15, 1, 1, 1, 1])).toHaveLength(8);
});
