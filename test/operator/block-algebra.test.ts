import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { createRng, gaussianArray } from "../../src/base/index.ts";
import { type Block, block, type Matrix, rowsOf } from "../../src/operator/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { jsAlgebra } from "../support/js-algebra.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

const EPS = 2 ** -23;

const blockOf = (seed: number, rows: number, length: number): Block =>
  block(gaussianArray(createRng(seed, rows, length), rows * length), rows);
const matrixOf = (seed: number, rows: number, columns: number): Matrix => ({
  rows,
  columns,
  data: Float64Array.from(gaussianArray(createRng(seed, "matrix"), rows * columns)),
});

/** Largest difference in units of the largest entry. */
function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let [gap, scale] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    gap = Math.max(gap, Math.abs(a[i]! - b[i]!));
    scale = Math.max(scale, Math.abs(b[i]!));
  }
  return gap / (scale || 1);
}

const sizes = fc.record({
  seed: fc.nat(1000),
  r: fc.integer({ min: 1, max: 9 }),
  s: fc.integer({ min: 1, max: 20 }),
  n: fc.constantFrom(1, 7, 300, 8192, 8200, 20_000),
});

describe("the algebra on ONNX Runtime agrees with plain loops", () => {
  const law = (check: (size: { seed: number; r: number; s: number; n: number }) => Promise<void>) =>
    fc.assert(fc.asyncProperty(sizes, check), { numRuns: 25 });

  test("gram", () =>
    law(async ({ seed, r, s, n }) => {
      const [a, b] = [blockOf(seed, r, n), blockOf(seed + 1, s, n)];
      const expected = (await jsAlgebra.gram(a, b)).data;
      const scale = Math.sqrt(n) / (Math.max(...expected.map(Math.abs)) || 1); // entries of A·Bᵀ are about √n
      const single = await backend.algebra.gram(a, b);
      expect([single.rows, single.columns]).toEqual([r, s]);
      expect(distance(single.data, expected)).toBeLessThan(16 * EPS * Math.max(1, scale));
      expect(distance((await backend.algebra.gram(a, b, { exact: true })).data, expected)).toBeLessThan(
        1e-12 * Math.max(1, scale),
      );
      const self = (await jsAlgebra.gram(a, a)).data;
      expect(distance((await backend.algebra.gram(a, a, { exact: true })).data, self)).toBeLessThan(1e-13);
    }));

  test("gram of many rows with themselves, in panels", async () => {
    for (const rows of [33, 64, 131]) {
      const a = blockOf(rows, rows, 9000);
      const exact = await backend.algebra.gram(a, a, { exact: true });
      expect([exact.rows, exact.columns]).toEqual([rows, rows]);
      expect(distance(exact.data, (await jsAlgebra.gram(a, a)).data)).toBeLessThan(1e-13);
    }
  });

  test("dots", () =>
    law(async ({ seed, r, n }) => {
      const [a, b] = [blockOf(seed, r, n), blockOf(seed + 1, r, n)];
      const gram = (await jsAlgebra.gram(a, b)).data;
      const expected = Float64Array.from({ length: r }, (_, i) => gram[i * (r + 1)]!);
      const scale = Math.sqrt(n) / (Math.max(...expected.map(Math.abs)) || 1);
      expect(distance(await backend.algebra.dots(a, b), expected)).toBeLessThan(1e-12 * Math.max(1, scale));
    }));

  test("select, and scatter into memory that was used", () =>
    law(async ({ seed, r, n }) => {
      const { algebra } = backend;
      const a = blockOf(seed, r, n);
      const positions = Uint32Array.from({ length: Math.ceil(n / 3) }, (_, j) => n - 1 - 3 * j);
      const selected = await algebra.select(a, positions);
      expect(selected).toEqual(await jsAlgebra.select(a, positions));
      const into = new Float32Array(r * n + 1).fill(7);
      expect(await algebra.scatter(selected, positions, n, { into })).toEqual(
        await jsAlgebra.scatter(selected, positions, n),
      );
      expect(into.at(-1)).toBe(7);
    }));

  test("combine and subtract", () =>
    law(async ({ seed, r, s, n }) => {
      const [c, q, w] = [matrixOf(seed, r, s), blockOf(seed + 1, s, n), blockOf(seed + 2, r, n)];
      const expected = await jsAlgebra.combine(c, q);
      const sum = 4 * Math.sqrt(s) * EPS; // of s rounded products
      expect(distance((await backend.algebra.combine(c, q)).data, expected.data)).toBeLessThan(sum * 4);
      expect(distance((await backend.algebra.combine(c, q, { exact: true })).data, expected.data)).toBeLessThan(EPS);
      const rest = await backend.algebra.subtract(w, c, q);
      expect(distance(rest.data, (await jsAlgebra.subtract(w, c, q)).data)).toBeLessThan(sum * 8);
    }));

  test("squaredDifference, exact also where everything cancels", () =>
    law(async ({ seed, r, n }) => {
      const [a, b] = [blockOf(seed, r, n), blockOf(seed + 1, r, n)];
      const s = Float64Array.from(gaussianArray(createRng(seed, "s"), r));
      const expected = await jsAlgebra.squaredDifference(a, s, b);
      expect(distance(await backend.algebra.squaredDifference(a, s, b), expected)).toBeLessThan(1e-12);
      const ones = new Float64Array(r).fill(1);
      expect(await backend.algebra.squaredDifference(a, ones, a)).toEqual(new Float64Array(r));
    }));
});

test("blocks without rows give products without entries, or zeros", async () => {
  const { algebra } = backend;
  const some = blockOf(1, 3, 10);
  const none: Block = { rows: 0, length: 10, data: new Float32Array(0) };
  expect((await algebra.gram(none, some)).data).toHaveLength(0);
  expect(await algebra.combine({ rows: 2, columns: 0, data: new Float64Array(0) }, none)).toEqual({
    rows: 2,
    length: 10,
    data: new Float32Array(20),
  });
  const same = await algebra.subtract(some, { rows: 3, columns: 0, data: new Float64Array(0) }, none);
  expect(same).toEqual(some);
  expect(same.data).not.toBe(some.data);
});

test("views into larger arrays are read in place", async () => {
  const whole = blockOf(5, 6, 40);
  const part = rowsOf(whole, 2, 4);
  const expected = await jsAlgebra.gram(part, whole);
  expect(distance((await backend.algebra.gram(part, whole)).data, expected.data)).toBeLessThan(16 * EPS);
});
