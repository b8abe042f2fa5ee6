import { describe, expect, test } from "vitest";
import { createRng } from "../../src/base/index.ts";
import type { LinearOperator } from "../../src/operator/index.ts";
import type { Block } from "../../src/runtime/index.ts";
import { CERTAIN, GAP_VECTORS, Witnesses } from "../../src/svd/adjoint-gap.ts";
import { floorsOf, measure, statuses } from "../../src/svd/certificate.ts";
import { type SvdOptions, svd } from "../../src/svd/index.ts";
import { Products } from "../../src/svd/products.ts";
import { dataOf, hostBlock, jsAlgebra } from "../support/js-algebra.ts";
import { dot, matrixWithSpectrum, operatorOf, orthonormalRows } from "../support/spectra.ts";

/** P(χ² < x): e^(−x/2) · Σ (x/2)^i / i! for i from half of the even degrees of freedom on. */
function chiSquareBelow(x: number, freedom: number): number {
  let term = Math.exp(-x / 2);
  let sum = 0;
  for (let i = 0; i < freedom / 2 + 60; i++) {
    if (i >= freedom / 2) sum += term;
    term *= x / 2 / (i + 1);
  }
  return sum;
}

const tooLow = (factor: number) => chiSquareBelow(GAP_VECTORS / factor ** 2, GAP_VECTORS);

test("a root mean square of normal deviates is too low by the factor less than once in 10⁵ times, and not much less", () => {
  expect(tooLow(CERTAIN)).toBeLessThan(1e-5);
  expect(tooLow(CERTAIN - 0.01)).toBeGreaterThan(1e-5);
  // As scipy.stats.chi2.cdf has it.
  expect(tooLow(2.84)).toBeCloseTo(9.66982769352045e-6, 15);
  expect(tooLow(1.3)).toBeCloseTo(0.10707777777041172, 12);
});

test("the law is that of the deviates: 1.3 is as often too little as it says", () => {
  const rng = createRng("adjoint gap");
  const draws = 20_000;
  let count = 0;
  for (let draw = 0; draw < draws; draw++) {
    let square = 0;
    for (let i = 0; i < GAP_VECTORS; i++) square += rng.gaussian() ** 2;
    if (square * 1.3 ** 2 < GAP_VECTORS) count++;
  }
  const expected = draws * tooLow(1.3);
  expect(Math.abs(count - expected)).toBeLessThan(5 * Math.sqrt(expected));
});

/** J with a transpose that adds to each row of Jᵀu what `added` gives. */
const withTranspose = (J: LinearOperator, added: (u: Float32Array) => ArrayLike<number>): LinearOperator => ({
  ...J,
  applyTranspose: async (u: Block) => {
    const product = await J.applyTranspose(u);
    const { rows, length } = product;
    const result = Float32Array.from(dataOf(product));
    for (let row = 0; row < rows; row++) {
      const more = added(dataOf(u.range(row, row + 1)));
      for (let c = 0; c < length; c++) result[row * length + c]! += more[c]!;
    }
    return hostBlock(result, rows);
  },
});

describe("a disagreement at one triplet", () => {
  const [m, n, k] = [60, 80, 12];
  const sigma = Array.from({ length: m }, (_, i) => 2 * 0.8 ** i);
  const matrix = matrixWithSpectrum(m, n, sigma, 5);
  const [u, beyond] = [orthonormalRows(m, m, 5), orthonormalRows(m + 1, n, 6)[m]!];
  /** Jᵀ is wrong by `size`·σ_1 at the triplet `at` alone, in a direction outside of the span of all right vectors. */
  const wrongAt = (at: number, size: number) =>
    withTranspose(operatorOf(Float32Array.from(matrix), m, n), (row) => {
      const weight = size * sigma[0]! * dot(row, u[at]!);
      return beyond.map((entry) => weight * entry);
    });

  test.each(["dense", "krylov"] as const)("%s: leaves the status of the others as it is", async (method) => {
    for (let seed = 0; seed < 6; seed++) {
      const { certificate } = await svd(wrongAt(3, 1e-4), { k, method, seed });
      const { status, floors, floor, norm } = certificate;
      expect(status.filter((word) => word === "converged")).toHaveLength(k - 1);
      expect(status[3]).not.toBe("converged");
      expect(floors[3]! / norm).toBeGreaterThan(5e-5);
      // The common floor remains that of rounding, so that no other σ counts as lost.
      expect(floor / norm).toBeLessThan(1e-6);
    }
  });
});

test("a residual just below the tolerance, all of it on one side, costs no triplet its status", async () => {
  // v_4 is tilted towards the kernel of J, so Jv stays parallel to u, and Jᵀu − σv has all of the residual.
  const [m, n, k, tol] = [40, 60, 8, 1e-5];
  const sigma = Array.from({ length: m }, (_, i) => 2 * 0.8 ** i);
  const J = operatorOf(Float32Array.from(matrixWithSpectrum(m, n, sigma, 5)), m, n);
  const [u, right] = [orthonormalRows(k, m, 5), orthonormalRows(m + 1, n, 6)];
  const tilt = (0.95 * tol * sigma[0]!) / sigma[4]!;
  const v = right.slice(0, k).map((row, i) => (i === 4 ? row.map((entry, c) => entry + tilt * right[m]![c]!) : row));
  const products = new Products(J, 8);
  for (let seed = 0; seed < 12; seed++) {
    const pairs = {
      u: hostBlock(Float32Array.from(u.flatMap((row) => [...row])), k),
      v: hostBlock(Float32Array.from(v.flatMap((row) => [...row])), k),
    };
    const witnesses = await Witnesses.drawn(products, jsAlgebra, createRng(seed));
    const measured = await measure(products, jsAlgebra, pairs, { witnesses });
    expect(measured.residual[4]! / measured.sigma[0]!).toBeCloseTo(0.95 * tol, 6);
    expect(new Set(statuses(measured, floorsOf(measured), tol))).toEqual(new Set(["converged"]));
  }
});

describe("a flat spectrum, whose products with random vectors are long", () => {
  // ‖Jz‖ is about 63 σ_1: an allowance of 2⁻²¹ for each unit of length would be three times the tolerance.
  const size = 4000;
  const image = async (x: Block): Promise<Block> => hostBlock(dataOf(x).slice(), x.rows);
  const identity: LinearOperator = {
    source: [size],
    target: [size],
    preferredRows: 32,
    algebra: jsAlgebra,
    apply: image,
    applyTranspose: image,
  };
  const options: SvdOptions = { k: 4, method: "krylov", blockRows: 8 };

  test("a transpose that is right is passed", async () => {
    const { certificate } = await svd(identity, options);
    expect(certificate.status).toEqual(["converged", "converged", "converged", "converged"]);
    expect(Math.max(...certificate.floors)).toBeLessThan(1e-6);
  });

  test("a transpose that is wrong by two tolerances is not", async () => {
    /** Jᵀ = I + D with an antisymmetric D that turns neighbours into each other, ‖Du‖ = 2e-5 ‖u‖: uᵀDu = 0. */
    const wrong = withTranspose(identity, (u) =>
      Float32Array.from(u, (_, i) => 2e-5 * (i % 2 === 0 ? u[i + 1]! : -u[i - 1]!)),
    );
    const { certificate } = await svd(wrong, options);
    expect(certificate.status).not.toContain("converged");
    for (const floor of certificate.floors) expect(floor).toBeGreaterThan(2e-5);
  });
});
