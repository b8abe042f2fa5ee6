import { describe, expect, test } from "vitest";
import { spreadOver } from "../../src/studies/findings.ts";
import { paramsOf, type Study } from "../../src/studies/index.ts";
import { verdictOf } from "../../src/studies/verdict.ts";
import { sharedSpectra } from "../../src/studies/work.ts";

const study: Study = {
  id: "sizes",
  question: "How large?",
  method: "By measuring.",
  params: {
    draws: { about: "random vectors", default: 16, quick: 4 },
    levels: { about: "noise levels", default: [0.1, 0.2] },
    kinds: { about: "kinds of noise", default: ["gaussian"] },
    name: { about: "a name", default: "a" },
  },
  work: sharedSpectra,
  design: () => ({ axes: {}, cell: [], variables: {} }),
  measure: async () => ({}),
  conclude: () => ({ tables: [], charts: [], claims: [], verdicts: [] }),
};

describe("parameters", () => {
  test("are the defaults, the quick ones, or what is set, as the kind that the default is", () => {
    expect(paramsOf(study)).toEqual({ draws: 16, levels: [0.1, 0.2], kinds: ["gaussian"], name: "a" });
    expect(paramsOf(study, { quick: true })).toMatchObject({ draws: 4, levels: [0.1, 0.2] });
    const set = ["draws=32", "levels=0,0.5,1", "kinds=uniform,blur", "name=b=c"];
    expect(paramsOf(study, { quick: true, set })).toEqual({
      draws: 32,
      levels: [0, 0.5, 1],
      kinds: ["uniform", "blur"],
      name: "b=c",
    });
  });

  test.each([
    ["draw=3", 'The study sizes has no parameter "draw".'],
    ["constructor=3", 'The study sizes has no parameter "constructor".'],
    ["draws=", 'draws is "", but must be a number.'],
    ["draws=many", 'draws is "many", but must be a number.'],
    ["levels=0.1,x", 'levels is "0.1,x", but must be numbers separated by commas.'],
  ])("%s is refused", (text, message) => {
    expect(() => paramsOf(study, { set: [text] })).toThrow(message);
  });
});

test("a verdict follows from the interval and the number of images alone", () => {
  expect(verdictOf({ low: 0.1, high: 0.2, n: 6 })).toBe("supported");
  expect(verdictOf({ low: -0.1, high: 0.2, n: 6 })).toBe("not supported");
  expect(verdictOf({ low: -0.2, high: -0.1, n: 6 })).toBe("contradicted");
  expect(verdictOf({ low: Number.NaN, high: Number.NaN, n: 6 })).toBe("undecided");
  expect(verdictOf({ low: 0.1, high: 0.2, n: 5 })).toBe("undecided");
});

test("places that are spread over a list have its first and its last", () => {
  expect(spreadOver(16, 6)).toEqual([0, 3, 6, 9, 12, 15]);
  expect(spreadOver(3, 6)).toEqual([0, 1, 2]);
  expect(spreadOver(1, 6)).toEqual([0]);
});
