import { expect, test } from "vitest";
import { createRun, type Key, MemoryStore, openRun } from "../../src/results/index.ts";
import { exampleUnit, exampleManifest as manifest } from "./example-run.ts";

/** A stored run, in which a chunk is replaced by other bytes. */
async function damagedRun(key: Key, damage: (bytes: Uint8Array) => Uint8Array): Promise<MemoryStore> {
  const store = new MemoryStore();
  const run = await createRun(store, manifest);
  await run.writeUnit(0, 1, exampleUnit(manifest, 0, 1));
  await store.set(key, damage((await store.get(key))!));
  return store;
}

const shorter = (bytes: Uint8Array) => bytes.subarray(1);

test.each<Key>(["/sigma/c/0/1/0", "/numbers/c/0/1/0", "/seconds/c/0/1"])(
  "a chunk of a wrong size is named: %s",
  async (key) => {
    const run = await openRun(await damagedRun(key, shorter));
    const where = { file: `memory${key}` };
    const table = key === "/numbers/c/0/1/0" ? "floor" : (key.split("/")[1] as "sigma");
    await expect(run.table(table)).rejects.toMatchObject({
      code: "store-mismatch",
      what: expect.stringMatching(/^A part of the store is damaged: the chunk has \d+ bytes instead of \d+\.$/),
      where,
    });
    await expect(run.readUnit(0, 1)).rejects.toMatchObject({ code: "store-mismatch", where });
  },
);

test("a shard that is cut is named", async () => {
  for (const key of ["/taps/block~2frelu~201/u/c/0/0/0/0/0", "/taps/block~2frelu~201/v/c/0/0/0/0/0"] as const) {
    for (const kept of [0, 60, 380]) {
      const run = await openRun(await damagedRun(key, (bytes) => bytes.subarray(0, kept)));
      await expect(run.readUnit(0, 1)).rejects.toMatchObject({
        code: "store-mismatch",
        where: { file: `memory${key}` },
      });
    }
  }
});

test("texts that are cut are named", async () => {
  const store = new MemoryStore();
  await (await createRun(store, manifest)).failUnit(0, 1, "√ at 0");
  await store.set("/unit_failed/c/0/1", (await store.get("/unit_failed/c/0/1"))!.subarray(0, 6));
  await expect(openRun(store)).rejects.toMatchObject({
    code: "store-mismatch",
    what: expect.stringMatching(/^A part of the store is damaged: it cannot be decoded /),
    where: { file: "memory/unit_failed/c/0/1" },
  });
});

test("a record of a unit that is no JSON is named", async () => {
  const run = await openRun(await damagedRun("/done/c/0/1", (bytes) => bytes.map((byte, i) => (i < 12 ? byte : 32))));
  await expect(run.readUnit(0, 1)).rejects.toMatchObject({
    code: "store-mismatch",
    what: expect.stringContaining("the record of the unit is no JSON"),
    where: { file: "memory/done/c/0/1" },
  });
});
