import { describe, expect, test } from "vitest";
import { createRun, MemoryStore, matchInputs, openRun, type RunManifest } from "../../src/results/index.ts";
import { DyingStore } from "./dying-store.ts";
import { exampleUnit, exampleManifest as manifest } from "./example-run.ts";

const [cat, cave] = manifest.inputs;
const bird = { name: "bird", file: "images/bird.png", sha256: "03".repeat(32), label: "bird" };
const emu = { name: "emu", file: "images/emu.png", sha256: "04".repeat(32) };
/** In the order of the folder, which is not that of the store. */
const more: RunManifest = { ...manifest, inputs: [bird, cat!, emu, cave!] };
/** As the store has them: those of before, then the new ones. */
const grown: RunManifest = { ...manifest, inputs: [cat!, cave!, bird, emu] };

/** What a Zarr reader sees in a store, whatever its layout in chunks. */
async function contentOf(store: MemoryStore) {
  const run = await openRun(store);
  const pairs = run.manifest.inputs.flatMap((_, input) => run.manifest.taps.map((_, tap) => [input, tap] as const));
  const units = await Promise.all(pairs.map(([input, tap]) => run.readUnit(input, tap)));
  return { manifest: run.manifest, units };
}

async function filled(): Promise<DyingStore> {
  const store = new DyingStore();
  const run = await createRun(store, manifest);
  await run.writeUnit(0, 1, exampleUnit(manifest, 0, 1));
  await run.writeUnit(1, 2, exampleUnit(manifest, 1, 2));
  return store;
}

describe("a run that is given more inputs", () => {
  test("keeps its units, and has room for those of the new inputs", async () => {
    const store = await filled();
    const run = await createRun(store, more);
    expect(run.manifest).toEqual(grown);
    expect(await run.readUnit(0, 1)).toEqual(exampleUnit(manifest, 0, 1));
    expect(run.isDone(2, 0)).toBe(false);
    await run.writeUnit(3, 2, exampleUnit(grown, 3, 2));
    const again = await createRun(store, more);
    expect(await again.readUnit(3, 2)).toEqual(exampleUnit(grown, 3, 2));
    expect(await again.readUnit(1, 2)).toEqual(exampleUnit(manifest, 1, 2));
  });

  test("grows in steps, and reads the same as one that began with all", async () => {
    const store = await filled();
    await createRun(store, { ...manifest, inputs: [cat!, cave!, bird] });
    await createRun(store, more);
    const whole = new MemoryStore();
    const run = await createRun(whole, grown);
    await run.writeUnit(0, 1, exampleUnit(manifest, 0, 1));
    await run.writeUnit(1, 2, exampleUnit(manifest, 1, 2));
    expect(await contentOf(store)).toEqual(await contentOf(whole));
  });

  test("is killed at any point: what was there stays, and the next call makes it good", async () => {
    const measured = await filled();
    const before = measured.changes;
    await createRun(measured, more);
    const expected = await contentOf(measured);
    const steps = measured.changes - before;
    expect(steps).toBeGreaterThan(20);
    for (let changes = 0; changes < steps; changes++) {
      const store = await filled();
      store.changesLeft = changes;
      await expect(createRun(store, more)).rejects.toThrow("killed");
      store.changesLeft = Number.POSITIVE_INFINITY;
      const stored = await contentOf(store);
      expect(stored.manifest.inputs).toHaveLength(2);
      expect(stored.units[1]).toEqual(exampleUnit(manifest, 0, 1));
      await createRun(store, more);
      expect(await contentOf(store)).toEqual(expected);
    }
  });

  test("is killed, and asked for without them: the metadata of every array is as before again", async () => {
    const untouched = await filled();
    const store = await filled();
    store.changesLeft = 20;
    await expect(createRun(store, more)).rejects.toThrow("killed");
    store.changesLeft = Number.POSITIVE_INFINITY;
    await createRun(store, manifest);
    for await (const key of untouched.list("/")) {
      if (key.endsWith("zarr.json")) expect(await store.get(key), key).toEqual(await untouched.get(key));
    }
  });

  test("takes a picture that could not be used before, and the label of one that had none", async () => {
    const store = new MemoryStore();
    const broken = { name: "bird", file: "images/bird.png", sha256: "", failed: "not a picture" };
    await createRun(store, { ...manifest, inputs: [cat!, cave!, broken] });
    const { manifest: now } = await createRun(store, {
      ...manifest,
      inputs: [cat!, { ...cave!, label: "cave" }, bird],
    });
    expect(now.inputs).toEqual([cat, { ...cave!, label: "cave" }, bird]);
    // One that cannot be used now does not take away what it was.
    expect((await createRun(store, { ...manifest, inputs: [cat!, cave!, broken] })).manifest).toEqual(now);
  });
});

describe("inputs are matched", () => {
  test("by content, whatever they are called; the stored name stays", () => {
    const moved = { ...cat!, name: "a/cat.png", file: "a/cat.png" };
    const { inputs, places, differences } = matchInputs([cat!, cave!], [cave!, moved]);
    expect({ inputs, places, differences }).toEqual({ inputs: [cat, cave], places: [1, 0], differences: [] });
  });

  test("has the label, the class and the verdict of now, and no verdict on what has changed", () => {
    const stored = { ...cat!, label: "cat", predicted: "dog", isRight: false };
    const now = (asked: object) =>
      matchInputs([stored], [{ name: "cat", file: cat!.file, sha256: cat!.sha256, ...asked }]).inputs[0];
    expect(now({})).toEqual(stored);
    expect(now({ label: "dog", predicted: "dog", isRight: true })).toMatchObject({ label: "dog", isRight: true });
    expect(now({ label: "cat", predicted: "3" })).not.toHaveProperty("isRight");
  });

  test("by name among those of the same content", () => {
    const twin = { ...cat!, name: "twin" };
    expect(matchInputs([cat!, twin], [twin, cat!]).places).toEqual([1, 0]);
  });

  test.each([
    { asked: [cat!], says: ['input "höhle/2" (020202020202) is stored and is not asked for'] },
    {
      asked: [cat!, { ...cave!, sha256: "05".repeat(32) }],
      says: ['input "höhle/2": stored 020202020202, asked 050505050505'],
    },
    { asked: [bird, cave!], says: ['input "cat" (010101010101) is stored and is not asked for'] },
  ])("or refused: $says", ({ asked, says }) => {
    expect(matchInputs([cat!, cave!], asked).differences).toEqual(says);
  });
});
