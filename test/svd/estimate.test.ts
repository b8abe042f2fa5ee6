import { afterAll, expect, test } from "vitest";
import { createBackend } from "../../src/platform/node/backend.ts";
import { svd } from "../../src/svd/index.ts";
import { matrixWithSpectrum, operatorOf } from "../support/spectra.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

test.each(["krylov", "dense"] as const)("%s tells σ before it measures them, and they only grow", async (method) => {
  const [m, n, k] = [150, 160, 6];
  const matrix = matrixWithSpectrum(
    m,
    n,
    Array.from({ length: m }, (_, i) => 0.97 ** i),
    1,
  );
  const estimates: { sigma: Float64Array; residual: Float64Array }[] = [];
  const { sigma } = await svd(operatorOf(matrix, m, n, backend.algebra), {
    ...{ k, method, blockRows: 4 },
    onEstimate: (estimate) => estimates.push(estimate),
  });
  expect(estimates.length).toBeGreaterThan(method === "krylov" ? 1 : 0);
  for (const [i, { sigma: own, residual }] of estimates.entries()) {
    expect(own.length).toBe(k);
    expect(residual.length).toBe(k);
    const before = estimates[i - 1]?.sigma ?? new Float64Array(k);
    // Ritz values of a growing space grow, up to the rounding of float32 products.
    for (const [j, value] of own.entries()) expect(value).toBeGreaterThan(before[j]! - 1e-5);
  }
  // The last estimate is what is then measured: its residuals were within the tolerance of 1e-5.
  for (const [j, value] of estimates.at(-1)!.sigma.entries()) expect(Math.abs(value - sigma[j]!)).toBeLessThan(2e-5);
});
