import { describe, expect, test } from "vitest";
import type { LinearOperator } from "../../src/operator/index.ts";
import type { Block } from "../../src/runtime/index.ts";
import { svd } from "../../src/svd/index.ts";
import { COMBINATIONS, LEAST_BOUNDED, TOO_LOW } from "../../src/svd/read-whole.ts";
import { jsAlgebra } from "../support/js-algebra.ts";
import { dot, matrixWithSpectrum, operatorOf, orthonormalRows } from "../support/spectra.ts";

const [m, n, k] = [150, 190, 140];
const spectrum = Array.from({ length: m }, (_, i) => 3 * 0.97 ** i);
const matrix = Float32Array.from(matrixWithSpectrum(m, n, spectrum, 3));
const J = operatorOf(matrix, m, n);
const right = orthonormalRows(m, n, 4);
const left = orthonormalRows(m, m, 3);

test("32 deviates are too low by the factor less than once in 10⁵ times, as scipy.stats.chi2.cdf has it", () => {
  const x = COMBINATIONS / TOO_LOW ** 2;
  let [term, sum] = [Math.exp(-x / 2), 0];
  for (let i = 0; i < 120; i++) {
    if (i >= COMBINATIONS / 2) sum += term;
    term *= x / 2 / (i + 1);
  }
  expect(sum).toBeCloseTo(9.07549919178592e-6, 15);
  expect(sum).toBeLessThan(1e-5);
});

/** The same products with the sides exchanged: columns are read. */
const tall: LinearOperator = {
  ...J,
  source: J.target,
  target: J.source,
  apply: J.applyTranspose,
  applyTranspose: J.apply,
};

describe.each([
  { read: "rows", operator: J },
  { read: "columns", operator: tall },
])("a matrix read by $read", ({ read, operator }) => {
  test("needs few products across, and its residuals are bounds on the true ones", async () => {
    for (let seed = 0; seed < 4; seed++) {
      const { sigma, u, v, certificate } = await svd(operator, { k, method: "dense", seed });
      const { jvp, vjp } = certificate.cost;
      expect(read === "rows" ? { jvp, vjp } : { jvp: vjp, vjp: jvp }).toEqual({ jvp: COMBINATIONS + 16, vjp: m });
      expect(certificate.bounded?.failureProbability).toBe(1e-5);
      expect(new Set(certificate.status)).toEqual(new Set(["converged"]));
      expect(certificate.missed.kind).toBe("exact");
      const [short, long] = read === "rows" ? [u, v] : [v, u];
      for (let i = 0; i < k; i++) {
        expect(Math.abs(sigma[i]! - spectrum[i]!)).toBeLessThan(1e-6 * spectrum[0]!);
        let square = 0;
        for (let row = 0; row < m; row++) {
          const image = dot(matrix.subarray(row * n, (row + 1) * n), long.subarray(i * n, (i + 1) * n));
          square += (image - sigma[i]! * short[i * m + row]!) ** 2;
        }
        expect(Math.sqrt(square)).toBeLessThanOrEqual(certificate.bounded!.bound);
      }
      expect(certificate.bounded!.bound).toBeLessThan(1e-6 * spectrum[0]!);
    }
  });

  test("a product across that is wrong at one triplet is noticed, and that triplet alone loses its status", async () => {
    const size = 1e-4 * spectrum[0]!;
    const across = read === "rows" ? "apply" : "applyTranspose";
    const wrong: LinearOperator = {
      ...operator,
      [across]: async (x: Block) => {
        const [product, vectors] = [await operator[across](x), await x.read()];
        const { rows, length } = product;
        const result = Float32Array.from(await product.read());
        for (let row = 0; row < rows; row++) {
          const weight = size * dot(vectors.subarray(row * n, (row + 1) * n), right[7]!);
          for (let at = 0; at < length; at++) result[row * length + at]! += weight * left[145]![at]!;
        }
        return jsAlgebra.upload(result, rows);
      },
    };
    const { certificate } = await svd(wrong, { k, method: "dense" });
    expect(certificate.bounded).toBeUndefined();
    expect(certificate.status[7]).not.toBe("converged");
    expect(certificate.status.filter((word) => word === "converged")).toHaveLength(k - 1);
  });
});

test("where the rank is lower, σ is not negative, and the signs of its vectors fit", async () => {
  const rank = 130;
  const low = matrixWithSpectrum(
    m,
    n,
    Array.from({ length: rank }, () => 1),
  );
  for (let seed = 0; seed < 3; seed++) {
    const { sigma, certificate } = await svd(operatorOf(low, m, n), { k, method: "dense", seed });
    expect(certificate.bounded).toBeDefined();
    expect(Array.from(sigma)).toEqual(Array.from(sigma).sort((a, b) => b - a));
    expect(sigma.at(-1)).toBeGreaterThanOrEqual(0);
    expect(certificate.status.slice(rank)).toEqual(new Array(k - rank).fill("below-floor"));
  }
});

test("few triplets are measured one by one", async () => {
  const { certificate } = await svd(J, { k: LEAST_BOUNDED - 1, method: "dense" });
  expect(certificate.bounded).toBeUndefined();
  expect(certificate.cost.jvp).toBe(LEAST_BOUNDED - 1 + 16);
});
