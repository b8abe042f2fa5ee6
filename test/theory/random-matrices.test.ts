import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { describe, expect, test } from "vitest";
import { createRng, gaussianArray } from "../../src/base/index.ts";
import {
  fussCatalan,
  gaussianExponents,
  linear,
  marchenkoPastur,
  normScatter,
  relu,
  type Spectrum,
  typicalExponent,
} from "../../src/theory/index.ts";

const rng = createRng(1, "random matrices");

/** A matrix with independent Gaussian entries. */
const gaussian = (rows: number, columns: number, deviation: number) =>
  Matrix.from1DArray(rows, columns, gaussianArray(rng, rows * columns)).mul(deviation);

/** The squared singular values of a matrix that has at most as many rows as columns, ascending. */
const squaredValues = (matrix: Matrix): number[] =>
  new EigenvalueDecomposition(matrix.mmul(matrix.transpose()), { assumeSymmetric: true }).realEigenvalues.sort(
    (a, b) => a - b,
  );

/** The largest distance of the shares of the values up to x from the distribution (Kolmogorov-Smirnov). */
const distance = (values: readonly number[], { cumulative }: Spectrum): number =>
  Math.max(
    ...values.map((x, i) => Math.max((i + 1) / values.length - cumulative(x), cumulative(x) - i / values.length)),
  );

/** The mean of λ^k from the cumulative distribution, by parts: high^k − ∫ k·x^(k−1)·F(x) dx, by the midpoint rule. */
function momentOf({ edges: [, high], cumulative }: Spectrum, k: number): number {
  const parts = 2000;
  let area = 0;
  for (let i = 0; i < parts; i++) {
    const x = ((i + 0.5) * high) / parts;
    area += k * x ** (k - 1) * cumulative(x);
  }
  return high ** k - (area * high) / parts;
}

describe("Marchenko-Pastur", () => {
  test.each([
    [150, 150],
    [100, 300],
    [300, 120],
  ])("%d × %d: singular values of a random matrix follow it", (rows, columns) => {
    const deviation = 0.3;
    const predicted = marchenkoPastur(rows, columns, deviation);
    const short = Math.min(rows, columns);
    const matrix = gaussian(short, Math.max(rows, columns), deviation);
    expect(distance(squaredValues(matrix), predicted)).toBeLessThan(3 / short);
  });

  test("near to 0, a square matrix has the share (2/π)·√λ of smaller values", () => {
    const { cumulative } = marchenkoPastur(300, 300, Math.sqrt(1 / 300));
    for (const x of [1e-6, 1e-12, 1e-18, 1e-24]) expect(cumulative(x) / Math.sqrt(x)).toBeCloseTo(2 / Math.PI, 5);
    expect(cumulative(0)).toBe(0);
    expect(cumulative(5)).toBeCloseTo(1, 12);
  });

  test("its edges, mean, variance over squared mean, and moments", () => {
    const predicted = marchenkoPastur(200, 50, 0.1);
    const [low, high] = predicted.edges.map(Math.sqrt);
    expect(low).toBeCloseTo(0.1 * (Math.sqrt(200) - Math.sqrt(50)), 12);
    expect(high).toBeCloseTo(0.1 * (Math.sqrt(200) + Math.sqrt(50)), 12);
    expect(predicted.moment(1)).toBeCloseTo(2, 12);
    expect(predicted.moment(2) / predicted.moment(1) ** 2 - 1).toBeCloseTo(50 / 200, 12);
    for (const k of [1, 2, 3, 4]) expect(momentOf(predicted, k) / predicted.moment(k)).toBeCloseTo(1, 5);
  });

  test("of a square matrix it is the quarter of a circle", () => {
    const { cumulative } = marchenkoPastur(80, 80, Math.sqrt(1 / 80));
    for (const sigma of [0.1, 0.7, 1.3, 1.9]) {
      const circle = (sigma * Math.sqrt(4 - sigma ** 2)) / (2 * Math.PI) + (2 / Math.PI) * Math.asin(sigma / 2);
      expect(cumulative(sigma ** 2)).toBeCloseTo(circle, 10);
    }
  });
});

describe("Fuss-Catalan", () => {
  test("one factor is Marchenko-Pastur", () => {
    const { cumulative } = marchenkoPastur(80, 80, Math.sqrt(1 / 80));
    for (const x of [0.01, 0.5, 1, 2.5, 3.9]) expect(fussCatalan(1).cumulative(x)).toBeCloseTo(cumulative(x), 8);
  });

  test.each([1, 2, 3, 4, 8])(
    "%d factors: the moments of the distribution are the numbers of Fuss and Catalan",
    (factors) => {
      const predicted = fussCatalan(factors);
      expect(predicted.moment(1)).toBe(1);
      expect(predicted.moment(2)).toBe(factors + 1);
      for (const k of [1, 2, 3]) expect(momentOf(predicted, k) / predicted.moment(k)).toBeCloseTo(1, 3);
    },
  );

  test.each([2, 4])("a product of %d random matrices follows it", (factors) => {
    const size = 150;
    let product = Matrix.eye(size);
    for (let i = 0; i < factors; i++) product = gaussian(size, size, size ** -0.5).mmul(product);
    expect(distance(squaredValues(product), fussCatalan(factors))).toBeLessThan(3 / size);
  });
});

describe("products of random matrices", () => {
  test("exponents: the mean of ln R_ii over random matrices, within 4 standard errors", () => {
    const [size, draws] = [6, 4000];
    const sums = new Float64Array(size);
    for (let draw = 0; draw < draws; draw++) {
      // The lengths of Gaussian vectors of N, N − 1, … entries are distributed as R_11, R_22, …
      for (let i = 0; i < size; i++) {
        sums[i]! += Math.log(Math.hypot(...gaussianArray(rng, size - i)) * Math.sqrt(1.7 / size)) / draws;
      }
    }
    for (const [i, { value, deviation }] of gaussianExponents(size, 1.7, draws).entries()) {
      expect(Math.abs(sums[i]! - value)).toBeLessThan(4 * deviation);
    }
  });

  test("N = 1: ln |z| has the mean −(γ + ln 2)/2 and the variance π²/8", () => {
    const [{ value, deviation }] = gaussianExponents(1, 1, 1) as [{ value: number; deviation: number }];
    expect(value).toBeCloseTo(-(0.5772156649015329 + Math.LN2) / 2, 14);
    expect(deviation ** 2).toBeCloseTo(Math.PI ** 2 / 8, 12);
  });

  test("ln ‖Jv‖² of linear layers: mean −β/2 and variance β", () => {
    const [size, layers, draws] = [200, 20, 300];
    const logarithms = Array.from({ length: draws }, () => {
      let sum = 0; // Each layer multiplies the squared length by the mean of N squared Gaussian numbers.
      for (let i = 0; i < layers; i++) sum += Math.log(gaussianArray(rng, size).reduce((s, z) => s + z * z, 0) / size);
      return sum;
    });
    const beta = normScatter(linear, 1, layers, size, "gaussian");
    const mean = logarithms.reduce((a, b) => a + b) / draws;
    const variance = logarithms.reduce((a, b) => a + (b - mean) ** 2, 0) / (draws - 1);
    expect(Math.abs(mean + beta / 2)).toBeLessThan(4 * Math.sqrt(beta / draws));
    expect(Math.abs(variance / beta - 1)).toBeLessThan(4 * Math.sqrt(2 / draws));
    expect(beta).toBeCloseTo((2 * layers) / size, 12);
    // Half of the slopes of ReLU are 1 and half 0, so that β = 5L/N; with orthogonal weights 3L/N.
    expect(normScatter(relu, 1, layers, size, "gaussian")).toBeCloseTo((5 * layers) / size, 12);
    expect(normScatter(relu, 1, layers, size, "orthogonal")).toBeCloseTo((3 * layers) / size, 12);
    expect(normScatter(linear, 1, layers, size, "orthogonal")).toBeCloseTo(0, 12);
  });

  test("the largest exponent of wide layers is Newman's where the layers are linear", () => {
    const layers = { activation: linear, weightVariance: 0.81, biasVariance: 0.1 };
    for (const width of [50, 400]) {
      const { value } = gaussianExponents(width, 0.81, 1)[0]!;
      expect(Math.abs(typicalExponent(layers, width) - value)).toBeLessThan(1 / width ** 2);
    }
  });
});
