import { expect, test } from "vitest";
import { AT_ONCE, eachAtOnce } from "../../src/apps/cli/at-once.ts";
import { readUnits } from "../../src/apps/cli/read-units.ts";
import { createRun, MemoryStore } from "../../src/results/index.ts";
import { exampleManifest, exampleUnit } from "../results/example-run.ts";

const inputs = Array.from({ length: AT_ONCE + 3 }, (_, i) => ({
  ...{ name: `picture ${i}`, file: `images/${i}.png`, sha256: i.toString(16).padStart(64, "0") },
}));

test("units are read in the order that is asked for, and those that are not done are told from them", async () => {
  const manifest = { ...exampleManifest, inputs };
  const run = await createRun(new MemoryStore(), manifest);
  const isDone = (input: number) => input % 5 !== 2;
  for (const input of inputs.keys()) if (isDone(input)) await run.writeUnit(input, 0, exampleUnit(manifest, input, 0));
  const places = Array.from(inputs.keys(), (input) => ({ input, tap: 0 })).reverse();
  const read: (readonly [number, number | undefined])[] = [];
  for await (const [{ input }, unit] of readUnits(run, places)) read.push([input, unit?.sigma[0]]);
  expect(read).toEqual(
    places.map(({ input }) => [input, isDone(input) ? exampleUnit(manifest, input, 0).sigma[0] : undefined]),
  );
});

test("at most so many requests are under way, and all are made", async () => {
  const made: number[] = [];
  let [underWay, most] = [0, 0];
  await eachAtOnce([...inputs.keys()], async (input) => {
    most = Math.max(most, ++underWay);
    await new Promise((resolve) => setTimeout(resolve, 1));
    underWay--;
    made.push(input);
  });
  expect(most).toBe(AT_ONCE);
  expect(made).toEqual([...inputs.keys()]);
});
