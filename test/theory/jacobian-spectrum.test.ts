import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { describe, expect, test } from "vitest";
import { createRng, gaussianArray } from "../../src/base/index.ts";
import {
  type Activation,
  criticalPoint,
  criticalWithoutBias,
  type Ensemble,
  errorFunction,
  fussCatalan,
  hardTanh,
  jacobianSpectrum,
  linear,
  marchenkoPastur,
  relu,
  sigmoid,
  spectrumVariance,
  tanh,
} from "../../src/theory/index.ts";

/** At χ = 1. */
const critical = (activation: Activation, q: number, depth: number, ensemble: Ensemble) =>
  jacobianSpectrum({
    activation,
    weightVariance: activation === linear ? 1 : criticalPoint(activation, q).weight ** 2,
    q,
    depth,
    ensemble,
  });

describe("spectra of layers of great width", () => {
  test.each([2, 4, 16])("%d linear Gaussian layers have the spectrum of Fuss and Catalan", (depth) => {
    const predicted = critical(linear, 1, depth, "gaussian");
    const known = fussCatalan(depth);
    expect(predicted.edges[1]).toBeCloseTo(known.edges[1], 6);
    for (let x = 1e-9; x < known.edges[1]; x *= 1.3) {
      expect(Math.abs(predicted.cumulative(x) - known.cumulative(x))).toBeLessThan(3e-5);
    }
  });

  test("one linear Gaussian layer has that of Marchenko and Pastur", () => {
    const known = marchenkoPastur(400, 400, Math.sqrt(1 / 400));
    const predicted = critical(linear, 1, 1, "gaussian");
    for (let x = 1e-9; x < 4; x *= 1.3) {
      expect(Math.abs(predicted.cumulative(x) - known.cumulative(x))).toBeLessThan(3e-5);
    }
  });

  test.each([
    [tanh, 0.25],
    [errorFunction, 0.5],
    [hardTanh, 0.25],
    [relu, 1],
    [sigmoid({ centred: true }), 0.25],
  ] as const)("the moments are 1 and the variance of equation 22 (%o, q = %d)", (activation, q) => {
    for (const ensemble of ["gaussian", "orthogonal"] as const) {
      for (const depth of [4, 8, 100]) {
        const { moment } = critical(activation, q, depth, ensemble);
        expect(moment(1)).toBeCloseTo(1, 3);
        const expected = spectrumVariance(activation, q, depth, ensemble);
        expect(Math.abs(moment(2) / moment(1) ** 2 - 1 - expected)).toBeLessThan(2e-4 * (1 + expected));
      }
    }
  });

  test("the paper's sigmoid with B = 0, whose slopes reach over many orders of magnitude", () => {
    const paper = sigmoid();
    const { weight, q } = criticalWithoutBias(paper);
    const net = { activation: paper, weightVariance: weight ** 2, q, depth: 8, ensemble: "orthogonal" } as const;
    const { moment } = jacobianSpectrum(net);
    expect(moment(1)).toBeCloseTo(1, 3);
    expect(moment(2) / moment(1) ** 2 - 1).toBeCloseTo(spectrumVariance(paper, q, 8, "orthogonal"), 2);
  });

  test("σ that are zero, and those that no layer changes, have shares of their own", () => {
    expect(critical(relu, 1, 5, "gaussian").cumulative(0)).toBeCloseTo(0.5, 9);
    expect(critical(tanh, 0.25, 5, "gaussian").cumulative(0)).toBe(0);
    const cutOff = critical(hardTanh, 0.25, 3, "orthogonal");
    // |x| < 1 with x of variance ¼: two standard deviations.
    const within = 0.9544997361036416;
    expect(cutOff.cumulative(0)).toBeCloseTo(1 - within, 9);
    expect(cutOff.edges[1]).toBeCloseTo(within ** -3, 9);
    expect(1 - cutOff.cumulative(cutOff.edges[1] * (1 - 1e-9))).toBeCloseTo(1 - 3 * (1 - within), 9);
  });

  test.each([
    ["tanh, Gaussian", tanh, 1, 3],
    ["erf, Gaussian", errorFunction, 0.5, 2],
  ] as const)("random matrices with random slopes follow it (%s)", (_, activation, q, depth) => {
    const width = 160;
    const rng = createRng(3, "layers");
    const { weight } = criticalPoint(activation, q);
    const draw = (): number[] => {
      let J = Matrix.eye(width, width);
      for (let layer = 0; layer < depth; layer++) {
        const W = Matrix.from1DArray(width, width, gaussianArray(rng, width * width)).mul(weight / Math.sqrt(width));
        const slopes = Array.from(gaussianArray(rng, width), (z) => activation.slope(z * Math.sqrt(q)));
        J = Matrix.diag(slopes).mmul(W).mmul(J);
      }
      return new EigenvalueDecomposition(J.mmul(J.transpose()), { assumeSymmetric: true }).realEigenvalues;
    };
    const squares = [draw(), draw(), draw(), draw()].flat().sort((a, b) => a - b);
    const { cumulative } = critical(activation, q, depth, "gaussian");
    const distances = squares.map((x, i) => Math.abs((i + 0.5) / squares.length - cumulative(x)));
    expect(Math.max(...distances)).toBeLessThan(3 / width);
  });

  test("a single orthogonal layer is refused", () => {
    expect(() => critical(tanh, 0.25, 1, "orthogonal")).toThrow(/one orthogonal layer/);
  });
});
