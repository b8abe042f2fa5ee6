import { describe, expect, test } from "vitest";
import { createRng, gaussianArray } from "../../src/base/index.ts";
import type { LinearOperator } from "../../src/operator/index.ts";
import type { Block } from "../../src/runtime/index.ts";
import { chooseFilter } from "../../src/svd/choose-filter.ts";
import { applyFilter, filterInverse, filterResidual, filterValue, NO_FILTER } from "../../src/svd/filter.ts";
import { svd } from "../../src/svd/index.ts";
import { Scratch } from "../../src/svd/scratch.ts";
import { dataOf, hostBlock, jsAlgebra } from "../support/js-algebra.ts";
import { matrixWithSpectrum, operatorOf } from "../support/spectra.ts";

describe("a filter", () => {
  const cutoff = 2;
  const eigenvalues = [0, 0.3, 1, 1.7, 2, 2.1, 2.5, 3];
  const gram = async (x: Block): Promise<Block> =>
    hostBlock(
      dataOf(x).map((entry, at) => entry * eigenvalues[at % eigenvalues.length]!),
      x.rows,
    );

  test.each([1, 2, 3, 7, 20])("of degree %i multiplies each eigenvector by its value there", async (degree) => {
    const filter = { degree, cutoff };
    const ones = hostBlock(new Float32Array(2 * eigenvalues.length).fill(1), 2);
    const data = dataOf(await applyFilter(filter, gram, ones, jsAlgebra, new Scratch(jsAlgebra)));
    eigenvalues.forEach((lambda, i) => {
      const value = filterValue(filter, lambda);
      expect(Math.abs(data[i]! - value)).toBeLessThan(1e-5 * degree * Math.max(1, Math.abs(value)));
    });
  });

  test.each([2, 5, 16])(
    "of degree %i is at most 1 up to the cutoff, and above it rises and can be undone",
    (degree) => {
      const filter = { degree, cutoff };
      for (let lambda = 0; lambda <= cutoff; lambda += 0.01) {
        expect(Math.abs(filterValue(filter, lambda))).toBeLessThanOrEqual(1 + 1e-12);
      }
      let before = 1;
      for (let lambda = cutoff + 0.01; lambda < 4; lambda += 0.01) {
        const value = filterValue(filter, lambda);
        expect(value).toBeGreaterThan(before);
        expect(filterInverse(filter, value)).toBeCloseTo(lambda, 9);
        before = value;
      }
    },
  );

  test("bounds a residual of G by one of its own", () => {
    const filter = { degree: 6, cutoff };
    const rng = createRng(3);
    for (let round = 0; round < 200; round++) {
      const at = 5 + (round % 3);
      const lambda = eigenvalues[at]!;
      const value = filterValue(filter, lambda);
      const x = gaussianArray(rng, eigenvalues.length);
      const norm = (weight: (other: number) => number) =>
        Math.hypot(...eigenvalues.map((other, i) => weight(other) * x[i]!));
      const own = norm((other) => filterValue(filter, other) - value);
      expect(norm((other) => other - lambda)).toBeLessThanOrEqual(filterResidual(filter, own, value) * (1 + 1e-9));
    }
  });
});

describe("chooseFilter", () => {
  const length = 100_000;
  /** A look at a spectrum that falls from 1 to `last` over the first 500 eigenvalues, and on. */
  const standing = (last: number, productCost: number) => {
    const values = Float64Array.from({ length: 200 }, (_, i) => last ** ((i * 5) / 500));
    const weights = new Float64Array(200).fill(5 / length);
    const costs = { productCost, mixCost: 200 * length };
    const given = { wanted: 500, size: 800, capacity: 4000, blockRows: 32, length, headroom: 50, ...costs };
    return { ...given, values, weights };
  };

  test("filters where products are cheap and the spectrum flat", () => {
    expect(chooseFilter(standing(0.97, 1e6)).degree).toBeGreaterThan(1);
  });

  test("does not where products are dear, or the spectrum steep", () => {
    expect(chooseFilter(standing(0.9, 1e10))).toEqual(NO_FILTER);
    expect(chooseFilter(standing(0.05, 1e9))).toEqual(NO_FILTER);
  });

  test("filters the more the flatter it is", () => {
    expect(chooseFilter(standing(0.999, 1e6)).degree).toBeGreaterThan(chooseFilter(standing(0.9, 1e6)).degree);
  });
});

test("a flat spectrum of a cheap operator is found with a filter, in a basis that could not hold it without", async () => {
  const [m, n, k] = [300, 320, 10];
  const spectrum = Array.from({ length: m }, (_, i) => 1 - i / 5000);
  const J: LinearOperator = { ...operatorOf(matrixWithSpectrum(m, n, spectrum), m, n), productCost: 1000 };
  const { sigma, certificate } = await svd(J, { k, method: "krylov", blockRows: 8, maxBasis: 90 });
  sigma.forEach((value, i) => {
    expect(Math.abs(value - spectrum[i]!)).toBeLessThan(1e-6);
  });
  expect(certificate.stopped).toBe("all-converged");
});
