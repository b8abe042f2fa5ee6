import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DirectoryStore } from "../../src/platform/node/directory-store.ts";
import { createRun, createStudyRun, progressOf, type Run, type StudyManifest } from "../../src/results/index.ts";
import { exampleManifest, exampleUnit } from "../results/example-run.ts";
import { pushforward } from "./command-line.ts";
import { createWorkplace, type Workplace } from "./workplace.ts";

const inputs = Array.from({ length: 5 }, (_, i) => ({
  name: `input${i}`,
  file: `input${i}.png`,
  sha256: `0${i}`.repeat(32),
  ...(i === 4 ? { failed: "The picture cannot be read." } : {}),
}));
const manifest = { ...exampleManifest, inputs };

const { model, preprocess, seed, backend, versions, created } = exampleManifest;
const study: StudyManifest = {
  format: "pushforward-study",
  formatVersion: 2,
  study: "noise",
  params: {},
  ...{ model, inputs, preprocess, seed, backend, versions, created },
  spectra: { k: 10, tol: 1e-5, vectors: 2 },
  axes: { image: ["cat", "dog"], tap: ["conv1", "logits"] },
  cell: ["image", "tap"],
  variables: { shift: { dims: [], about: "how far the output moves" } },
};

let place: Workplace;
const storeAt = (...folder: readonly string[]) => new DirectoryStore(place.path(...folder));
const status = (...args: readonly string[]) => pushforward(["status", ...args], { cwd: place.folder });
const lines = async (folder: string) =>
  (await status(folder, "--json")).stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);

/** The lines of a table without the widths of its columns. */
const settled = (table: string) => table.split("\n").map((line) => line.trim().replace(/ {2,}/g, "  "));

/** conv1 takes 2 s and 4 s, its third unit failed; the second tap has one solve for all; the third tap is not begun. */
async function writeRun(folder: string): Promise<void> {
  const run = await createRun(storeAt(folder), manifest);
  const write = (input: number, tap: number, seconds: number) =>
    run.writeUnit(input, tap, { ...exampleUnit(manifest, input, tap), seconds });
  await write(0, 0, 2);
  await write(1, 0, 4);
  await run.failUnit(2, 0, "The value is not finite at the node log.");
  await write(0, 1, 7);
  await write(1, 1, 7);
}

beforeAll(async () => {
  place = await createWorkplace({});
  await writeRun("run");
  await writeRun(join("studies", "run"));
  const noise = await createStudyRun(storeAt("studies", "noise"), study);
  await noise.write([0, 0], { shift: 1 }, 3);
  await noise.write([0, 1], {}, 5, "The first half is missing.");
  await noise.fail([1, 0], "There was not enough memory.");
  await createStudyRun(storeAt("studies", "controls", "permuted", "10", "noise"), study);
  await createStudyRun(storeAt("studies", "controls", "permuted", "2", "noise"), study);
});
afterAll(() => place.remove());

describe("the status of a run", () => {
  test("counts units by tap, and expects time from the same tap, or else from others", async () => {
    const [conv, shared, open] = await lines("run");
    expect(conv).toEqual({
      folder: "",
      tap: "conv1",
      done: 2,
      failed: [{ input: "input2", why: "The value is not finite at the node log." }],
      left: 1,
      isShared: false,
      meanSeconds: 3,
      seconds: 6,
      secondsLeft: 3,
      expectedFrom: "this tap",
      isExact: true,
    });
    expect(shared).toMatchObject({ done: 2, left: 2, isShared: true, meanSeconds: 7, seconds: 7, secondsLeft: 7 });
    expect(open).toMatchObject({ done: 0, left: 4, seconds: 0, secondsLeft: 20, expectedFrom: "other taps" });
  });

  test("is a table for people, with the reasons of failures", async () => {
    const { code, stdout, stderr } = await status("run");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(settled(stdout)).toEqual([
      "tap  done  failed  left  time of one  time left",
      expect.stringMatching(/^─/),
      "conv1  2  1  1  3.0 s  3.0 s",
      "block/relu 1  2  0  2  7.0 s for all inputs  7.0 s",
      "logits  0  0  4  –  20 s (as other taps)",
      "",
      "input2 → conv1 failed: The value is not finite at the node log.",
      "input input4 cannot be used: The picture cannot be read.",
      "4 of 12 units are done, 1 failed, 7 left; 13 s so far, about 30 s left in one process",
      "",
    ]);
  });

  test("says nothing of time where no unit is done", async () => {
    await createRun(storeAt("begun"), manifest);
    expect((await lines("begun"))[0]).toEqual({
      ...{ folder: "", tap: "conv1", done: 0, failed: [], left: 4, isShared: false, seconds: 0, isExact: true },
    });
    expect((await status("begun")).stdout).toMatch(/\n0 of 12 units are done, 0 failed, 12 left\n$/);
  });

  test("reads the seconds of at most a hundred units of a large run", async () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => i);
    let read = 0;
    const large = {
      manifest: {
        ...manifest,
        inputs: many(500).map((i) => ({ name: `${i}`, file: `${i}.png`, sha256: "00" })),
        taps: many(20).map((i) => ({ ...manifest.taps[0]!, name: `tap${i}` })),
      },
      isDone: (input: number) => input < 400,
      failureOf: () => undefined,
      readUnit: async (input: number, tap: number) => {
        read++;
        return { ...exampleUnit(manifest, 0, 0), seconds: 1 + tap + input / 400 };
      },
    } as unknown as Run;
    const { taps, isExact } = await progressOf(large);
    expect(read).toBe(100);
    expect(isExact).toBe(false);
    expect(taps[3]).toMatchObject({ done: 400, left: 100, expectedFrom: "this tap" });
    expect(taps[3]!.meanSeconds).toBeCloseTo(4.4); // of inputs 0, 80, …, 320
    expect(taps[3]!.seconds).toBeCloseTo(1760);
    expect(taps[3]!.secondsLeft).toBeCloseTo(440);
  });
});

describe("the status of studies", () => {
  test("counts the cells of one", async () => {
    expect(await lines("studies/noise")).toEqual([
      {
        folder: "",
        study: "noise",
        done: 2,
        failures: [
          { cell: "image cat, tap logits", why: "The first half is missing.", isDone: true },
          { cell: "image dog, tap conv1", why: "There was not enough memory.", isDone: false },
        ],
        left: 1,
        seconds: 8,
        secondsLeft: 4,
        expectedFrom: "this study",
      },
    ]);
  });

  test("finds the spectra and the studies of a folder and of its controls", async () => {
    const { stdout } = await status("studies");
    expect(settled(stdout)).toEqual([
      "folder  done  failed  left  so far  time left",
      expect.stringMatching(/^─/),
      "run (spectra)  4  1  –  13 s  –",
      "noise  2  1  1  8.0 s  4.0 s",
      "controls/permuted/2/noise  0  0  4  0.0 s  16 s (as another network)",
      "controls/permuted/10/noise  0  0  4  0.0 s  16 s (as another network)",
      "",
      "noise: image cat, tap logits lacks a part: The first half is missing.",
      "noise: image dog, tap conv1 failed: There was not enough memory.",
      "2 cells done, 9 left; about 36 s left in one process",
      "",
    ]);
  });

  test("refuses a folder that has neither", async () => {
    const { code, stderr } = await status("nowhere");
    expect(code).toBe(2);
    expect(stderr).toContain("There is no run here.");
  });
});
