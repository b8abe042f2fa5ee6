import { expect, test } from "vitest";
import { differencesOf, tellDifferences } from "../../src/results/differences.ts";

const [one, two] = ["1a".repeat(32), "2b".repeat(32)];

test.each([
  { stored: { b: 1, a: [1, 2] }, asked: { a: [1, 2], b: 1 }, lines: [] },
  { stored: 1, asked: 2, lines: ["x: stored 1, asked 2"] },
  { stored: { a: { b: "p", c: 1 } }, asked: { a: { b: "q", c: 1 } }, lines: ["x a b: stored p, asked q"] },
  { stored: { a: 1 }, asked: { b: null }, lines: ["x a: stored 1, asked none", "x b: stored none, asked null"] },
  { stored: ["a", "b"], asked: ["a"], lines: ["x: stored [a, b], asked [a]"] },
  {
    stored: [{ sha256: one }, { sha256: two }],
    asked: [{ sha256: one }, { sha256: one }],
    lines: ["x 2 sha256: stored 2b2b2b2b2b2b, asked 1a1a1a1a1a1a"],
  },
  { stored: [{ a: 1 }, { a: 2 }], asked: [{ a: 1 }], lines: ["x: stored 2 entries, asked 1 entry"] },
  { stored: { a: 1 }, asked: "all", lines: ['x: stored {"a":1}, asked all'] },
])("$lines", ({ stored, asked, lines }) => {
  expect(differencesOf("x", stored, asked)).toEqual(lines);
});

test("few differences are told one by one", () => {
  expect(tellDifferences(["a: stored 1, asked 2", "b: stored 3, asked 4"])).toBe(
    "a: stored 1, asked 2; b: stored 3, asked 4.",
  );
  expect(tellDifferences(Array.from({ length: 10 }, (_, i) => `d${i}`))).toBe(
    "d0; d1; d2; d3; d4; d5; d6; d7; and 2 more.",
  );
});
