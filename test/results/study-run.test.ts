import { describe, expect, test } from "vitest";
import { createStudyRun, MemoryStore, openStudyRun, type StudyManifest } from "../../src/results/index.ts";
import { exampleManifest } from "./example-run.ts";

const { model, inputs, preprocess, seed, backend, versions, created } = exampleManifest;
const manifest: StudyManifest = {
  format: "pushforward-study",
  formatVersion: 2,
  study: "noise",
  params: { levels: [0.1, 0.2], kind: "gaussian" },
  ...{ model, inputs, preprocess, seed, backend, versions, created },
  spectra: { k: 10, tol: 1e-5, vectors: 2 },
  axes: { image: ["cat", "höhle/2"], level: [0.1, 0.2], k: [1, 2, 3] },
  cell: ["image", "level"],
  variables: {
    sigma: { dims: ["k"], about: "singular value", unit: "logits" },
    shift: { dims: [], about: "how far the output moves" },
  },
};

describe("a study in its store", () => {
  test("gives back what was written, cell by cell, and NaN for what was not", async () => {
    const store = new MemoryStore();
    const run = await createStudyRun(store, manifest);
    await run.write([1, 0], { sigma: [3, 2, 1], shift: 0.5 }, 1);
    await run.write([0, 1], { sigma: Float32Array.of(6, 5, 4), shift: Number.POSITIVE_INFINITY }, 1);
    const again = await openStudyRun(store);
    expect(again.manifest).toEqual(manifest);
    expect(await again.seconds()).toBe(2);
    expect(await again.read("sigma")).toEqual({
      dims: ["image", "level", "k"],
      shape: [2, 2, 3],
      data: Float64Array.of(Number.NaN, Number.NaN, Number.NaN, 6, 5, 4, 3, 2, 1, Number.NaN, Number.NaN, Number.NaN),
    });
    expect((await again.read("shift")).data).toEqual(
      Float64Array.of(Number.NaN, Number.POSITIVE_INFINITY, 0.5, Number.NaN),
    );
    const done = [0, 1].flatMap((image) => [0, 1].map((level) => again.isDone([image, level])));
    expect(done).toEqual([false, true, true, false]);
  });

  test("goes on with the same settings, and refuses others, naming them", async () => {
    const store = new MemoryStore();
    await (await createStudyRun(store, manifest)).write([0, 0], { sigma: [3, 2, 1], shift: 1 }, 1);
    const later = await createStudyRun(store, { ...manifest, created: "2027-01-01T00:00:00Z" });
    expect(later.isDone([0, 0])).toBe(true);
    await expect(createStudyRun(store, { ...manifest, seed: 7 })).rejects.toThrow(
      "This folder contains the study with other settings. seed: stored 0, asked 7.",
    );
  });

  test("refuses a cell that is not of its size", async () => {
    const run = await createStudyRun(new MemoryStore(), manifest);
    await expect(run.write([0, 0], { sigma: [3, 2], shift: 1 }, 1)).rejects.toThrow(
      "The study noise measured 2 numbers of sigma, not 3.",
    );
    expect(run.isDone([0, 0])).toBe(false);
  });

  test("notes cells that failed, until they have a result", async () => {
    const store = new MemoryStore();
    const run = await createStudyRun(store, manifest);
    await run.fail([0, 1], "no derivative");
    await run.fail([1, 0], "no memory");
    const failures = [
      { cell: [0, 1], why: "no derivative" },
      { cell: [1, 0], why: "no memory" },
    ];
    for (const each of [run, await openStudyRun(store)]) expect(each.failures).toEqual(failures);
    await run.write([0, 1], { shift: 1 }, 1);
    for (const each of [run, await openStudyRun(store)]) expect(each.failures).toEqual(failures.slice(1));
    expect((await openStudyRun(store)).isDone([0, 1])).toBe(true);
  });

  test("what a cell leaves out stays NaN", async () => {
    const run = await createStudyRun(new MemoryStore(), manifest);
    await run.write([0, 0], { sigma: [3, 2, 1] }, 1);
    expect((await run.read("shift")).data[0]).toBeNaN();
    expect(Array.from((await run.read("sigma")).data.subarray(0, 3))).toEqual([3, 2, 1]);
  });

  test("is told from a run, and from nothing", async () => {
    const store = new MemoryStore();
    await expect(openStudyRun(store)).rejects.toThrow("There is no study here.");
    await store.set("/zarr.json", new TextEncoder().encode(JSON.stringify({ attributes: exampleManifest })));
    await expect(openStudyRun(store)).rejects.toThrow("not a study that this version of Pushforward reads");
  });
});
