import { expect, test } from "vitest";
import { collectRun, displaySettings } from "../../src/apps/report/collect.ts";
import { syntheticRun } from "./synthetic-run.ts";

test("what a manifest says about showing an input; of a mean image its pixel", () => {
  const settings = {
    colour: "BGR",
    scale: 1,
    invert: false,
    mean: { file: "mean.npy", pixel: [104, 117, 123] },
    std: [1],
  };
  expect(displaySettings(settings)).toEqual({ bgr: true, scale: 1, invert: false, mean: [104, 117, 123], std: [1] });
  expect(displaySettings({ mean: 0.5, std: "unit", crop: [2, 2] })).toMatchObject({
    mean: [0.5],
    std: undefined,
    scale: undefined,
  });
});

test("only the two vectors that are drawn are asked for, by index", async () => {
  const run = syntheticRun({ inputs: 2, taps: ["a", "b"], k: 5, failed: [0] });
  const asked: unknown[] = [];
  const watched = {
    ...run,
    readUnit: (input: number, tap: number, options?: { readonly vectors?: boolean | readonly number[] }) => {
      asked.push([input, tap, options]);
      return run.readUnit(input, tap, options);
    },
  };
  const { taps, galleries, missing } = await collectRun(watched, { input: 8, vector: 8 });
  expect(asked).toEqual([
    [1, 0, { vectors: false }],
    [1, 0, { vectors: [0, 4] }],
    [1, 1, { vectors: false }],
    [1, 1, { vectors: [0, 4] }],
  ]);
  expect(taps.map(({ units }) => units.length)).toEqual([1, 1]);
  expect(galleries).toHaveLength(2);
  expect(missing).toEqual([]);
});

test("a vector that does not fit the source is an error at its tap", async () => {
  const run = syntheticRun({ inputs: 1, taps: ["a", "b"], k: 5 });
  const manifest = { ...run.manifest, from: { ...run.manifest.from, shape: [1, 28, 27] } };
  const wrong = { ...run, manifest, readSource: async () => undefined };
  await expect(collectRun(wrong, { input: 8, vector: 8 })).rejects.toMatchObject({
    code: "shape-mismatch",
    where: { tap: "a" },
  });
});

test.each([
  [3, 2, 2],
  [2, 2, 2],
  [6, 2, 6],
  [5, 2, 2],
  [5, "all", 5],
  [0, 2, undefined],
] as const)("of 7 σ %i are above the floor, and %s vectors are kept from either end", async (rank, kept, shown) => {
  const run = syntheticRun({ inputs: 1, taps: ["a"], k: 7 });
  const wanted = (index: number) => kept === "all" || index < kept || index >= 7 - kept;
  const index = Array.from({ length: 7 }, (_, i) => i).filter(wanted);
  const { galleries } = await collectRun(
    {
      ...run,
      manifest: { ...run.manifest, vectors: kept },
      async readUnit(input, tap) {
        const unit = (await run.readUnit(input, tap))!;
        const sigma = unit.sigma.map((value, i) => (i < rank ? value : 1e-9));
        return {
          ...unit,
          sigma,
          vectors: { index, u: new Float32Array(0), v: new Float32Array(index.length * unit.n) },
        };
      },
    },
    { input: 8, vector: 8 },
  );
  expect(galleries[0]?.columns[0]?.smallest?.number).toBe(shown);
  expect(galleries[0]?.columns[0]?.largest?.number).toBe(shown === undefined ? undefined : 1);
});
