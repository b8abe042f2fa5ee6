import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { sizeOf } from "../../src/base/index.ts";
import { createRun, type Key, MemoryStore, openRun, type Run, type RunManifest } from "../../src/results/index.ts";
import { DyingStore } from "./dying-store.ts";
import { exampleUnit, exampleManifest as manifest } from "./example-run.ts";

const allUnits = manifest.inputs.flatMap((_, input) => manifest.taps.map((_, tap) => [input, tap] as const));
const source = (input: number) => new Float32Array(sizeOf(manifest.from.shape)).map((_, i) => input + i / 7);

async function writeAll(run: Run, version = 0): Promise<void> {
  for (const [input, tap] of allUnits) {
    if (run.isDone(input, tap)) continue;
    if (tap === 0) await run.writeSource(input, source(input));
    await run.writeUnit(input, tap, exampleUnit(manifest, input, tap, version));
  }
}

async function contentsOf(store: MemoryStore): Promise<ReadonlyMap<Key, Uint8Array | undefined>> {
  const found = new Map<Key, Uint8Array | undefined>();
  for await (const key of store.list("/")) found.set(key, await store.get(key));
  return found;
}

const keysOf = async (store: MemoryStore) => [...(await contentsOf(store)).keys()].sort();

async function expectWhole(run: Run): Promise<void> {
  expect(run.manifest).toEqual(manifest);
  for (const [input, tap] of allUnits) {
    expect(run.isDone(input, tap)).toBe(true);
    expect(await run.readUnit(input, tap)).toEqual(exampleUnit(manifest, input, tap));
    expect(await run.readSource(input)).toEqual(source(input));
  }
}

describe("a run", () => {
  test("gives back all that was written, after reopening too", async () => {
    const store = new MemoryStore();
    const run = await createRun(store, manifest);
    await writeAll(run);
    await expectWhole(run);
    await expectWhole(await openRun(store));
    await expectWhole(await createRun(store, { ...manifest, created: "later" }));
  });

  test("has nothing of a unit that is not done", async () => {
    const run = await createRun(new MemoryStore(), manifest);
    expect(run.isDone(1, 2)).toBe(false);
    expect(await run.readUnit(1, 2)).toBeUndefined();
    expect(await run.readSource(1)).toBeUndefined();
    expect((await run.table("sigma")).data.every(Number.isNaN)).toBe(true);
    expect((await run.table("stopped")).data.every(Number.isNaN)).toBe(true);
  });

  test("learns by a look what another program has written, and each unit once", async () => {
    const store = new MemoryStore();
    const [watched, other] = [await createRun(store, manifest), await createRun(store, manifest)];
    expect(await watched.refresh()).toEqual([]);
    await other.writeUnit(1, 0, exampleUnit(manifest, 1, 0));
    await other.failUnit(0, 2, "no memory");
    await watched.writeUnit(0, 0, exampleUnit(manifest, 0, 0));
    expect(watched.isDone(1, 0)).toBe(false);
    expect(await watched.refresh()).toEqual([
      { input: 0, tap: 2 },
      { input: 1, tap: 0 },
    ]);
    expect([watched.isDone(1, 0), watched.failureOf(0, 2)]).toEqual([true, "no memory"]);
    await other.writeUnit(0, 2, exampleUnit(manifest, 0, 2));
    expect(await watched.refresh()).toEqual([{ input: 0, tap: 2 }]);
    expect([watched.isDone(0, 2), watched.failureOf(0, 2)]).toEqual([true, undefined]);
    expect(await watched.refresh()).toEqual([]);
  });

  test("reads only the vectors asked for", async () => {
    const run = await createRun(new MemoryStore(), manifest);
    const unit = exampleUnit(manifest, 0, 0);
    await run.writeUnit(0, 0, unit);
    const one = (await run.readUnit(0, 0, { vectors: [5] }))!.vectors;
    expect(one).toEqual({ index: [5], u: unit.vectors.u.slice(-unit.m), v: unit.vectors.v.slice(-unit.n) });
    expect((await run.readUnit(0, 0, { vectors: false }))!.vectors.index).toEqual([]);
  });

  test("gives tables of all units, NaN where a tap has fewer triplets or a unit is missing", async () => {
    const run = await createRun(new MemoryStore(), manifest);
    await run.writeUnit(1, 2, exampleUnit(manifest, 1, 2));
    const unit = exampleUnit(manifest, 1, 2);
    const sigma = await run.table("sigma");
    expect(sigma.shape).toEqual([2, 3, 6]);
    expect(Array.from(sigma.data.subarray(30))).toEqual([...unit.sigma, Number.NaN, Number.NaN]);
    expect(sigma.data.subarray(0, 30).every(Number.isNaN)).toBe(true);
    const jvp = await run.table("jvp");
    expect(jvp.shape).toEqual([2, 3]);
    expect(Array.from(jvp.data)).toEqual([...new Array(5).fill(Number.NaN), unit.jvp]);
  });

  test("keeps the unit that is stored first, whatever another program writes later", async () => {
    const store = new MemoryStore();
    const [first, second] = [await createRun(store, manifest), await createRun(store, manifest)];
    await first.writeUnit(0, 0, exampleUnit(manifest, 0, 0));
    const keys = await keysOf(store);
    await second.writeUnit(0, 0, exampleUnit(manifest, 0, 0, 1));
    expect(second.isDone(0, 0)).toBe(true);
    for (const run of [first, second]) expect(await run.readUnit(0, 0)).toEqual(exampleUnit(manifest, 0, 0));
    expect(await keysOf(store)).toEqual(keys);
  });

  test("keeps no vector of an earlier attempt that was killed", async () => {
    const store = new DyingStore();
    const run = await createRun(store, manifest);
    const { changes } = store;
    await run.writeUnit(1, 0, exampleUnit(manifest, 1, 0));
    store.changesLeft = store.changes - changes - 1; // all but that it is done
    await expect(run.writeUnit(0, 0, exampleUnit(manifest, 0, 0, 1))).rejects.toThrow("killed");
    store.changesLeft = Number.POSITIVE_INFINITY;
    const { vectors: _, ...unit } = exampleUnit(manifest, 0, 0);
    const none = { index: [], u: new Float32Array(0), v: new Float32Array(0) };
    await run.writeUnit(0, 0, { ...unit, vectors: none });
    expect(await run.readUnit(0, 0)).toEqual({ ...unit, vectors: none });
    expect(await run.readUnit(1, 0)).toEqual(exampleUnit(manifest, 1, 0));
  });

  test("takes a unit of fewer triplets, as an interrupted solver gives", async () => {
    const run = await createRun(new MemoryStore(), manifest);
    const { sigma, residual, floors, status, vectors, ...unit } = exampleUnit(manifest, 0, 0);
    const [u, v] = [vectors.u.slice(0, unit.m), vectors.v.slice(0, unit.n)];
    const few = {
      ...unit,
      k: 1,
      sigma: sigma.slice(0, 1),
      residual: residual.slice(0, 1),
      floors: floors!.slice(0, 1),
      status: status.slice(0, 1),
      stopped: "interrupted",
      vectors: { index: [0], u, v },
    } as const;
    await run.writeUnit(0, 0, few);
    expect(await run.readUnit(0, 0)).toEqual(few);
  });

  test("keeps notes on its inputs", async () => {
    const store = new MemoryStore();
    const run = await createRun(store, manifest);
    await run.noteInput(0, { predicted: "dog" });
    await run.noteInput(1, { failed: "not a picture" });
    for (const { manifest: noted } of [run, await openRun(store)]) {
      expect(noted.inputs[0]).toEqual({ ...manifest.inputs[0], predicted: "dog" });
      expect(noted.inputs[1]).toEqual({ ...manifest.inputs[1], failed: "not a picture" });
    }
    await expect(createRun(store, manifest)).resolves.toBeDefined(); // notes make no other run of it
  });

  test("notes units that failed, until they have a result", async () => {
    const store = new MemoryStore();
    const run = await createRun(store, manifest);
    await run.failUnit(0, 1, "√ has no derivative at 0");
    for (const each of [run, await openRun(store)]) {
      expect(each.isDone(0, 1)).toBe(false);
      expect(each.failureOf(0, 1)).toBe("√ has no derivative at 0");
      expect(each.failureOf(1, 1)).toBeUndefined();
    }
    await run.writeUnit(0, 1, exampleUnit(manifest, 0, 1));
    for (const each of [run, await openRun(store)]) expect(each.failureOf(0, 1)).toBeUndefined();
  });

  test("of format 2 is read, and not continued", async () => {
    const file = new URL("./format-2.json", import.meta.url);
    const files = JSON.parse(await readFile(file, "utf8")) as Readonly<Record<Key, string>>;
    const store = new MemoryStore();
    for (const [key, bytes] of Object.entries(files)) await store.set(key as Key, Buffer.from(bytes, "base64"));
    const small: RunManifest = { ...manifest, taps: manifest.taps.slice(1) };
    const run = await openRun(store);
    expect(run.manifest).toEqual({
      ...{ ...small, formatVersion: 2 },
      inputs: small.inputs.map((input, i) => (i === 0 ? { ...input, predicted: "dog" } : input)),
    });
    const done = [0, 1].map((input) => [0, 1].map((tap) => run.isDone(input, tap)));
    expect(done).toEqual([
      [true, false],
      [false, true],
    ]);
    expect(run.failureOf(0, 1)).toBe("√ at 0");
    for (const i of [0, 1]) {
      const { machine: _, ...unit } = exampleUnit(small, i, i);
      expect(await run.readUnit(i, i)).toEqual(unit);
      expect((await run.table("jvp")).data[3 * i]).toBe(unit.jvp);
    }
    await expect(createRun(store, small)).rejects.toMatchObject({
      code: "store-mismatch",
      what: expect.stringContaining("an earlier version in another format"),
    });
  });

  test("stores few chunks of a unit, however many vectors it has", async () => {
    const store = new DyingStore();
    const run = await createRun(store, manifest);
    const { changes } = store;
    await run.writeUnit(0, 0, exampleUnit(manifest, 0, 0));
    expect(store.changes - changes).toBe(12); // with `done`, and a reason for an earlier failure removed
  });

  test("finds a chunk of another attempt, and one that is missing", async () => {
    for (const key of [
      ...["/sigma/c/0/0/0", "/status/c/0/0/0", "/numbers/c/0/0/0", "/notes/c/0/0"],
      ...["/taps/conv1/k/c/0/0", "/taps/conv1/u/c/0/0/0/0/0", "/taps/conv1/v/c/0/0/0/0/0"],
    ] as Key[]) {
      const [store, other] = [new MemoryStore(), new MemoryStore()];
      await (await createRun(store, manifest)).writeUnit(0, 0, exampleUnit(manifest, 0, 0));
      await (await createRun(other, manifest)).writeUnit(0, 0, exampleUnit(manifest, 0, 0, 1));
      await store.set(key, (await other.get(key))!);
      const damage = (what: RegExp) => ({
        code: "store-mismatch",
        what: expect.stringMatching(what),
        where: { file: `memory${key}` },
      });
      const isSame = key === "/taps/conv1/k/c/0/0"; // whichever attempt it is of
      const read = (await openRun(store)).readUnit(0, 0);
      if (isSame) await expect(read).resolves.toBeDefined();
      else await expect(read).rejects.toMatchObject(damage(/its bytes are not those that were stored with the unit/));
      await store.delete(key);
      await expect((await openRun(store)).readUnit(0, 0)).rejects.toMatchObject(damage(/is not there/));
    }
  });

  test("stores every vector, or none, if so asked", async () => {
    for (const vectors of ["all", 0] as const) {
      const store = new MemoryStore();
      const other: RunManifest = { ...manifest, vectors };
      const run = await createRun(store, other);
      const unit = exampleUnit(other, 0, 0);
      await run.writeUnit(0, 0, unit);
      expect(await run.readUnit(0, 0)).toEqual(unit);
      expect(await store.has("/taps/conv1/u/zarr.json")).toBe(vectors === "all");
    }
  });

  test.each([
    {
      wrong: "m",
      unit: { ...exampleUnit(manifest, 0, 0), m: 3 },
      what: "m of a result is 3; the run has room for 20.",
    },
    {
      wrong: "sigma",
      unit: { ...exampleUnit(manifest, 0, 0), k: 5 },
      what: "The length of sigma of a result is 6; the run has room for 5.",
    },
    { wrong: "tap", unit: exampleUnit(manifest, 0, 2), what: "m of a result is 4; the run has room for 20." },
  ])("refuses a unit with a wrong $wrong", async ({ unit, what }) => {
    const run = await createRun(new MemoryStore(), manifest);
    await expect(run.writeUnit(0, 0, unit)).rejects.toMatchObject({
      code: "shape-mismatch",
      what,
      where: { tap: "conv1" },
    });
    expect(run.isDone(0, 0)).toBe(false);
  });

  test("refuses numbers of units that it does not have", async () => {
    const run = await createRun(new MemoryStore(), manifest);
    expect(() => run.isDone(2, 0)).toThrow("There is no unit (2, 0) in a run of 2 input(s) and 3 tap(s).");
    await expect(run.readUnit(0, 3)).rejects.toMatchObject({ code: "shape-mismatch" });
  });
});

describe("a killed run", () => {
  test("goes on from every point at which it can be killed, and ends the same", async () => {
    const small: RunManifest = {
      ...manifest,
      inputs: manifest.inputs.slice(1),
      taps: manifest.taps.slice(1),
      vectors: 1,
    };
    const unit = (tap: number, version: number) => {
      const { vectors, ...numbers } = exampleUnit(small, 0, tap, version);
      const { m, n } = numbers;
      return { ...numbers, vectors: { index: [3], u: vectors.u.slice(0, m), v: vectors.v.slice(0, n) } };
    };
    const measured = new DyingStore();
    const whole = await createRun(measured, small);
    for (const tap of [0, 1]) await whole.writeUnit(0, tap, unit(tap, 0));
    expect(measured.changes).toBeGreaterThan(60);

    for (let changes = 0; changes < measured.changes; changes++) {
      const store = new DyingStore();
      store.changesLeft = changes;
      const finished: number[] = [];
      const version = (tap: number) => (finished.includes(tap) ? 1 : 0); // whether the killed program wrote it
      const killed = createRun(store, small).then(async (run) => {
        for (const tap of [0, 1]) {
          await run.writeUnit(0, tap, unit(tap, 1));
          finished.push(tap);
        }
      });
      await expect(killed).rejects.toThrow("killed");

      store.changesLeft = Number.POSITIVE_INFINITY;
      const run = await createRun(store, small);
      expect([0, 1].filter((tap) => run.isDone(0, tap))).toEqual(finished);
      for (const tap of [0, 1]) if (!run.isDone(0, tap)) await run.writeUnit(0, tap, unit(tap, 0));
      const reopened = await openRun(store);
      for (const tap of [0, 1]) expect(await reopened.readUnit(0, tap)).toEqual(unit(tap, version(tap)));
    }
  });

  test("is one of two that start at once: the other continues it, or refuses it and changes nothing", async () => {
    const other: RunManifest = { ...manifest, k: 3, taps: manifest.taps.map((tap) => ({ ...tap, k: 3 })) };
    for (const [one, two] of [
      [manifest, manifest],
      [manifest, other],
      [other, manifest],
    ] as const) {
      const store = new MemoryStore();
      const [first, second] = await Promise.allSettled([createRun(store, one), createRun(store, two)]);
      expect(first.status).toBe("fulfilled");
      if (one === two) expect(second.status).toBe("fulfilled");
      else expect(second).toMatchObject({ reason: { code: "store-mismatch" } });
      const alone = new MemoryStore();
      await createRun(alone, one);
      expect(await contentsOf(store)).toEqual(await contentsOf(alone));
    }
  });

  test("lets two writers of different units work on one store", async () => {
    const store = new MemoryStore();
    const writers = [await createRun(store, manifest), await createRun(store, manifest)];
    await Promise.all(
      allUnits.map(async ([input, tap], i) => {
        if (tap === 0) await writers[i % 2]!.writeSource(input, source(input));
        await writers[i % 2]!.writeUnit(input, tap, exampleUnit(manifest, input, tap));
      }),
    );
    await expectWhole(await openRun(store));
    expect(await writers[0]!.readUnit(0, 1)).toEqual(exampleUnit(manifest, 0, 1)); // written by the other
  });
});
