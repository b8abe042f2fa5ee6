import { mkdtempSync, rmSync } from "node:fs";
import { rename } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { findingsIn } from "../../src/apps/report/study-findings.ts";
import { DirectoryStore } from "../../src/platform/node/directory-store.ts";
import { createStudyRun, type StudyManifest } from "../../src/results/index.ts";
import { meanOf } from "../../src/studies/statistics.ts";
import { findingsOf, type Study } from "../../src/studies/study.ts";

const images = ["a", "b", "c", "d", "e", "f"];
const out = mkdtempSync(join(tmpdir(), "pushforward-study-findings-"));
afterAll(() => rmSync(out, { recursive: true }));

const manifest: StudyManifest = {
  format: "pushforward-study",
  formatVersion: 2,
  study: "size",
  params: {},
  model: { file: "net.onnx", sha256: "00" },
  inputs: images.map((name) => ({ name, file: name, sha256: name })),
  preprocess: { name: "none", unit: "1", settings: {} },
  seed: 0,
  spectra: { k: 1, tol: 1e-5, vectors: 1 },
  backend: "",
  versions: {},
  created: "",
  axes: { image: images },
  cell: ["image"],
  variables: { size: { dims: [], about: "size" } },
};

/** Whose claim is that the measured number is positive. */
const study: Study = {
  ...{ id: "size", question: "", method: "", params: {} },
  design: () => manifest,
  work: () => ({ spectra: false, solves: [], points: [], images: 6 }),
  measure: async () => ({}),
  conclude: (data) => {
    const estimate = meanOf(data.values.size!.data, 0);
    const { sample: measure } = estimate;
    return findingsOf({
      tables: [{ id: "by", caption: "Sizes.", columns: ["what", "size"], rows: [["all", estimate]] }],
      charts: [],
      claims: [
        { id: "positive", on: "steep", claim: "", effect: { what: "Size", sign: 1, none: 0, measure: measure! } },
      ],
    });
  },
};

/** A stored study whose image i measured level + i/100; the last ones are not measured, or failed. A control is named by its folder. */
async function store(folder: string, level: number, { done = 6, failed = 0, params = {} } = {}): Promise<void> {
  const [, kind, draw] = /controls\/(.*)\/(\d+)$/.exec(folder) ?? [];
  const drawn = kind === "initial" ? { kind } : { kind: kind!, seed: 0, draw: Number(draw) };
  const model = kind === undefined ? manifest.model : { ...manifest.model, control: drawn };
  const run = await createStudyRun(new DirectoryStore(join(out, folder, "size")), { ...manifest, model, params });
  for (let i = 0; i < done; i++) await run.write([i], { size: level + i / 100 }, 2);
  for (let i = done; i < done + failed; i++) await run.fail([i], "No reason.");
}

test("controls are found by their folders, draws by number, and only those that are finished", async () => {
  await store("", 3);
  for (let draw = 1; draw <= 10; draw++) await store(`controls/matched/${draw}`, 1 + draw / 100);
  await store("controls/matched/11", 1, { done: 5 });
  await store("controls/permuted/1", 1, { done: 5, failed: 1 });
  await store("controls/gaussian/1", 1, { done: 3 });
  await store("controls/initial/1", 4);
  const { findings, controls, leftOut, seconds } = await findingsIn(out, study);
  expect(seconds).toBe(12);
  expect(leftOut).toEqual([
    "Of the control gaussian, 0 finished draws count; draw 1 is not finished.",
    "Of the control matched, 10 finished draws count; draw 11 is not finished.",
  ]);
  expect(controls.map(({ kind, one, draws }) => [kind, one, draws.length])).toEqual([
    ["permuted", false, 1],
    ["matched", false, 10],
    ["initial", true, 1],
  ]);
  const [, matched] = controls;
  expect(matched!.runs.map(({ draw }) => draw)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(matched!.runs[9]).toMatchObject({ folder: join(out, "controls/matched/10"), seconds: 12 });
  expect(findings.tables[0]!.columns).toContain("size, trained − matched");
  const verdict = findings.verdicts[0]!;
  expect(verdict.controls.map(({ difference }) => difference)).toEqual([
    "undecided",
    "training adds",
    "training takes away",
  ]);
  // (0 + 1 + … + 5)/6 hundredths above 3, against 1 + (1 + … + 10)/10 hundredths above that.
  expect(verdict.numbers.measure).toMatchObject({ value: expect.closeTo(3.025, 12), n: 6 });
  expect(verdict.controls[1]!.numbers.measure).toMatchObject({ value: expect.closeTo(1.08, 12), n: 6, draws: 10 });
  expect(verdict.controls[1]!.differences).toMatchObject([{ value: expect.closeTo(1.945, 12), n: 6, draws: 10 }]);
});

test("draws with other settings, and draws in the folder of others, do not count", async () => {
  await store("other", 3);
  await store("other/controls/matched/1", 1, { params: { draws: 3 } });
  await store("other/controls/matched/2", 1);
  await rename(join(out, "other/controls/matched/2"), join(out, "other/controls/matched/3"));
  const { controls, leftOut } = await findingsIn(join(out, "other"), study);
  expect(controls).toEqual([]);
  expect(leftOut).toEqual([
    "The control matched 1 does not count. This folder contains the study with other settings. params draws: stored 3, asked none.",
    "The control matched 3 does not count. This folder contains the study with other settings. " +
      "control: stored matched, seed 0, draw 2, asked matched, seed 0, draw 3.",
  ]);
});
