import { expect, test } from "vitest";
import type { CollectedRun } from "../../src/apps/report/collect.ts";
import { inputsTable } from "../../src/apps/report/tables.ts";

const record = { name: "a", file: "a.png", sha256: "" };

test.each([
  { what: "right", input: { label: "cat", predicted: "cat", isRight: true }, shows: "✓ cat" },
  { what: "wrong", input: { label: "cat", predicted: "dog", isRight: false }, shows: "✗ dog" },
  { what: "a name beside an output's number", input: { label: "cat", predicted: "3" }, shows: ">3<" },
  { what: "a prediction without a label", input: { predicted: "3" }, shows: ">3<" },
  { what: "equal names of an earlier version", input: { label: "cat", predicted: "cat" }, shows: "✓ cat" },
  { what: "different names of an earlier version", input: { label: "cat", predicted: "dog" }, shows: ">dog<" },
])("the verdict of $what", ({ input, shows }) => {
  const run = { manifest: { inputs: [{ ...record, ...input }] }, taps: [] } as unknown as CollectedRun;
  const { markup } = inputsTable(run);
  expect(markup).toContain(shows);
  expect(/[✓✗]/.test(markup)).toBe(/[✓✗]/.test(shows));
});
