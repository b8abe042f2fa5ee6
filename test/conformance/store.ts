import { describe, expect, test } from "vitest";
import type { Key, Store } from "../../src/results/index.ts";

const bytes = (...values: readonly number[]) => Uint8Array.from(values);

async function keysBelow(store: Store, prefix: Key): Promise<Key[]> {
  const keys: Key[] = [];
  for await (const key of store.list(prefix)) keys.push(key);
  return keys.sort();
}

/** What every store must do; `open` gives an empty one. */
export function describeStore(name: string, open: () => Promise<Store>): void {
  describe(`${name} conforms`, () => {
    test("gives back what was set, the last time", async () => {
      const store = await open();
      await store.set("/a/b/c", bytes(1, 2, 3));
      await store.set("/a/b/c", bytes(4));
      await store.set("/empty", bytes());
      expect(await store.get("/a/b/c")).toEqual(bytes(4));
      expect(await store.get("/empty")).toEqual(bytes());
      expect(await store.has("/a/b/c")).toBe(true);
    });

    test("has nothing where nothing was set, above and below a key included", async () => {
      const store = await open();
      expect(await keysBelow(store, "/")).toEqual([]);
      await store.set("/a/b/c", bytes(1));
      for (const key of ["/x", "/a", "/a/b", "/a/b/d"] as const) {
        expect(await store.get(key)).toBeUndefined();
        expect(await store.has(key)).toBe(false);
      }
    });

    test("lists the keys below a prefix", async () => {
      const store = await open();
      for (const key of ["/z", "/a/1", "/a/2/3", "/ab/1"] as const) await store.set(key, bytes(0));
      expect(await keysBelow(store, "/")).toEqual(["/a/1", "/a/2/3", "/ab/1", "/z"]);
      expect(await keysBelow(store, "/a/")).toEqual(["/a/1", "/a/2/3"]);
      expect(await keysBelow(store, "/none/")).toEqual([]);
    });

    test("forgets what was deleted, twice without complaint", async () => {
      const store = await open();
      await store.set("/a/b", bytes(1));
      await store.delete("/a/b");
      await store.delete("/a/b");
      expect(await store.has("/a/b")).toBe(false);
      expect(await keysBelow(store, "/")).toEqual([]);
    });

    test("shares no memory with its callers", async () => {
      const store = await open();
      const given = bytes(9, 1, 2).subarray(1);
      await store.set("/a", given);
      given.fill(7);
      const taken = await store.get("/a");
      taken?.fill(8);
      const again = await store.get("/a");
      expect(again).toEqual(bytes(1, 2));
      expect([again?.byteOffset, again?.buffer.byteLength]).toEqual([0, 2]);
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
