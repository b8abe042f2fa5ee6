import { describe, expect, test } from "vitest";
import { createRng } from "../../src/base/index.ts";
import type { Block } from "../../src/runtime/index.ts";
import { commonFloor, floorsOf, measure, orthogonality, statuses } from "../../src/svd/certificate.ts";
import { probe } from "../../src/svd/missed.ts";
import { Products } from "../../src/svd/products.ts";
import { dataOf, hostBlock, jsAlgebra } from "../support/js-algebra.ts";
import { operatorOf, orthonormalRows } from "../support/spectra.ts";

const [m, n] = [50, 60];
const spectrum = Array.from({ length: 40 }, (_, i) => 4 * 0.9 ** i);
const [left, right] = [orthonormalRows(40, m, 1), orthonormalRows(40, n, 2)];
const matrix = new Float64Array(m * n);
spectrum.forEach((sigma, i) => {
  for (let r = 0; r < m; r++) {
    for (let c = 0; c < n; c++) matrix[r * n + c] = matrix[r * n + c]! + sigma * left[i]![r]! * right[i]![c]!;
  }
});
const productsOf = () => new Products(operatorOf(matrix, m, n), 8);
const rowsOf = (rows: readonly Float64Array[], indices: readonly number[], sign = 1): Block =>
  hostBlock(Float32Array.from(indices.flatMap((i) => Array.from(rows[i]!, (entry) => sign * entry))), indices.length);

describe("measure", () => {
  test("sorts triplets with their vectors, and turns u where σ would be negative", async () => {
    const order = [3, 0, 7, 1, 2];
    const set = { u: rowsOf(left, order, -1), v: rowsOf(right, order) };
    const measured = await measure(productsOf(), jsAlgebra, set);
    const sorted = [0, 1, 2, 3, 7];
    expect(dataOf(measured.u)).toEqual(dataOf(rowsOf(left, sorted)));
    expect(dataOf(measured.v)).toEqual(dataOf(rowsOf(right, sorted)));
    measured.sigma.forEach((sigma, i) => {
      expect(sigma).toBeCloseTo(spectrum[sorted[i]!]!, 6);
    });
    expect(Math.max(...measured.residual)).toBeLessThan(4 * 1e-6);
  });

  test("residual is that of the definition for a pair that is no triplet", async () => {
    const measured = await measure(productsOf(), jsAlgebra, { u: rowsOf(left, [0]), v: rowsOf(right, [1]) });
    // uᵀJv = 0, so σ = 0 and the residual is (σ_1² + σ_0²)^½.
    expect(measured.residual[0]).toBeCloseTo(Math.hypot(spectrum[0]!, spectrum[1]!), 5);
    expect(statuses(measured, floorsOf(measured), 1e-5)).toEqual(["unconverged"]);
  });

  test("the floor of a triplet is at least its adjoint gap", async () => {
    const J = operatorOf(matrix, m, n);
    const wrong = operatorOf(
      matrix.map((entry) => entry * 1.01),
      m,
      n,
    );
    const products = new Products({ ...J, applyTranspose: wrong.applyTranspose }, 8);
    const measured = await measure(products, jsAlgebra, { u: rowsOf(left, [0]), v: rowsOf(right, [0]) });
    expect(measured.gap[0]).toBeCloseTo(0.01 * spectrum[0]!, 5);
    expect(floorsOf(measured)[0]).toBeGreaterThanOrEqual(measured.gap[0]!);
  });
});

describe("statuses", () => {
  /** Triplets as [σ, residual, floor]. */
  const of = (triplets: readonly (readonly [sigma: number, residual: number, floor: number])[], tol: number) =>
    statuses(
      {
        sigma: Float64Array.from(triplets, ([sigma]) => sigma),
        residual: Float64Array.from(triplets, ([, residual]) => residual),
      },
      Float64Array.from(triplets, ([, , floor]) => floor),
      tol,
    );

  test("σ up to the floor is below it, at either tolerance, unless its residual is not as small as it can be", () => {
    const triplets = [
      [1, 1e-8, 2e-7],
      [1e-5, 1e-7, 2e-7],
      [2e-7, 1e-8, 2e-7], // on the floor
      [1e-9, 1e-6, 2e-7],
      [0, 0, 2e-7],
    ] as const;
    const below = "below-floor";
    expect(of(triplets, 1e-5)).toEqual(["converged", "converged", below, below, below]);
    expect(of(triplets, 1e-9)).toEqual(["at-floor", "at-floor", below, "unconverged", below]);
  });

  test("a triplet with a floor of its own leaves the others as they are, unless its σ is lost", () => {
    const [small, large] = [2e-7, 3e-5];
    const at = (sigma: number, floor: number) => [sigma, 1e-7, floor] as const;
    const spectrum = [at(1, small), at(0.5, large), at(1e-3, small), at(2e-5, small)];
    expect(of(spectrum, 1e-5)).toEqual(["converged", "at-floor", "converged", "converged"]);
    // A σ that is not larger than its own floor: then nothing up to that floor counts, so that all are compared with one number.
    const lost = [...spectrum, at(1e-5, large)];
    expect(of(lost, 1e-5)).toEqual(["converged", "at-floor", "converged", "below-floor", "below-floor"]);
  });

  test("each σ above the common floor is above its own", () => {
    const rng = createRng("common floor");
    for (let draw = 0; draw < 200; draw++) {
      const some = () => Float64Array.from({ length: 8 }, () => 10 ** (-6 * rng.uniform()));
      const [sigma, floors] = [some(), some()];
      const common = commonFloor(sigma, floors);
      expect(common).toBeGreaterThanOrEqual(Math.min(...floors));
      expect(common).toBeLessThanOrEqual(Math.max(...floors));
      sigma.forEach((value, i) => {
        if (value > common) expect(value).toBeGreaterThan(floors[i]!);
      });
    }
  });

  test("the zeros of J = 0 are exact", () => {
    expect(of([[0, 0, 0]], 1e-5)).toEqual(["converged"]);
  });
});

test("orthogonality is the largest entry of |QQᵀ − I|", async () => {
  const q = hostBlock(Float32Array.of(1, 0, 0, 0.25, 1, 0), 2);
  expect(await orthogonality(jsAlgebra, q)).toBe(0.25);
});

describe("probe", () => {
  const setOf = (indices: readonly number[]) =>
    measure(productsOf(), jsAlgebra, { u: rowsOf(left, indices), v: rowsOf(right, indices) });
  const first = (count: number) => Array.from({ length: count }, (_, i) => i);

  test("brackets the largest σ outside of the set, for many seeds", async () => {
    const set = await setOf(first(6));
    for (let seed = 0; seed < 20; seed++) {
      const { bound, seen } = await probe(productsOf(), jsAlgebra, set, createRng(seed));
      expect(seen).toBeLessThanOrEqual(spectrum[6]! * (1 + 1e-6));
      expect(seen).toBeGreaterThan(0.95 * spectrum[6]!);
      expect(bound.bound).toBeGreaterThan(spectrum[6]!);
      expect(bound.bound).toBeLessThan(2 * spectrum[6]!);
      expect(bound.failureProbability).toBeLessThanOrEqual(1e-6);
    }
  });

  test("sees a larger σ that the set lacks", async () => {
    const { bound, seen } = await probe(productsOf(), jsAlgebra, await setOf([1, 2, 3, 4]), createRng(1));
    expect(seen).toBeGreaterThan(spectrum[1]!);
    expect(bound.bound).toBeGreaterThan(spectrum[0]!);
  });

  test("where nothing is left, both are down to rounding", async () => {
    const { bound, seen } = await probe(productsOf(), jsAlgebra, await setOf(first(40)), createRng(1));
    expect(seen).toBeLessThan(1e-5);
    expect(bound.bound).toBeLessThan(1e-4);
  });
});
