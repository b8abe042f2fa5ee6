import { describe, expect, test } from "vitest";
import type { LinearOperator } from "../../src/operator/index.ts";
import type { Block } from "../../src/runtime/index.ts";
import { type SvdOptions, svd } from "../../src/svd/index.ts";
import { dataOf, hostBlock } from "../support/js-algebra.ts";
import { matrixWithSpectrum, operatorOf } from "../support/spectra.ts";

const [m, n] = [160, 200];
const flat = Float32Array.from(
  matrixWithSpectrum(
    m,
    n,
    Array.from({ length: m }, (_, i) => 1 - i / 400),
  ),
);
const J = operatorOf(flat, m, n);
const mapped = (result: Block, change: (entry: number, at: number) => number): Block =>
  hostBlock(dataOf(result).map(change), result.rows);

test.each<[string, SvdOptions, string]>([
  ["k too large", { k: 161 }, "k is 161, but must be an integer from 1 to 160."],
  ["k zero", { k: 0 }, "k is 0"],
  ["k not whole", { k: 1.5 }, "k is 1.5"],
  ["tol zero", { k: 1, tol: 0 }, "tol is 0, but must be positive."],
  ["tol NaN", { k: 1, tol: Number.NaN }, "tol is NaN"],
  ["blockRows", { k: 1, blockRows: 0 }, "blockRows is 0, but must be an integer at least 1."],
  ["maxBasis", { k: 1, maxBasis: 50 }, "maxBasis is 50, but must be an integer at least 129."],
  ["maxProducts", { k: 1, maxProducts: 0 }, "maxProducts is 0"],
])("%s is refused before any product", async (_, options, message) => {
  let calls = 0;
  const counting: LinearOperator = {
    ...J,
    apply: (v) => {
      calls++;
      return J.apply(v);
    },
  };
  await expect(svd(counting, options)).rejects.toMatchObject({
    code: "shape-mismatch",
    what: expect.stringContaining(message),
  });
  expect(calls).toBe(0);
});

describe.each(["dense", "krylov"] as const)("%s", (method) => {
  test.each([Number.NaN, Number.POSITIVE_INFINITY])("a product with %s is an error", async (bad) => {
    const broken = (result: Block) => mapped(result, (entry, at) => (at === 77 ? bad : entry));
    for (const wrong of [
      { ...J, apply: async (v: Block) => broken(await J.apply(v)) },
      { ...J, applyTranspose: async (u: Block) => broken(await J.applyTranspose(u)) },
    ]) {
      await expect(svd(wrong, { k: 5, method })).rejects.toMatchObject({ code: "not-finite" });
    }
  });

  test("a product of the wrong length is an error", async () => {
    const wrong: LinearOperator = {
      ...J,
      applyTranspose: async (u) => hostBlock(new Float32Array(u.rows * 7), u.rows),
    };
    await expect(svd(wrong, { k: 5, method })).rejects.toMatchObject({ code: "shape-mismatch" });
  });

  test("a transpose that is slightly wrong is never passed", async () => {
    const wrong: LinearOperator = {
      ...J,
      applyTranspose: async (u) =>
        mapped(await J.applyTranspose(u), (entry, at) => entry * (1 + ((at % 7) - 3) * 1e-3)),
    };
    const { certificate } = await svd(wrong, { k: 5, method, maxProducts: 3000 });
    expect(certificate.status).not.toContain("converged");
    expect(certificate.floor).toBeGreaterThan(1e-4);
    expect(Math.min(...certificate.residual)).toBeGreaterThan(1e-5);
  });

  test("a tolerance below rounding ends at the floor, and says so", async () => {
    const { certificate } = await svd(J, { k: 5, method, tol: 1e-12, maxProducts: 3000 });
    expect(certificate.floor).toBeGreaterThan(2 ** -23);
    expect(certificate.floor).toBeLessThan(1e-6);
    certificate.residual.forEach((residual, i) => {
      expect(certificate.status[i]).toBe(residual <= certificate.floors[i]! ? "at-floor" : "unconverged");
    });
    expect(certificate.status).not.toContain("converged");
    expect(certificate.stopped).toBe(certificate.status.includes("unconverged") ? "budget" : "all-converged");
  });

  test("aborted before it began, it has nothing to give", async () => {
    await expect(svd(J, { k: 5, method, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "interrupted" });
  });

  test("progress counts the vectors multiplied, which the certificate sums up", async () => {
    let seen = { jvp: 0, vjp: 0, converged: 0, k: 0 };
    const { certificate } = await svd(J, {
      k: 5,
      method,
      onProgress: (progress) => {
        expect(progress.jvp).toBeGreaterThanOrEqual(seen.jvp);
        expect(progress.vjp).toBeGreaterThanOrEqual(seen.vjp);
        seen = { ...progress };
      },
    });
    expect(seen).toMatchObject({ converged: 5, k: 5 });
    expect(certificate.cost.jvp).toBeGreaterThanOrEqual(seen.jvp);
    expect(certificate.cost.vjp).toBeGreaterThanOrEqual(seen.vjp);
    expect(certificate.cost.seconds).toBeGreaterThan(0);
  });
});

test.each(["dense", "krylov"] as const)(
  "told to throw after an abort, a %s solve multiplies no further block",
  async (method) => {
    const abort = new AbortController();
    let multiplied = 0;
    const solve = svd(J, {
      k: 20,
      method,
      blockRows: 8,
      signal: abort.signal,
      afterAbort: "throw",
      onProgress: ({ jvp, vjp }) => {
        expect(abort.signal.aborted).toBe(false);
        multiplied = jvp + vjp;
        if (multiplied >= 16) abort.abort();
      },
    });
    await expect(solve).rejects.toMatchObject({ code: "interrupted" });
    expect(multiplied).toBeGreaterThanOrEqual(16);
  },
);

test("out of budget: what is there, measured, and no claim on what is missed", async () => {
  const { sigma, certificate } = await svd(J, { k: 20, method: "krylov", blockRows: 8, maxProducts: 60 });
  expect(certificate.stopped).toBe("budget");
  expect(certificate.status).toContain("unconverged");
  expect(certificate.missed).toEqual({ kind: "none" });
  expect(certificate.residual[19]).toBeGreaterThan(1e-5);
  expect(sigma).toHaveLength(20);
});

test("aborted on the way: the same, and says interrupted", async () => {
  const abort = new AbortController();
  const { sigma, u, certificate } = await svd(J, {
    k: 20,
    method: "krylov",
    blockRows: 8,
    signal: abort.signal,
    onProgress: ({ jvp }) => {
      if (jvp >= 16) abort.abort();
    },
  });
  expect(certificate.stopped).toBe("interrupted");
  expect(certificate.missed).toEqual({ kind: "none" });
  expect(sigma).toHaveLength(20); // only 16 had a basis vector: the others are random, and unconverged
  expect(u).toHaveLength(20 * m);
  expect(certificate.status.slice(16)).toEqual(["unconverged", "unconverged", "unconverged", "unconverged"]);
  expect(certificate.orthogonality.u).toBeLessThan(1e-6);
});

test("auto reads a short side whole, and multiplies where it may not", async () => {
  expect((await svd(J, { k: 3 })).certificate.missed.kind).toBe("exact");
  const { certificate } = await svd(J, { k: 3, maxProducts: 150 });
  expect(certificate.missed.kind).not.toBe("exact");
});
