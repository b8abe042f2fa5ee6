// What a run of 10,000 units costs to store and to open: `npm run bench:store`; `--units 1000` for fewer.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { DirectoryStore } from "../src/platform/node/directory-store.ts";
import { createRun, openRun, type RunManifest } from "../src/results/index.ts";
import { exampleManifest, exampleUnit } from "../test/results/example-run.ts";
import { writeResult } from "./result.ts";

const { values } = parseArgs({ options: { units: { type: "string", default: "10000" } } });
const units = Number(values.units);
const taps = exampleManifest.taps.length;
const manifest: RunManifest = {
  ...exampleManifest,
  inputs: Array.from({ length: Math.ceil(units / taps) }, (_, i) => ({
    ...{ name: `picture ${i}`, file: `images/${i}.png` },
    sha256: i.toString(16).padStart(64, "0"),
  })),
};
const count = manifest.inputs.length * taps;

const folder = mkdtempSync(join(tmpdir(), "pushforward-store-"));
const seconds = (since: number) => (performance.now() - since) / 1000;
const files = () =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length;
try {
  let start = performance.now();
  const run = await createRun(new DirectoryStore(folder), manifest);
  const created = seconds(start);
  const before = files();
  start = performance.now();
  for (const input of manifest.inputs.keys())
    for (const tap of manifest.taps.keys()) await run.writeUnit(input, tap, exampleUnit(manifest, input, tap));
  const written = seconds(start);
  const perUnit = (files() - before) / count;
  const opened: number[] = [];
  for (let round = 0; round < 5; round++) {
    start = performance.now();
    await openRun(new DirectoryStore(folder));
    opened.push(seconds(start));
  }
  const median = opened.sort((a, b) => a - b)[2]!;
  const rows = [
    ["units", count],
    ["files of a unit", perUnit],
    ["creating the run, s", created],
    ["writing a unit, forced to the disk, ms", (1000 * written) / count],
    ["opening the run, s (median of 5)", median],
  ];
  for (const [what, value] of rows) console.log(`${what}: ${value}`);
  const note = "Units of 6 σ and 4 vectors of up to 48 numbers, so that the files count and not their sizes.";
  const columns = ["measure", "value"];
  if (units === 10_000)
    writeResult("store", "npm run bench:store", [{ title: "A run of many units", note, columns, rows }]);
} finally {
  rmSync(folder, { recursive: true });
}
