import { expect, test } from "vitest";
import type { CollectedRun } from "../../src/apps/report/collect.ts";
import { downloadsOf } from "../../src/apps/report/downloads.ts";
import { summarySentences } from "../../src/apps/report/prose.ts";
import { tapsTable } from "../../src/apps/report/tables.ts";
import type { UnitNumbers } from "../../src/figures/index.ts";
import { unitOf } from "../figures/units.ts";
import { syntheticRun } from "./synthetic-run.ts";

/** A run of made-up units, [tap][input]. */
function runOf(units: Readonly<Record<string, readonly UnitNumbers[]>>): CollectedRun {
  const names = Object.keys(units);
  const { manifest } = syntheticRun({ inputs: Object.values(units)[0]!.length, taps: names });
  const taps = names.map((tap) => ({
    tap,
    units: units[tap]!.map((unit, i) => ({ input: manifest.inputs[i]!.name, unit })),
  }));
  const records = names.map((name, i) => ({ ...manifest.taps[i]!, name, k: units[name]![0]!.k }));
  return { manifest: { ...manifest, taps: records }, taps, galleries: [], missing: [], failed: [] };
}

const cells = (run: CollectedRun) =>
  [...tapsTable(run).markup.matchAll(/<td[^>]*>(.*?)<\/td>/gs)].map(([, cell]) =>
    cell!.replace(/<[^>]+>/g, " ").trim(),
  );

const lost = "below-floor" as const;
const low = unitOf([2, 1, 2.4e-22, 1e-22], { floor: 4.14e-6, status: ["converged", "converged", lost, lost] });

test("σ below the floor are counted apart and shown by the floor", () => {
  const run = runOf({ relu5: [low, low] });
  const table = cells(run);
  expect(table[2]).toMatch(/^4 of 8\s+4 below the floor$/);
  expect(table[5]).toBe("&lt; 4.2×10⁻⁶");
  expect(table[8]).toBe("2"); // the numerical rank
  expect(summarySentences(run)[1]).toContain(
    "4 are certified at the tolerance 10⁻⁵ (relative to the largest σ), 4 have σ below the floor, where it cannot be told from zero",
  );
  const csv = decodeURIComponent(downloadsOf(run)[0]!.href).split("\n");
  expect(csv[1]).toMatch(/,2,2,0\.00000414,.*,2,1,,$/); // converged, below the floor, the floor; σ
});

test("a mean leaves out those below the floor, and says so", () => {
  const [, , , , , last] = cells(runOf({ relu5: [low, unitOf([2, 1, 0.5, 0.25])] }));
  expect(last).toMatch(/^0\.25\s+of 1 of 2 inputs$/);
});

test("no spread that the numbers cannot tell", () => {
  const shaken = (i: number) => unitOf([3.1 * (1 + 1e-16 * i), 1 + 1e-9 * i], { floor: 2e-6 });
  const table = cells(runOf({ conv1: [0, 1, 2].map(shaken) }));
  expect(table[4]).toMatch(/^3\.1\s+the same for all$/);
  expect(table[5]).toMatch(/^1\s+the same for all$/);
  const same = cells(runOf({ conv1: [unitOf([0.1, 0.1]), unitOf([0.1, 0.1]), unitOf([0.1, 0.1])] }));
  expect(same.join()).not.toContain("±");
  expect(cells(runOf({ conv1: [unitOf([3]), unitOf([3.3])] }))[4]).toMatch(/^3\.15\s+± 0\.21$/);
});

test("what lies between the first and the last tap is told, and of how many σ a rank is", () => {
  const flat = (level: number) => unitOf(new Array(5).fill(level));
  const whole = unitOf([63.9, 63.9], { m: 2 });
  const run = runOf({
    conv1: [flat(6.48)],
    fire9: [flat(1911)],
    pool: [unitOf([30, 1e-9, 1e-9, 1e-9, 1e-9])],
    logits: [whole],
  });
  const sentences = summarySentences(run);
  expect(sentences[2]).toBe(
    "The largest σ is 6.48 at conv1 and 63.9 at logits; between them it rises to 1911 at fire9 (n = 1).",
  );
  expect(sentences[3]).toBe(
    "The effective rank is 5 at conv1 (of the first 5 σ only) and 2 at logits (of all 2 σ); between them it falls to 1 at pool (of the first 5 σ only).",
  );
});

test("how much of J is a convention is said once, of the unit that has most of it", () => {
  const kinks = (windows: number) => [
    { tap: "relu1", neurons: 12, windows: 0 },
    { tap: "pool1", neurons: 0, windows },
  ];
  const run = runOf({
    pool1: [unitOf([2, 1], { kinks: kinks(43_919) }), unitOf([2, 1], { kinks: [] })],
    logits: [unitOf([2, 1], { kinks: kinks(40_000) }), unitOf([2, 1], { kinks: [] })],
  });
  expect(summarySentences(run).at(-1)).toBe(
    "At 1 of 2 inputs the network has kinks, where it has no derivative and a part of J is a convention (the first of equal " +
      "entries is taken, ReLU′ is 0 at 0): at most 43,919 tied pool windows (pool1 43,919) and 12 neurons at a kink (relu1 12), " +
      "at tench-1.",
  );
  expect(summarySentences(runOf({ pool1: [unitOf([2, 1], { kinks: [] })] })).join(" ")).not.toContain("kinks");
});
