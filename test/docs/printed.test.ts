import { expect, test } from "vitest";
import { disagreement } from "./printed.ts";

test.each([
  ["σ 60.6987 of 500", "σ 60.70 of 500"],
  ["a 1.31e+1, b -2.54", "a 1.3e+1, b -2.5"],
  ["residual 3.1e-8", "residual 1e-7"],
  ["one\ntwo\n", "one\ntwo"],
])("%j is what %j says", (found, written) => {
  expect(disagreement(found, written)).toBeUndefined();
});

test.each([
  ["σ 60.72", "σ 60.70"],
  ["of 501", "of 500"],
  ["residual 3.1e-4", "residual 1e-7"],
  ["0.25", "-0.25"],
  ["σ 1", "s 1"],
  ["1 2", "1"],
  ["one\ntwo", "one"],
  ["", "one"],
])("%j is not what %j says", (found, written) => {
  expect(disagreement(found, written)).toBeDefined();
});
