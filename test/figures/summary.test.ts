import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { summarizeTap } from "../../src/figures/index.ts";
import { measureSpectrum } from "../../src/results/index.ts";
import { tapOf, unitOf } from "./units.ts";

describe("one spectrum", () => {
  test("k equal σ are of rank k by every measure", () => {
    const flat = measureSpectrum(unitOf([2, 2, 2, 2]));
    expect(flat.effectiveRank).toBeCloseTo(4, 12);
    expect(flat.participationRatio).toBeCloseTo(4, 12);
    expect(flat).toMatchObject({ numericalRank: 4, aboveOne: 1, whole: false });
  });

  test("by hand: σ = 3, 1", () => {
    const { effectiveRank, participationRatio, aboveOne } = measureSpectrum(unitOf([3, 1]));
    expect(effectiveRank).toBeCloseTo(4 / 3 ** 0.75, 12); // exp(−¾ ln ¾ − ¼ ln ¼)
    expect(participationRatio).toBeCloseTo(100 / 82, 12);
    expect(aboveOne).toBe(0.5);
  });

  test("all zero, or none: ranks of 0, nothing not a number", () => {
    for (const sigma of [[0, 0], []]) {
      expect(measureSpectrum(unitOf(sigma))).toMatchObject({
        effectiveRank: 0,
        participationRatio: 0,
        numericalRank: 0,
        aboveOne: 0,
      });
    }
  });

  test("numerical rank counts σ above the floor", () => {
    const unit = unitOf([1, 1.01e-6, 0.99e-6, 0], { floor: 1e-6 });
    expect(measureSpectrum(unit).numericalRank).toBe(2);
  });

  test("ranks lie between 1 and k and ignore scale; the participation ratio never exceeds the effective rank", () => {
    const spectrum = fc.array(fc.double({ min: 1e-3, max: 1, noNaN: true }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(spectrum, fc.constantFrom(1e-150, 1, 1e150), (values, scale) => {
        const sigma = values.sort((a, b) => b - a);
        const one = measureSpectrum(unitOf(sigma));
        const scaled = measureSpectrum(unitOf(sigma.map((value) => value * scale)));
        for (const rank of [one.effectiveRank, one.participationRatio]) {
          expect(rank).toBeGreaterThan(1 - 1e-12);
          expect(rank).toBeLessThan(sigma.length + 1e-9);
        }
        expect(scaled.effectiveRank).toBeCloseTo(one.effectiveRank, 9);
        expect(scaled.participationRatio).toBeCloseTo(one.participationRatio, 9);
        expect(one.participationRatio).toBeLessThan(one.effectiveRank + 1e-9);
      }),
    );
  });
});

describe("one tap", () => {
  test("mean and sample standard deviation over the inputs", () => {
    const { sigmaFirst, sigmaLast, inputs } = summarizeTap(
      tapOf("a", [
        [1, 0.5],
        [3, 0.5],
        [8, 2],
      ]),
    );
    expect(inputs).toBe(3);
    expect(sigmaFirst).toEqual({ n: 3, mean: 4, std: Math.sqrt(13) });
    expect(sigmaLast.mean).toBe(1);
  });

  test("one input has no deviation", () => {
    expect(summarizeTap(tapOf("a", [[1]])).sigmaFirst).toEqual({ n: 1, mean: 1, std: Number.NaN });
  });

  test("statuses, worst cases, costs and claims", () => {
    const units = [
      { input: "x", unit: unitOf([4, 2], { residual: Float64Array.of(1e-6, 4e-6), missed: { kind: "exact" } }) },
      { input: "y", unit: unitOf([2, 1], { residual: Float64Array.of(0, 1e-3), status: ["at-floor", "unconverged"] }) },
    ];
    expect(summarizeTap({ tap: "a", units })).toMatchObject({
      triplets: 4,
      converged: 2,
      atFloor: 1,
      unconverged: 1,
      worstResidual: 5e-4, // relative to the norm of its own unit
      worstOrthogonality: 2e-7,
      missed: { exact: 1, probable: 0, none: 1 },
      jvp: 10,
      vjp: 12,
      seconds: 1,
      activeShare: 0.8,
    });
  });

  test("the numerical rank is a lower bound only where every computed σ counts and not all were computed", () => {
    const bound = (sigma: number[], m: number) =>
      summarizeTap({ tap: "a", units: [{ input: "x", unit: unitOf(sigma, { m }) }] }).numericalRankIsLowerBound;
    expect(bound([2, 1], 10)).toBe(true);
    expect(bound([2, 0], 10)).toBe(false);
    expect(bound([2, 1], 2)).toBe(false);
  });

  test("no unit yet", () => {
    const empty = summarizeTap({ tap: "a", units: [] });
    expect(empty).toMatchObject({ inputs: 0, triplets: 0, whole: false, worstResidual: Number.NaN });
    expect(empty.sigmaFirst.mean).toBeNaN();
  });
});
