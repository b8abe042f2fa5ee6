import { expect, test } from "vitest";
import type { CompiledJacobian } from "../../src/jacobian/index.ts";
import { CompiledCache } from "../../src/studies/compiled-cache.ts";

/** As much as a Jacobian has that nothing is asked of but its weights: a gigabyte in all its sessions. */
function heavy(released: string[], name: string): CompiledJacobian {
  const data = { byteLength: 2 ** 28 };
  const weights = new Map([["w", { type: "float32", shape: [2 ** 26], data }]]);
  const linearization = { constants: weights, primal: { graph: { initializers: weights } } };
  return { linearization, release: async () => void released.push(name) } as unknown as CompiledJacobian;
}

test("what was used least recently is released where compiled Jacobians hold too much, and made again when asked for", async () => {
  const released: string[] = [];
  const made: string[] = [];
  const cache = new CompiledCache();
  const get = (name: string) =>
    cache.get(name, async () => {
      made.push(name);
      return heavy(released, name);
    });
  for (const name of ["a", "b", "c", "d", "e", "f", "g", "h", "a", "i"]) await get(name);
  expect(made).toEqual(["a", "b", "c", "d", "e", "f", "g", "h", "i"]);
  expect(released).toEqual(["b"]);
  await get("b");
  expect(released).toEqual(["b", "c"]);
  await cache.close();
  expect([...released].sort()).toEqual(["a", "b", "b", "c", "d", "e", "f", "g", "h", "i"]);
});

test("one that could not be made is tried again, and closing does not mind it", async () => {
  const cache = new CompiledCache();
  await expect(cache.get("a", () => Promise.reject(new Error("no memory")))).rejects.toThrow("no memory");
  const released: string[] = [];
  await cache.get("a", async () => heavy(released, "a"));
  await cache.close();
  expect(released).toEqual(["a"]);
});
