import { afterAll, expect, test } from "vitest";
import { Fuzzer } from "./run.ts";
import { kinds } from "./seeds.ts";

const fuzzer = new Fuzzer({ seed: 0, withShared: false });
afterAll(() => fuzzer.close());

test.each(kinds)("mutants of kind %s are read or refused in words", async (kind) => {
  const { faults, mutants, outcomes } = await fuzzer.run(kind, 200);
  expect(faults).toEqual([]);
  expect(mutants).toBe(200);
  // Seeds are read, and changes matter.
  expect(outcomes.size).toBeGreaterThan(1);
});
