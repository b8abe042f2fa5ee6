import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { createRng, gaussianArray } from "../../src/base/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import type { Block, Matrix } from "../../src/runtime/index.ts";
import { dataOf, hostBlock, jsAlgebra } from "../support/js-algebra.ts";

const backend = createBackend({ threads: 1 });
const { algebra } = backend;
afterAll(() => backend.dispose());

const EPS = 2 ** -23;

const blockOf = (seed: number, rows: number, length: number): Block =>
  hostBlock(gaussianArray(createRng(seed, rows, length), rows * length), rows);
/** The same block on the backend. */
const read = (x: Block) => x.read();
const there = (x: Block): Block => algebra.upload(dataOf(x).slice(), x.rows, x.length);
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
      const [x, y] = [there(a), there(b)];
      const expected = (await jsAlgebra.gram(a, b)).data;
      const scale = Math.sqrt(n) / (Math.max(...expected.map(Math.abs)) || 1); // entries of A·Bᵀ are about √n
      const single = await algebra.gram(x, y);
      expect([single.rows, single.columns]).toEqual([r, s]);
      expect(distance(single.data, expected)).toBeLessThan(16 * EPS * Math.max(1, scale));
      const exact = await algebra.gram(x, y, { exact: true });
      expect(distance(exact.data, expected)).toBeLessThan(1e-12 * Math.max(1, scale));
      const self = (await jsAlgebra.gram(a, a)).data;
      expect(distance((await algebra.gram(x, x, { exact: true })).data, self)).toBeLessThan(1e-13);
    }));

  test("gram of many rows with themselves, in panels", async () => {
    for (const rows of [33, 64, 131]) {
      const a = blockOf(rows, rows, 9000);
      const x = there(a);
      const exact = await algebra.gram(x, x, { exact: true });
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
      expect(distance(await algebra.dots(there(a), there(b)), expected)).toBeLessThan(1e-12 * Math.max(1, scale));
    }));

  test("select, and scatter into memory that was used", () =>
    law(async ({ seed, r, n }) => {
      const a = blockOf(seed, r, n);
      const positions = Uint32Array.from({ length: Math.ceil(n / 3) }, (_, j) => n - 1 - 3 * j);
      const selected = await jsAlgebra.select(a, positions);
      expect(await algebra.select(there(a), positions).then(read)).toEqual(dataOf(selected));
      const used = algebra.upload(new Float32Array((r + 1) * n).fill(7), r + 1);
      const scattered = await algebra.scatter(there(selected), positions, n, { into: used.range(0, r) });
      expect(await scattered.read()).toEqual(dataOf(await jsAlgebra.scatter(selected, positions, n)));
      expect(await used.range(r).read()).toEqual(new Float32Array(n).fill(7));
    }));

  test("combine and subtract", () =>
    law(async ({ seed, r, s, n }) => {
      const [c, q, w] = [matrixOf(seed, r, s), blockOf(seed + 1, s, n), blockOf(seed + 2, r, n)];
      const expected = dataOf(await jsAlgebra.combine(c, q));
      const sum = 4 * Math.sqrt(s) * EPS; // of s rounded products
      const combined = await algebra.combine(c, there(q));
      expect(distance(await combined.read(), expected)).toBeLessThan(sum * 4);
      const exact = await algebra.combine(c, there(q), { exact: true });
      expect(distance(await exact.read(), expected)).toBeLessThan(EPS);
      const rest = await algebra.subtract(there(w), c, there(q));
      expect(distance(await rest.read(), dataOf(await jsAlgebra.subtract(w, c, q)))).toBeLessThan(sum * 8);
    }));

  test("mix, copy and stack", () =>
    law(async ({ seed, r, s, n }) => {
      const [a, b] = [blockOf(seed, r, n), blockOf(seed + 1, s, n)];
      const terms = (x: Block) =>
        [
          { weight: 2, block: x },
          { weight: -0.5, block: x },
          { weight: 0, block: x },
        ] as const;
      const mixed = await algebra.mix(terms(there(a)));
      expect(distance(await mixed.read(), dataOf(await jsAlgebra.mix(terms(a))))).toBeLessThan(4 * EPS);
      const both = await algebra.stack([there(a), there(b)]);
      expect(await both.range(0, r).read()).toEqual(dataOf(a));
      expect(await both.range(r).read()).toEqual(dataOf(b));
      await algebra.copy(there(a), both.range(s));
      expect(await both.range(s).read()).toEqual(dataOf(a));
    }));

  test("squaredDifference, exact also where everything cancels", () =>
    law(async ({ seed, r, n }) => {
      const [a, b] = [blockOf(seed, r, n), blockOf(seed + 1, r, n)];
      const s = Float64Array.from(gaussianArray(createRng(seed, "s"), r));
      const expected = await jsAlgebra.squaredDifference(a, s, b);
      expect(distance(await algebra.squaredDifference(there(a), s, there(b)), expected)).toBeLessThan(1e-12);
      const ones = new Float64Array(r).fill(1);
      expect(await algebra.squaredDifference(there(a), ones, there(a))).toEqual(new Float64Array(r));
    }));
});

test("blocks without rows give products without entries, or zeros", async () => {
  const some = there(blockOf(1, 3, 10));
  const none = algebra.upload(new Float32Array(0), 0, 10);
  expect((await algebra.gram(none, some)).data).toHaveLength(0);
  const zeros = await algebra.combine({ rows: 2, columns: 0, data: new Float64Array(0) }, none);
  expect([zeros.rows, zeros.length]).toEqual([2, 10]);
  expect(await zeros.read()).toEqual(new Float32Array(20));
  const same = await algebra.subtract(some, { rows: 3, columns: 0, data: new Float64Array(0) }, none);
  expect(same).not.toBe(some);
  expect(await same.read()).toEqual(await some.read());
});

test("ranges of larger blocks are read in place", async () => {
  const whole = blockOf(5, 6, 40);
  const expected = await jsAlgebra.gram(whole.range(2, 4), whole);
  const x = there(whole);
  expect(distance((await algebra.gram(x.range(2, 4), x)).data, expected.data)).toBeLessThan(16 * EPS);
});
