import { expect, test } from "vitest";
import { formatRange } from "../../src/base/index.ts";

test.each([
  [0.02, 0.3, "less than 1 s"],
  [0.4, 8.1, "less than 9 s"],
  [2.2, 8.1, "2 s to 9 s"],
  [13, 68, "10 s to 70 s"],
  [57, 320, "55 s to 6 min"],
  [610, 1150, "10 min to 20 min"],
  [1800, 7100, "30 min to 2 h"],
  [36_000, 39_900, "10 h to 11 h 30 min"],
  [3000, 3000, "about 50 min"],
])("%d to %d seconds are %j", (low, high, text) => {
  expect(formatRange({ low, high })).toBe(text);
});
