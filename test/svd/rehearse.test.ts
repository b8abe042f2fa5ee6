import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRng } from "../../src/base/index.ts";
import type { LinearOperator } from "../../src/operator/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { BlockLanczos } from "../../src/svd/block-lanczos.ts";
import { counted, rehearse, svd } from "../../src/svd/index.ts";
import { measuredRates } from "../../src/svd/rates.ts";
import { noVectors } from "../../src/svd/short-side.ts";
import { zeros } from "../../src/svd/small/matrix.ts";
import { Workload } from "../../src/svd/workload.ts";
import { hostBlock } from "../support/js-algebra.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

/** A diagonal m×n operator: its products cost nothing here, and `productCost` in the solver's eyes. */
function diagonal(m: number, n: number, sigma: (i: number) => number, productCost: number): LinearOperator {
  const entries = Float32Array.from({ length: Math.min(m, n) }, (_, i) => sigma(i));
  const image = (to: number): LinearOperator["apply"] => {
    return async (x) => {
      const [from, data] = [await x.read(), new Float32Array(x.rows * to)];
      for (let row = 0; row < x.rows; row++) {
        for (const [i, entry] of entries.entries()) data[row * to + i] = entry * from[row * x.length + i]!;
      }
      return hostBlock(data, x.rows);
    };
  };
  const { algebra } = backend;
  return {
    source: [n],
    target: [m],
    preferredRows: 32,
    productCost,
    algebra,
    apply: image(m),
    applyTranspose: image(n),
  };
}

const [m, n] = [3000, 3600];
/** Spectra as those of networks: steep at the front, a long tail, or nearly flat. */
const spectra: readonly [string, (i: number) => number, number][] = [
  ["a power law", (i) => 1 / (1 + i / 10), 1e9],
  ["an exponential to a floor", (i) => 10 * Math.exp(-i / 60) + 0.02, 1e9],
  ["nearly flat, dear", (i) => 2 - i / m, 1e9],
  ["nearly flat, cheap", (i) => 2 - i / m, 1e5],
];

describe.each(spectra)("%s", (_, sigma, cost) => {
  const J = diagonal(m, n, sigma, cost);
  let predict: Awaited<ReturnType<typeof rehearse>>;
  beforeAll(async () => {
    predict = await rehearse(J);
  });

  test.each([20, 120])("the products of a solve for k = %i are foreseen to three in ten", async (k) => {
    const solved = await svd(J, { k });
    const predicted = await predict({ k });
    expect(predicted.method).toBe("krylov");
    for (const side of ["jvp", "vjp"] as const) {
      expect(Math.abs(predicted[side] / solved.certificate.cost[side] - 1)).toBeLessThan(0.3);
    }
  });
});

test("of a short side that is read whole the products are known", async () => {
  const J = diagonal(200, n, (i) => 1 / (1 + i), 1e6);
  const { cost } = (await svd(J, { k: 50 })).certificate;
  const predicted = await (await rehearse(J))({ k: 50 });
  expect(predicted.method).toBe("dense");
  expect(predicted.jvp).toBeCloseTo(cost.jvp, -1);
  expect(predicted.vjp).toBeCloseTo(cost.vjp, -1);
});

test("memory grows with k, at least by what u and v hold", async () => {
  const predict = await rehearse(diagonal(m, n, (i) => 1 / (1 + i), 1e9));
  const [few, many] = [await predict({ k: 50 }), await predict({ k: 150 })];
  expect(many.bytes - few.bytes).toBeGreaterThan(4 * 100 * (m + n));
});

test("the basis of a search is counted whole, though not every block is compared with all of it", async () => {
  const rates = await measuredRates(backend.algebra, 8);
  const work = new Workload(backend.algebra, rates, 2);
  const lanczos = new BlockLanczos({
    apply: diagonal(400, 400, (i) => 2 - i / 400, 1).apply,
    algebra: work.algebra,
    avoided: noVectors(work.algebra, 400),
    blockRows: 8,
    capacity: 96,
    rng: createRng("basis"),
    negligible: 0,
  });
  for (let step = 0; step < 9; step++) await lanczos.step();
  const { size } = lanczos;
  await lanczos.combine(zeros(1, size));
  lanczos.dispose();
  expect(work.mostVectors).toBeGreaterThanOrEqual(2 * size);
});

test("an operator that is zero can be rehearsed", async () => {
  const predicted = await (await rehearse(diagonal(m, n, () => 0, 1e9)))({ k: 5 });
  expect(predicted.seconds).toBeGreaterThan(0);
});

test("counting alone tells the method, and products within a factor of two", async () => {
  const J = diagonal(m, n, (i) => 1 / (1 + i / 10), 1e9);
  const { jvp, method } = await (await rehearse(J))({ k: 100 });
  const byCount = counted({ m, n, cost: 1e9, k: 100 }, 1e10);
  expect(byCount.method).toBe(method);
  expect(byCount.jvp / jvp).toBeGreaterThan(0.5);
  expect(byCount.jvp / jvp).toBeLessThan(2);
});
