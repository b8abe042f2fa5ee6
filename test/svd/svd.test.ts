import { afterAll, describe, expect, test } from "vitest";
import type { LinearOperator } from "../../src/operator/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { type SingularTriplets, type SvdOptions, svd } from "../../src/svd/index.ts";
import { lauchli } from "../campaign/matrices.ts";
import { dot, jacobiSingularValues, matrixWithSpectrum, operatorOf } from "../support/spectra.ts";

/** Rounding of float32 vectors and products, in units of σ_1. */
const ROUNDING = 1e-6;

interface Row {
  readonly name: string;
  readonly m: number;
  readonly n: number;
  readonly sigma: (i: number) => number;
  readonly k: number;
  readonly options?: Partial<SvdOptions>;
}

const rows: readonly Row[] = [
  { name: "1/i", m: 120, n: 150, sigma: (i) => 1 / (i + 1), k: 20 },
  { name: "geometric, tall", m: 150, n: 120, sigma: (i) => 0.9 ** i, k: 20, options: { blockRows: 8 } },
  { name: "flat top", m: 160, n: 180, sigma: (i) => 3 - i / 400, k: 12 },
  {
    name: "flat top with restarts",
    m: 240,
    n: 260,
    sigma: (i) => 1 - i / 600,
    k: 6,
    options: { blockRows: 8, maxBasis: 102 },
  },
  { name: "70 equal, 80 wanted", m: 260, n: 300, sigma: (i) => (i < 70 ? 1 : 0.5 * 0.9 ** (i - 70)), k: 80 },
  {
    name: "40 equal, 25 of them wanted",
    m: 160,
    n: 180,
    sigma: (i) => (i < 40 ? 1 : 0.5),
    k: 25,
    options: { blockRows: 8 },
  },
  {
    name: "two clusters",
    m: 200,
    n: 200,
    sigma: (i) => (i < 9 ? 1 : i < 40 ? 0.999 : 0.1),
    k: 30,
    options: { blockRows: 4 },
  },
  { name: "graded over six decades", m: 140, n: 160, sigma: (i) => 10 ** ((-6 * i) / 139), k: 130 },
  { name: "rank 10, k beyond it", m: 120, n: 150, sigma: (i) => (i < 10 ? 1 / (i + 1) : 0), k: 25 },
  { name: "rank 1", m: 90, n: 70, sigma: (i) => (i === 0 ? 5 : 0), k: 3, options: { blockRows: 2 } },
  { name: "zero", m: 60, n: 80, sigma: () => 0, k: 10 },
  { name: "orthogonal", m: 120, n: 120, sigma: () => 1, k: 40 },
  { name: "k = min(m, n), wide", m: 40, n: 90, sigma: (i) => 0.9 ** i, k: 40 },
  { name: "k = min(m, n), tall", m: 90, n: 40, sigma: (i) => 0.9 ** i, k: 40 },
  { name: "one row", m: 1, n: 50, sigma: () => 2, k: 1 },
  { name: "one column", m: 50, n: 1, sigma: () => 2, k: 1 },
  { name: "huge", m: 80, n: 90, sigma: (i) => 1e18 * 0.7 ** i, k: 5 },
  { name: "tiny", m: 80, n: 90, sigma: (i) => 1e-18 * 0.7 ** i, k: 5 },
];

describe.each(["dense", "krylov"] as const)("%s", (method) => {
  test.each(rows)("$name", async ({ m, n, sigma, k, options }) => {
    const spectrum = Array.from({ length: Math.min(m, n) }, (_, i) => sigma(i));
    const matrix = Float32Array.from(matrixWithSpectrum(m, n, spectrum));
    const result = await svd(operatorOf(matrix, m, n), { k, method, ...options });
    expectTriplets(result, matrix, m, n);
    const scale = spectrum[0] || 1;
    expectClose(result.sigma, spectrum.slice(0, k), ROUNDING * scale);
    if (m * n <= 20_000) expectClose(result.sigma, jacobiSingularValues(matrix, m, n).slice(0, k), ROUNDING * scale);
    const { status, stopped, missed, norm, tol } = result.certificate;
    // The zeros of a matrix that is not zero cannot be told from σ of its rounding.
    const known = spectrum.slice(0, k).map((value) => (value > 0 || spectrum[0] === 0 ? "converged" : "below-floor"));
    expect(status).toEqual(known);
    expect(stopped).toBe("all-converged");
    expect(norm).toBe(result.sigma[0]);
    expect(tol).toBe(1e-5);
    expect(missed.kind).not.toBe("none");
    if (missed.kind === "probable") {
      expect(missed.failureProbability).toBeLessThanOrEqual(1e-6);
      expect(missed.bound).toBeGreaterThanOrEqual((spectrum[k] ?? 0) - ROUNDING * scale);
    }
  });
});

/** The defining relations, and the certificate's own claims, from the matrix in float64. */
function expectTriplets({ sigma, u, v, certificate }: SingularTriplets, matrix: Float32Array, m: number, n: number) {
  const k = sigma.length;
  const scale = sigma[0] || 1;
  let [gap, tilt] = [0, 0];
  for (let i = 0; i < k; i++) {
    const [ui, vi] = [u.subarray(i * m, (i + 1) * m), v.subarray(i * n, (i + 1) * n)];
    let square = 0;
    const transposed = new Float64Array(n);
    for (let r = 0; r < m; r++) {
      const row = matrix.subarray(r * n, (r + 1) * n);
      square += (dot(row, vi) - sigma[i]! * ui[r]!) ** 2;
      for (let c = 0; c < n; c++) transposed[c] = transposed[c]! + ui[r]! * row[c]!;
    }
    for (let c = 0; c < n; c++) square += (transposed[c]! - sigma[i]! * vi[c]!) ** 2;
    gap = Math.max(gap, Math.abs(Math.sqrt(square) - certificate.residual[i]!));
    for (let j = 0; j <= i; j++) {
      const expected = i === j ? 1 : 0;
      tilt = Math.max(tilt, Math.abs(dot(ui, u.subarray(j * m, (j + 1) * m)) - expected));
      tilt = Math.max(tilt, Math.abs(dot(vi, v.subarray(j * n, (j + 1) * n)) - expected));
    }
  }
  expect(gap).toBeLessThan(ROUNDING * scale);
  expect(tilt).toBeLessThan(ROUNDING);
  expect(certificate.orthogonality.u).toBeLessThan(ROUNDING);
  expect(certificate.orthogonality.v).toBeLessThan(ROUNDING);
  expect(Array.from(sigma)).toEqual(Array.from(sigma).sort((a, b) => b - a));
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < actual.length; i++) expect(Math.abs(actual[i]! - expected[i]!)).toBeLessThanOrEqual(tolerance);
}

test("Läuchli's matrix: a σ that squaring would lose", async () => {
  const [n, e] = [5, 1e-4];
  const matrix = Float32Array.from(lauchli(n, e));
  const expected = [Math.sqrt(n + e * e), e, e, e, e];
  for (const method of ["dense", "krylov"] as const) {
    const { sigma, certificate } = await svd(operatorOf(matrix, n + 1, n), { k: n, method });
    expectClose(sigma, expected, 3e-7); // e is 1e-4 in float32, and the products are float32
    expect(certificate.stopped).toBe("all-converged");
  }
});

test("exactly dependent rows: nothing of float64 rounding is taken for a direction", async () => {
  const [m, n] = [24, 30];
  const matrix = Float32Array.from({ length: m * n }, (_, at) => ((Math.floor(at / n) % 4) * 7 + (at % n) * 3) % 11);
  const result = await svd(operatorOf(matrix, m, n), { k: 12, method: "dense" });
  expectTriplets(result, matrix, m, n);
  expect(result.sigma[4]).toBeLessThan(ROUNDING * result.sigma[0]!);
});

test("krylov ends soon where the rank is below k", async () => {
  const [m, n] = [300, 400];
  const matrix = matrixWithSpectrum(m, n, [3, 2.5, 2, 1.5, 1]);
  const { sigma, certificate } = await svd(operatorOf(matrix, m, n), { k: 20, method: "krylov" });
  expectClose(sigma, [3, 2.5, 2, 1.5, 1, ...new Array<number>(15).fill(0)], 1e-6);
  expect(certificate.cost.jvp + certificate.cost.vjp).toBeLessThan(400); // four blocks each way, 2·20 to certify, 40 to probe, 32 for the adjoint gap
});

describe("a set that converged too early", () => {
  const spectrum = Array.from({ length: 60 }, (_, i) => (i < 10 ? 1 : 0.8 * 0.5 ** (i - 10)));
  const matrix = matrixWithSpectrum(300, 360, spectrum);

  test("is seen by the probe, and put right: ten equal σ, blocks of two, a loose tolerance", async () => {
    const { sigma } = await svd(operatorOf(matrix, 300, 360), { k: 6, method: "krylov", blockRows: 2, tol: 1e-3 });
    expectClose(sigma, [1, 1, 1, 1, 1, 1], 1e-6);
  });
});

describe("active rows", () => {
  const [m, n] = [150, 90];
  const active = Uint32Array.from({ length: 30 }, (_, i) => 5 * i + 2);
  const inner = matrixWithSpectrum(
    active.length,
    n,
    Array.from(active, (_, i) => 1 / (i + 1)),
  );
  const matrix = new Float32Array(m * n);
  active.forEach((row, i) => {
    matrix.set(Float32Array.from(inner.subarray(i * n, (i + 1) * n)), row * n);
  });
  const J: LinearOperator = { ...operatorOf(matrix, m, n), activeRows: async () => active };
  const isActive = new Set(active);

  test.each(["dense", "krylov"] as const)("%s: u vanishes on the others", async (method) => {
    const result = await svd(J, { k: 20, method });
    expectTriplets(result, matrix, m, n);
    expectClose(
      result.sigma,
      Array.from({ length: 20 }, (_, i) => 1 / (i + 1)),
      ROUNDING,
    );
    result.u.forEach((entry, at) => {
      if (!isActive.has(at % m)) expect(Math.abs(entry)).toBe(0);
    });
  });

  test.each(["dense", "krylov"] as const)("%s: k beyond them is completed", async (method) => {
    const result = await svd(J, { k: 60, method });
    expectTriplets(result, matrix, m, n);
    expect(result.sigma.slice(30).every((value) => value < ROUNDING)).toBe(true);
    expect(result.certificate.stopped).toBe("all-converged");
  });

  test("krylov: all of them found, whatever the tolerance, is an end", async () => {
    const result = await svd(J, { k: active.length, method: "krylov", tol: 1e-10 });
    expectTriplets(result, matrix, m, n);
    expect(result.sigma[active.length - 1]).toBeCloseTo(1 / active.length, 6);
  });

  test("dense reads only them", async () => {
    const { certificate } = await svd(J, { k: 5, method: "dense" });
    expect(certificate.cost).toMatchObject({ jvp: 5 + 16, vjp: active.length + 16 });
  });

  test("none at all", async () => {
    const none: LinearOperator = {
      ...operatorOf(new Float32Array(12), 3, 4),
      activeRows: async () => new Uint32Array(0),
    };
    const result = await svd(none, { k: 2 });
    expectTriplets(result, new Float32Array(12), 3, 4);
    expect(Array.from(result.sigma)).toEqual([0, 0]);
  });
});

describe("on ONNX Runtime", () => {
  const backend = createBackend({ threads: 1 });
  afterAll(() => backend.dispose());
  const [m, n, k] = [220, 260, 40];
  const spectrum = Array.from({ length: m }, (_, i) => 1 / Math.sqrt(i + 1));
  const matrix = Float32Array.from(matrixWithSpectrum(m, n, spectrum));

  test.each(["dense", "krylov"] as const)("%s gives the same spectrum", async (method) => {
    const result = await svd(operatorOf(matrix, m, n, backend.algebra), { k, method });
    expectTriplets(result, matrix, m, n);
    expectClose(result.sigma, spectrum.slice(0, k), ROUNDING);
    expect(result.certificate.stopped).toBe("all-converged");
  });

  test("the same seed gives the same bytes, another seed the same numbers", async () => {
    const solve = (seed: number) => svd(operatorOf(matrix, m, n, backend.algebra), { k, method: "krylov", seed });
    const [first, again, other] = [await solve(3), await solve(3), await solve(4)];
    expect(again.sigma).toEqual(first.sigma);
    expect(again.u).toEqual(first.u);
    expect(again.v).toEqual(first.v);
    expect(other.v).not.toEqual(first.v);
    expectClose(other.sigma, first.sigma, ROUNDING);
  });
});
