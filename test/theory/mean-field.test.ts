import { describe, expect, test } from "vitest";
import { createRng } from "../../src/base/index.ts";
import {
  criticalPoint,
  criticalWithoutBias,
  errorFunction,
  finiteWidthMean,
  hardTanh,
  linear,
  meanField,
  relu,
  sigmoid,
  slopeMoment,
  spectrumVariance,
  tanh,
} from "../../src/theory/index.ts";

const activations = [
  linear,
  relu,
  tanh,
  errorFunction,
  hardTanh,
  sigmoid({ gain: 2 }),
  sigmoid({ gain: 3, centred: true }),
];

describe("activations", () => {
  test.each(activations)("$name: the slope agrees with differences away from kinks", ({ value, slope, kinks }) => {
    for (const x of [-4.3, -1.7, -0.6, -0.2, 0.3, 0.9, 1.4, 3.1]) {
      expect(kinks.every((kink) => Math.abs(kink - x) > 1e-3)).toBe(true);
      expect(slope(x)).toBeCloseTo((value(x + 1e-5) - value(x - 1e-5)) / 2e-5, 8);
    }
  });

  test("the paper's sigmoid has the slope g/4 at the origin, in both readings of B", () => {
    expect(sigmoid({ gain: 10 }).slope(0)).toBe(2.5);
    expect(sigmoid({ gain: 10, centred: true }).slope(0)).toBe(2.5);
    expect(sigmoid({ gain: 10, centred: true }).value(0.3)).toBeCloseTo(sigmoid({ gain: 10 }).value(0.3) - 0.5, 14);
  });
});

describe("moments against closed forms", () => {
  test("E φ′² of ReLU is ½, at every q", () => {
    for (const q of [1e-4, 0.3, 7, 1e4]) expect(slopeMoment(relu, q, 1)).toBeCloseTo(0.5, 13);
  });

  test("E φ′^(2k) of erf(x·√π/2) is (1 + kπq)^(−½)", () => {
    for (const q of [0.01, 1, 30, 2000]) {
      for (const k of [1, 2, 3])
        expect(slopeMoment(errorFunction, q, k)).toBeCloseTo((1 + k * Math.PI * q) ** -0.5, 12);
    }
  });

  test("E φ′^(2k) of hard-tanh is the probability of |z·√q| < 1", () => {
    // P(|z| < 1) and P(|z| < 2), from a table of the normal distribution.
    expect(slopeMoment(hardTanh, 1, 1)).toBeCloseTo(0.682689492137, 11);
    expect(slopeMoment(hardTanh, 0.25, 2)).toBeCloseTo(0.954499736104, 11);
  });
});

describe("the fixed point", () => {
  test("a linear layer keeps σ_b²/(1 − σ_w²)", () => {
    const { q, chi } = meanField({ activation: linear, weightVariance: 0.6, biasVariance: 0.2 });
    expect(q).toBeCloseTo(0.5, 10);
    expect(chi).toBeCloseTo(0.6, 10);
  });

  test("of erf it solves q = σ_w²·(2/π)·asin(q/(q + 2/π)) + σ_b²", () => {
    const [weightVariance, biasVariance] = [1.9, 0.05];
    const { q } = meanField({ activation: errorFunction, weightVariance, biasVariance });
    expect(((weightVariance * 2) / Math.PI) * Math.asin(q / (q + 2 / Math.PI)) + biasVariance).toBeCloseTo(q, 10);
  });

  test("it is 0 for tanh below σ_w = 1, and χ is σ_w² there", () => {
    expect(meanField({ activation: tanh, weightVariance: 0.81 })).toEqual({ q: 0, chi: expect.closeTo(0.81, 12) });
  });

  test.each([
    [1.5, 0.0652],
    [2, 0.1547],
    [3, 0.3102],
  ])("tanh with g = %d has the exponent ½·ln χ = %d", (gain, exponent) => {
    const { chi } = meanField({ activation: tanh, weightVariance: gain ** 2 });
    expect(Math.log(chi) / 2).toBeCloseTo(exponent, 4);
  });

  test.each([
    { biasVariance: 0, what: "every q is a fixed point" },
    { biasVariance: 1, what: "it grows without bound" },
  ])("of ReLU with σ_w² = 2 there is none: $what", ({ biasVariance }) => {
    expect(() => meanField({ activation: relu, weightVariance: 2, biasVariance })).toThrow("has no single fixed point");
  });
});

describe("criticality", () => {
  test("tanh at q* = 0.25", () => {
    const { weight, bias } = criticalPoint(tanh, 0.25);
    expect(weight).toBeCloseTo(1.1807, 4);
    expect(bias).toBeCloseTo(0.0901, 4);
    const { q, chi } = meanField({ activation: tanh, weightVariance: weight ** 2, biasVariance: bias ** 2 });
    expect(q).toBeCloseTo(0.25, 9);
    expect(chi).toBeCloseTo(1, 9);
  });

  test("ReLU needs σ_w² = 2 and no bias, at every q", () => {
    expect(criticalPoint(relu, 3.7).weight ** 2).toBeCloseTo(2, 12);
    expect(criticalPoint(relu, 3.7).bias).toBeCloseTo(0, 6);
  });

  test("the paper's sigmoid with B = 0 is critical at g·σ_w = 10.149, and gives no isometry even with orthogonal weights", () => {
    for (const gain of [1, 2.5]) {
      const activation = sigmoid({ gain });
      const { weight, q } = criticalWithoutBias(activation);
      expect(gain * weight).toBeCloseTo(10.149, 3);
      expect(spectrumVariance(activation, q, 1, "orthogonal")).toBeCloseTo(3.449, 3);
      expect(spectrumVariance(activation, q, 7, "gaussian")).toBeCloseTo(7 * 4.449, 2);
    }
  });

  test("with B = −½ it is ½·tanh(gx/2), critical as q goes to 0 at g·σ_w = 4", () => {
    expect(criticalPoint(sigmoid({ gain: 4, centred: true }), 1e-8).weight).toBeCloseTo(1, 6);
    expect(() => criticalWithoutBias(sigmoid({ centred: true }))).toThrow("at no q*");
  });

  test("a variance of the weights that makes q grow is refused", () => {
    expect(() => criticalPoint(sigmoid(), 1)).toThrow("the weights that give χ = 1 make the variance grow");
  });
});

test("the variance of the spectrum: ReLU 2·L for Gaussian weights and L for orthogonal ones", () => {
  expect(spectrumVariance(relu, 1, 8, "gaussian")).toBeCloseTo(16, 10);
  expect(spectrumVariance(relu, 1, 8, "orthogonal")).toBeCloseTo(8, 10);
  expect(spectrumVariance(tanh, 1, 8, "gaussian")).toBeCloseTo(12.7, 1);
  expect(spectrumVariance(tanh, 1, 8, "orthogonal")).toBeCloseTo(4.67, 2);
});

describe("the mean of σ² at finite width", () => {
  test.each([10, 1000])("it is 1 for ReLU and for linear layers of %d neurons, by symmetry", (width) => {
    for (const activation of [relu, linear]) {
      const weightVariance = activation === relu ? 2 : 1;
      for (const weights of ["gaussian", "orthogonal"] as const) {
        expect(finiteWidthMean({ activation, weightVariance }, 1, 30, width, weights)).toBeCloseTo(1, 6);
      }
    }
  });

  test("its corrections vanish as 1/width", () => {
    const { weight, bias } = criticalPoint(tanh, 0.25);
    const layers = { activation: tanh, weightVariance: weight ** 2, biasVariance: bias ** 2 };
    const [narrow, wide] = [300, 3000].map((width) => Math.log(finiteWidthMean(layers, 0.25, 100, width, "gaussian")));
    expect(narrow).toBeCloseTo(0.148, 3);
    expect(narrow! / wide!).toBeCloseTo(10, 9);
  });

  // Gaussian weights of small q, and orthogonal ones of large q, are where it is farthest from 1.
  test.each([
    { weights: "gaussian", q: 0.05, side: -1 },
    { weights: "orthogonal", q: 1, side: 1 },
  ] as const)("narrow random networks of $weights weights have it, and not that of infinite width", (one) => {
    const [width, depth, draws, tangents] = [30, 10, 1500, 8];
    const { weights, q, side } = one;
    const { weight, bias } = criticalPoint(tanh, q);
    const rng = createRng(4, "finite width");
    const gaussian = () => Float64Array.from({ length: width }, rng.gaussian);
    const multiplied = weights === "gaussian" ? byGaussian : byOrthogonal;
    const growths = Array.from({ length: draws }, () => {
      // The value of a layer, and tangents.
      let vectors = Array.from({ length: 1 + tangents }, gaussian);
      const size = Math.sqrt((width * (q - bias ** 2)) / weight ** 2 / dot(vectors[0]!, vectors[0]!));
      vectors[0] = vectors[0]!.map((x) => x * size);
      const total = () => vectors.slice(1).reduce((sum, vector) => sum + dot(vector, vector), 0);
      const start = total();
      for (let layer = 0; layer < depth; layer++) {
        const [sums, ...moved] = multiplied(vectors, gaussian);
        const x = sums!.map((sum) => weight * sum + bias * rng.gaussian());
        vectors = [x.map(tanh.value), ...moved.map((v) => v.map((vi, i) => tanh.slope(x[i]!) * weight * vi))];
      }
      return total() / start;
    });
    const mean = growths.reduce((sum, growth) => sum + growth, 0) / draws;
    const error = Math.sqrt(growths.reduce((sum, growth) => sum + (growth - mean) ** 2, 0)) / draws;
    const layers = { activation: tanh, weightVariance: weight ** 2, biasVariance: bias ** 2 };
    expect(Math.abs(mean - finiteWidthMean(layers, q, depth, width, weights))).toBeLessThan(3 * error);
    expect(side * (mean - 1)).toBeGreaterThan(4 * error);
  });
});

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

/** Vectors times one Gaussian matrix with entries of variance 1/width, row by row. */
function byGaussian(vectors: readonly Float64Array[], gaussian: () => Float64Array): Float64Array[] {
  const products = vectors.map((vector) => new Float64Array(vector.length));
  const scale = Math.sqrt(vectors[0]!.length);
  for (let i = 0; i < vectors[0]!.length; i++) {
    const row = gaussian();
    for (const [k, vector] of vectors.entries()) products[k]![i] = dot(row, vector) / scale;
  }
  return products;
}

/** Vectors times one random orthogonal matrix: it takes an orthonormal basis of their span to a random orthonormal basis. */
function byOrthogonal(vectors: readonly Float64Array[], gaussian: () => Float64Array): Float64Array[] {
  const { basis, coordinates } = gramSchmidt(vectors);
  const image = gramSchmidt(basis.map(gaussian)).basis;
  return coordinates.map((own) =>
    own.reduce((sum, c, k) => sum.map((x, i) => x + c * image[k]![i]!), new Float64Array(vectors[0]!.length)),
  );
}

/** An orthonormal basis of vectors, and their coordinates in it. */
function gramSchmidt(vectors: readonly Float64Array[]) {
  const basis: Float64Array[] = [];
  const coordinates = vectors.map((vector) => {
    let rest = vector;
    const own = basis.map((b) => {
      const c = dot(b, rest);
      rest = rest.map((x, i) => x - c * b[i]!);
      return c;
    });
    const length = Math.sqrt(dot(rest, rest));
    basis.push(rest.map((x) => x / length));
    return [...own, length];
  });
  return { basis, coordinates };
}
