import { expect, test } from "vitest";
import { completeOf, ratiosOf } from "../../src/apps/explorer/page/spectra/ratios.ts";
import type { UnitNumbers } from "../../src/figures/index.ts";
import type { Missed } from "../../src/results/index.ts";

const unit = (sigma: number[], residual: number[], floor: number, missed: Missed = { kind: "exact" }): UnitNumbers => ({
  ...{
    m: 9,
    n: 9,
    k: sigma.length,
    sigma: Float64Array.from(sigma),
    residual: Float64Array.from(residual),
    floor,
    missed,
  },
  ...{
    status: sigma.map(() => "converged"),
    norm: sigma[0]!,
    orthogonality: { u: 0, v: 0 },
    jvp: 0,
    vjp: 0,
    seconds: 0,
  },
  ...{ stopped: "all-converged", activeRows: 9 },
});

test("bounds of a ratio are those of the extreme quotients, by the residual or the floor where that is larger", () => {
  const [first, second] = ratiosOf(unit([4, 2], [1, 0.01], 0.1), unit([6, 1, 0.5], [0.5, 0.2, 0], 0.1));
  expect(first).toEqual({ a: 4, b: 6, ratio: 1.5, low: 5.5 / 5, high: 6.5 / 3 });
  expect(second).toEqual({ a: 2, b: 1, ratio: 0.5, low: 0.8 / 2.1, high: 1.2 / 1.9 });
  expect(ratiosOf(unit([4], [0], 0), unit([6, 5], [0, 0], 0))).toHaveLength(1);
});

test("a σ that cannot be told from zero has no ratio, and bounds that say so", () => {
  const [small, none] = [unit([0.1], [0.1], 0.2), unit([0], [0], 0.2)];
  expect(ratiosOf(small, unit([1], [0], 0.1))).toEqual([{ a: 0.1, b: 1, low: 0.9 / (0.1 + 0.2), high: Infinity }]);
  expect(ratiosOf(unit([1], [0], 0.1), none)).toEqual([{ a: 1, b: 0, low: 0, high: 0.2 / 0.9 }]);
});

test("the index up to which no larger σ was missed: all, none, or those above the bound by their own certificate", () => {
  const of = (missed: Missed) => completeOf(unit([5, 4, 3], [0, 0.5, 0], 0.1, missed));
  expect(of({ kind: "exact" })).toBe(3);
  expect(of({ kind: "none" })).toBe(0);
  expect(of({ kind: "probable", bound: 3.6, failureProbability: 1e-6 })).toBe(1);
  expect(of({ kind: "probable", bound: 3.4, failureProbability: 1e-6 })).toBe(2);
});
