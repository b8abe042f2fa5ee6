import { describe, expect, test } from "vitest";
import type { ByteRange, Key, Store } from "../../src/results/index.ts";

const bytes = (...values: readonly number[]) => Uint8Array.from(values);

async function keysBelow(store: Store, prefix: Key): Promise<Key[]> {
  const keys: Key[] = [];
  for await (const key of store.list(prefix)) keys.push(key);
  return keys.sort();
}

export type Contents = Readonly<Record<Key, Uint8Array>>;

/**
 * What every store must do that can be read.
 *
 * @param open gives a store with some contents
 * @param withoutList why its keys cannot be listed, if they cannot
 */
function describeReading(name: string, open: (contents: Contents) => Promise<Store>, withoutList?: string): void {
  describe(`${name} is read`, () => {
    test("gives what is there, and nothing elsewhere, above and below a key included", async () => {
      const store = await open({ "/a/b/c": bytes(1, 2, 3), "/a/b/empty": bytes(), "/a/b/ü #%.bin": bytes(4) });
      expect(await store.get("/a/b/c")).toEqual(bytes(1, 2, 3));
      expect(await store.get("/a/b/empty")).toEqual(bytes());
      expect(await store.get("/a/b/ü #%.bin")).toEqual(bytes(4));
      expect(await store.has("/a/b/c")).toBe(true);
      for (const key of ["/x", "/a", "/a/b", "/a/b/d", "/a/b/c/d"] as const) {
        expect(await store.get(key)).toBeUndefined();
        expect(await store.has(key)).toBe(false);
      }
    });

    test("shares no memory with its callers", async () => {
      const store = await open({ "/a": bytes(1, 2), "/b": bytes(3) });
      (await store.get("/a"))?.fill(8);
      const again = await store.get("/a");
      expect(again).toEqual(bytes(1, 2));
      expect([again?.byteOffset, again?.buffer.byteLength]).toEqual([0, 2]);
    });

    test("lists the keys below a prefix", async ({ skip }) => {
      skip(withoutList !== undefined, withoutList);
      const store = await open({ "/z": bytes(0), "/a/1": bytes(0), "/a/2/3": bytes(0), "/ab/1": bytes(0) });
      expect(await keysBelow(store, "/")).toEqual(["/a/1", "/a/2/3", "/ab/1", "/z"]);
      expect(await keysBelow(store, "/a/")).toEqual(["/a/1", "/a/2/3"]);
      expect(await keysBelow(store, "/none/")).toEqual([]);
    });
  });
}

/** What every store must do that only gives. */
export function describeReadOnly(
  name: string,
  open: (contents: Contents) => Promise<Store>,
  withoutList?: string,
): void {
  describeReading(name, open, withoutList);
  test(`${name} refuses to be written to`, async () => {
    const store = await open({ "/a": bytes(1), "/b": bytes(2) });
    const refusal = { code: "store-unwritable", what: "A page can only read these files." };
    await expect(store.set("/a", bytes(2))).rejects.toMatchObject(refusal);
    await expect(store.create("/c", bytes(2))).rejects.toMatchObject(refusal);
    await expect(store.delete("/a")).rejects.toMatchObject(refusal);
    expect(await store.get("/a")).toEqual(bytes(1));
  });
}

/** What every store must do; `open` gives an empty one. */
export function describeStore(name: string, open: () => Promise<Store>): void {
  describeReading(name, async (contents) => {
    const store = await open();
    for (const [key, value] of Object.entries(contents)) await store.set(key as Key, value);
    return store;
  });
  describe(`${name} conforms`, () => {
    test("has no keys at first", async () => {
      expect(await keysBelow(await open(), "/")).toEqual([]);
    });

    test("gives back what was set, the last time", async () => {
      const store = await open();
      await store.set("/a/b/c", bytes(1, 2, 3));
      await store.set("/a/b/c", bytes(4));
      await store.set("/empty", bytes());
      expect(await store.get("/a/b/c")).toEqual(bytes(4));
      expect(await store.get("/empty")).toEqual(bytes());
      expect(await store.has("/a/b/c")).toBe(true);
    });

    test("gives parts of the bytes, if it can", async ({ skip }) => {
      const store = await open();
      skip(store.getRange === undefined, "it gives all or nothing");
      await store.set("/a", bytes(1, 2, 3, 4, 5));
      await store.set("/empty", bytes());
      const part = async (range: ByteRange, key: Key = "/a") => store.getRange!(key, range);
      expect(await part({ offset: 1, length: 3 })).toEqual(bytes(2, 3, 4));
      expect(await part({ offset: 3, length: 9 })).toEqual(bytes(4, 5));
      expect(await part({ offset: 5, length: 1 })).toEqual(bytes());
      expect(await part({ suffixLength: 2 })).toEqual(bytes(4, 5));
      expect(await part({ suffixLength: 9 })).toEqual(bytes(1, 2, 3, 4, 5));
      expect(await part({ offset: 0, length: 1 }, "/empty")).toEqual(bytes());
      expect(await part({ offset: 0, length: 1 }, "/b")).toBeUndefined();
    });

    test("creates what is not there, and leaves what is", async () => {
      const store = await open();
      expect(await store.create("/a/b", bytes(1, 2))).toBe(true);
      expect(await store.create("/a/b", bytes(3))).toBe(false);
      expect(await store.get("/a/b")).toEqual(bytes(1, 2));
      await store.set("/c", bytes(1));
      expect(await store.create("/c", bytes(2))).toBe(false);
      await store.delete("/c");
      expect(await store.create("/c", bytes(3))).toBe(true);
      expect(await store.get("/c")).toEqual(bytes(3));
      expect(await keysBelow(store, "/")).toEqual(["/a/b", "/c"]);
    });

    test("lets one of many creators of a key succeed", async () => {
      const store = await open();
      for (let round = 0; round < 10; round++) {
        const tries = Array.from({ length: 6 }, (_, i) => store.create(`/race/${round}`, bytes(i)));
        const winners = (await Promise.all(tries)).flatMap((won, i) => (won ? [i] : []));
        expect(winners).toHaveLength(1);
        expect(await store.get(`/race/${round}`)).toEqual(bytes(winners[0]!));
      }
    });

    test("forgets what was deleted, twice without complaint", async () => {
      const store = await open();
      await store.set("/a/b", bytes(1));
      await store.delete("/a/b");
      await store.delete("/a/b");
      expect(await store.has("/a/b")).toBe(false);
      expect(await keysBelow(store, "/")).toEqual([]);
    });

    test("keeps no memory of its callers", async () => {
      const store = await open();
      const given = bytes(9, 1, 2).subarray(1);
      await store.set("/a", given);
      given.fill(7);
      expect(await store.get("/a")).toEqual(bytes(1, 2));
    });

    test("takes many writes at once, to one key too", async () => {
      const store = await open();
      const writes = Array.from({ length: 64 }, (_, i) => store.set(`/many/${i % 16}`, new Uint8Array(1000).fill(i)));
      await Promise.all(writes);
      expect(await keysBelow(store, "/many/")).toHaveLength(16);
      for (let i = 0; i < 16; i++) {
        const stored = await store.get(`/many/${i}`);
        expect(stored).toEqual(new Uint8Array(1000).fill(stored![0]!)); // whole, from one of the writers
        expect(stored![0]! % 16).toBe(i);
      }
    });
  });
}
