import { expect, test } from "vitest";
import { notTakenApart } from "../../scripts/not-taken-apart.ts";
import { composites } from "../../src/onnx/composites/index.ts";

test("no operator is both taken apart and listed as one that is not", () => {
  const listed = notTakenApart.map(([op]) => op);
  expect(new Set(listed).size).toBe(listed.length);
  expect(listed.filter((op) => composites[`com.microsoft:${op}`] !== undefined)).toEqual([]);
});
