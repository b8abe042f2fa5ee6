import { expect, test } from "vitest";
import { createRng } from "../../src/base/index.ts";
import { EXPLAINED, GAP_VECTORS } from "../../src/svd/adjoint-gap.ts";

/** P(χ² > x) with an even number of degrees of freedom: e^(−x/2) · Σ (x/2)^i / i! for i below half of them. */
function chiSquareTail(x: number, freedom: number): number {
  let [term, sum] = [1, 0];
  for (let i = 0; i < freedom / 2; i++) {
    sum += term;
    term *= x / 2 / (i + 1);
  }
  return Math.exp(-x / 2) * sum;
}

const exceeding = (factor: number) => chiSquareTail(GAP_VECTORS * factor ** 2, GAP_VECTORS);

test("a root mean square of normal deviates exceeds the bound less than once in 10⁵ times, and not much less", () => {
  expect(exceeding(EXPLAINED)).toBeLessThan(1e-5);
  expect(exceeding(EXPLAINED - 0.01)).toBeGreaterThan(1e-5);
  // As scipy.stats.chi2.sf has it.
  expect(exceeding(1.81)).toBeCloseTo(9.37736363867104e-6, 18);
  expect(exceeding(1.7)).toBeCloseTo(8.938150191745229e-5, 17);
});

test("the law is that of the deviates: 1.3 is exceeded as often as it says", () => {
  const rng = createRng("adjoint gap");
  const draws = 20_000;
  let count = 0;
  for (let draw = 0; draw < draws; draw++) {
    let square = 0;
    for (let i = 0; i < GAP_VECTORS; i++) square += rng.gaussian() ** 2;
    if (square > GAP_VECTORS * 1.3 ** 2) count++;
  }
  const expected = draws * exceeding(1.3);
  expect(Math.abs(count - expected)).toBeLessThan(5 * Math.sqrt(expected));
});
