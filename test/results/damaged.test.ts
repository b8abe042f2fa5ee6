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

test.each<Key>(["/sigma/c/0/1/0", "/floor/c/0/1", "/status/c/0/1/0"])(
  "a chunk of a wrong size is named: %s",
  async (key) => {
    const run = await openRun(await damagedRun(key, (bytes) => bytes.subarray(1)));
    await expect(run.readUnit(0, 1)).rejects.toMatchObject({
      code: "store-mismatch",
      what: expect.stringMatching(/^A part of the store is damaged: the chunk has \d+ bytes instead of \d+\.$/),
      where: { file: `memory${key}` },
    });
  },
);

test("texts that are cut are named", async () => {
  const run = await openRun(await damagedRun("/kinks/c/0/1", (bytes) => bytes.subarray(0, 6)));
  await expect(run.readUnit(0, 1)).rejects.toMatchObject({
    code: "store-mismatch",
    what: expect.stringMatching(/^A part of the store is damaged: it cannot be decoded /),
    where: { file: "memory/kinks/c/0/1" },
  });
});
