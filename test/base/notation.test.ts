import { expect, test } from "vitest";
import { formatNumber, subscript, typeset } from "../../src/base/index.ts";

test.each([
  [0, "0"],
  [0.12345, "0.123"],
  [12345, "12345"],
  [1234567, "1.23×10⁶"],
  [-0.35, "−0.35"],
  [-0.00012345, "−1.23×10⁻⁴"],
  [1e-5, "10⁻⁵"],
  [-1e-5, "−10⁻⁵"],
  [Number.NaN, "–"],
])("%d is written %s", (value, text) => {
  expect(formatNumber(value)).toBe(text);
});

test.each([
  ["-0.350", "−0.350"],
  ["2.0e-7", "2.0×10⁻⁷"],
  ["-1.50e+12", "−1.50×10¹²"],
  ["1e+3", "10³"],
])("what JavaScript writes as %s is printed as %s", (written, printed) => {
  expect(typeset(written)).toBe(printed);
});

test("an index stands below the line", () => {
  expect(`σ${subscript(1)}, σ${subscript(120)}`).toBe("σ₁, σ₁₂₀");
});
