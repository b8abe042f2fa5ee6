import { describe, expect, test } from "vitest";
import { createRng } from "../../src/base/index.ts";
import { breathe } from "../../src/svd/breathe.ts";
import { randomBlock } from "../../src/svd/random-block.ts";
import { bandedEigen } from "../../src/svd/small/banded-eigen.ts";
import { symmetricEigen } from "../../src/svd/small/eigen.ts";
import { multiply } from "../../src/svd/small/matrix.ts";
import { jsAlgebra } from "../support/js-algebra.ts";

/** How often a timer of the program runs while a job does. */
async function ticksDuring(job: () => Promise<unknown>): Promise<number> {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  await job();
  clearInterval(timer);
  return ticks;
}

describe("timers run during the long loops of", () => {
  const rng = createRng("breathe");
  const [order, width] = [1100, 32];
  const band = { order, width, data: Float64Array.from({ length: order * (width + 1) }, () => rng.gaussian()) };
  const n = 480;
  const square = { rows: n, columns: n, data: Float64Array.from({ length: n * n }, () => rng.gaussian()) };
  // Products that end in the same task, so that only the loops themselves can let others run.
  const product = async (a: Parameters<typeof multiply>[0], b: Parameters<typeof multiply>[1]) => multiply(a, b);

  test.each<[string, () => Promise<unknown>]>([
    ["the reduction of a band", () => bandedEigen(band, product).ends(1)],
    ["an eigenproblem", () => symmetricEigen(square, product)],
    ["random numbers", () => randomBlock(jsAlgebra, rng, 16, 300_000)],
  ])("%s", async (_, job) => {
    expect(await ticksDuring(job)).toBeGreaterThan(0);
  });
});

test("most calls return at once", async () => {
  await breathe();
  const started = performance.now();
  for (let i = 0; i < 10_000; i++) await breathe();
  expect(performance.now() - started).toBeLessThan(2000);
});

test("random blocks have the numbers of the generator in order, and zeros outside of a support", async () => {
  const [a, b] = [createRng(1), createRng(1)];
  const whole = await (await randomBlock(jsAlgebra, a, 2, 5)).read();
  expect(whole).toEqual(Float32Array.from({ length: 10 }, () => b.gaussian()));
  const part = await (await randomBlock(jsAlgebra, a, 2, 5, Uint32Array.of(1, 4))).read();
  const [p, q, r, s] = Array.from({ length: 4 }, () => Math.fround(b.gaussian()));
  expect(Array.from(part)).toEqual([0, p, 0, 0, q, 0, r, 0, 0, s]);
});
