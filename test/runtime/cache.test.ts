import { expect, test } from "vitest";
import { CompiledCache } from "../../src/runtime/index.ts";

function counting(budget: number) {
  const [made, released]: [string[], string[]] = [[], []];
  const cache = new CompiledCache<{ bytes: number; release(): Promise<void> }>(budget);
  const make = async (name: string, bytes: number) => {
    made.push(name);
    return { bytes, release: async () => void released.push(name) };
  };
  const use = (name: string, bytes: number, work = async () => {}) => cache.use(name, () => make(name, bytes), work);
  return { cache, made, released, use };
}

test("what was used least recently is released beyond the budget, and made again when it is asked for", async () => {
  const { cache, made, released, use } = counting(20);
  for (const name of ["a", "b", "a", "c"]) await use(name, 10);
  expect([made, released, cache.bytes]).toEqual([["a", "b", "c"], ["b"], 20]);
  await use("b", 10);
  expect([made, released, cache.bytes]).toEqual([["a", "b", "c", "b"], ["b", "a"], 20]);
  await use("large", 50);
  expect([released.slice(2), cache.bytes]).toEqual([["c", "b"], 50]);
  await cache.makeRoom(1);
  expect([released.at(-1), cache.bytes]).toEqual(["large", 0]);
});

test("what is at work is not released", async () => {
  const { cache, released, use } = counting(10);
  await use("a", 10, async () => {
    await use("b", 10);
    expect(released).toEqual([]);
    expect(cache.bytes).toBe(20);
  });
  await use("c", 10);
  expect(released.sort()).toEqual(["a", "b"]);
});

test("two that ask at once get one", async () => {
  const { made, use } = counting(10);
  await Promise.all([use("a", 1), use("a", 1)]);
  expect(made).toEqual(["a"]);
});

test("what could not be made is tried again, and what went wrong in the work does not matter", async () => {
  const { cache, made, use } = counting(10);
  await expect(
    cache.use(
      "a",
      () => Promise.reject(new Error("no memory")),
      async () => {},
    ),
  ).rejects.toThrow("no memory");
  await expect(use("a", 1, () => Promise.reject(new Error("no product")))).rejects.toThrow("no product");
  await use("a", 1);
  expect(made).toEqual(["a"]);
});

test("clearing releases all, twice is harmless, and all can be made again", async () => {
  const { cache, made, released, use } = counting(10);
  await use("a", 1);
  await cache.clear();
  await cache.clear();
  expect(released).toEqual(["a"]);
  await use("a", 1);
  expect(made).toEqual(["a", "a"]);
});

test("a smaller budget releases what is too much at once", async () => {
  const { cache, released, use } = counting(30);
  for (const name of ["a", "b", "c"]) await use(name, 10);
  await cache.limit(20);
  expect([released, cache.bytes]).toEqual([["a"], 20]);
});
