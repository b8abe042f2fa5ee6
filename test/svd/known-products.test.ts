import { describe, expect, test } from "vitest";
import type { LinearOperator } from "../../src/operator/index.ts";
import { svd } from "../../src/svd/index.ts";
import { dot, matrixWithSpectrum, operatorOf } from "../support/spectra.ts";

const [m, n, k] = [300, 340, 20];
const matrixOf = (smallest: number) =>
  Float32Array.from(
    matrixWithSpectrum(
      m,
      n,
      Array.from({ length: m }, (_, i) => Math.max(smallest, 0.93 ** i)),
    ),
  );
/** An operator whose products are said to be costly, so that the search stores them. */
const costly = (matrix: ArrayLike<number>): LinearOperator => ({ ...operatorOf(matrix, m, n), productCost: 1e9 });
const options = { k, method: "krylov", blockRows: 8 } as const;

describe("products of the search", () => {
  const matrix = matrixOf(1e-3);

  test("serve the certificate on both sides: no product for each triplet", async () => {
    const { sigma, u, v, certificate } = await svd(costly(matrix), options);
    const plain = await svd(operatorOf(matrix, m, n), { ...options, tol: 9e-7 });
    expect(new Set(certificate.status)).toEqual(new Set(["converged"]));
    // The search, the probe and the 16 random vectors of the certificate need about as many of each kind.
    const { jvp, vjp } = certificate.cost;
    expect(Math.abs(jvp - vjp)).toBeLessThanOrEqual(8);
    expect(jvp).toBeLessThan(plain.certificate.cost.jvp - k);
    for (let i = 0; i < k; i++) {
      const [ui, vi] = [u.subarray(i * m, (i + 1) * m), v.subarray(i * n, (i + 1) * n)];
      let square = 0;
      const transposed = new Float64Array(n);
      for (let row = 0; row < m; row++) {
        const entries = matrix.subarray(row * n, (row + 1) * n);
        square += (dot(entries, vi) - sigma[i]! * ui[row]!) ** 2;
        entries.forEach((entry, c) => {
          transposed[c]! += entry * ui[row]!;
        });
      }
      transposed.forEach((entry, c) => {
        square += (entry - sigma[i]! * vi[c]!) ** 2;
      });
      expect(Math.abs(Math.sqrt(square) - certificate.residual[i]!)).toBeLessThan(1e-6);
    }
  });

  test("that are those of another matrix are noticed", async () => {
    // J differs by 3 tolerances from what it multiplies in the blocks of the search, and in no other block.
    const J = costly(matrix);
    const changed = matrix.map((entry, at) => entry * (1 + (((at * 7919) % 13) - 6) * 3e-5));
    const other = costly(changed);
    const inSearch: LinearOperator = {
      ...J,
      apply: (x) => (x.rows === options.blockRows ? other : J).apply(x),
      applyTranspose: (x) => (x.rows === options.blockRows ? other : J).applyTranspose(x),
    };
    const { certificate } = await svd({ ...inSearch, preferredRows: 16 }, { k, method: "krylov" });
    expect(certificate.status.slice(0, 5)).not.toContain("converged");
    expect(certificate.floors[0]! / certificate.norm).toBeGreaterThan(1e-5);
  });
});

test("products of a σ that is small are computed anew, because rounding is relative to the largest", async () => {
  const { certificate } = await svd(costly(matrixOf(1e-3)), { ...options, k: 60 });
  const { jvp, vjp } = certificate.cost;
  expect(new Set(certificate.status)).toEqual(new Set(["converged"]));
  expect(Math.abs(jvp - vjp)).toBeGreaterThan(16);
});
