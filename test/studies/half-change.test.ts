import { expect, test } from "vitest";
import { halfChange, logSteps } from "../../src/studies/half-change.ts";

test("step 0 stands one unit of log₂ before the first step, in steps and in epochs alike", () => {
  expect(logSteps([0, 1, 2, 8])).toEqual([-1, 0, 1, 3]);
  const [steps, epochs] = [logSteps([0, 300, 600, 2400]), logSteps([0, 1, 2, 8])];
  for (const [i, place] of steps.entries()) expect(place - epochs[i]!).toBeCloseTo(Math.log2(300), 12);
  expect(logSteps([0])).toEqual([-1]);
});

test.each([
  ["a line", [0, 1, 2, 3, 4], [8, 6, 4, 2, 0], 2],
  ["a step between two places", [0, 1, 2, 3], [1, 1, 5, 5], 1.5],
  ["the first of two crossings", [0, 1, 2, 3], [0, 3, 0, 4], 2 / 3],
  ["a rise before a fall: only the change to the end counts", [0, 1, 2, 3], [2, 6, 0, 0], 1 + 5 / 6],
  ["values that are missing", [0, 1, 2, 3, 4], [Number.NaN, 0, Number.NaN, 4, Number.NaN], 2],
])("%s reaches half of its change", (_, places, values, expected) => {
  expect(halfChange(places, values)).toBeCloseTo(expected, 12);
});

test("a curve without a change has no such place", () => {
  for (const values of [[1, 2, 1], [3], [], [Number.NaN, 1]]) expect(halfChange([0, 1, 2], values)).toBeNaN();
});
