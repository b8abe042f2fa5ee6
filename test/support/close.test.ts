import { expect, test } from "vitest";
import { floatTensor } from "../../src/onnx/index.ts";
import { mismatch } from "./close.ts";

const tolerance = { rtol: 0, atol: 0.5 };

test.each([
  ["equal", [1, 2], [1, 2], undefined],
  ["within the tolerance", [1, 2.25], [1, 2], undefined],
  ["the same infinity", [Number.POSITIVE_INFINITY], [Number.POSITIVE_INFINITY], undefined],
  ["both NaN", [Number.NaN], [Number.NaN], undefined],
  ["too far", [1, 3], [1, 2], "entry 1 is 3, not 2: 2.00 times the tolerance"],
  ["NaN for a number", [Number.NaN], [2], "entry 0 is NaN, not 2: NaN times the tolerance"],
  ["a longer tensor", [1, 2], [1], "float32 of shape 2, not float32 of shape 1"],
])("mismatch: %s", (_, got, want, expected) => {
  expect(mismatch(floatTensor([got.length], got), floatTensor([want.length], want), tolerance)).toBe(expected);
});
