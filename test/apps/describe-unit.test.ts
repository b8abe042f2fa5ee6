import { expect, test } from "vitest";
import { describeUnit, summaryTable } from "../../src/apps/cli/describe-unit.ts";
import { unitOf } from "../figures/units.ts";

const floor = 4.14e-6;
const lost = "below-floor" as const;
const unit = unitOf([2, 1, 3e-7, 2.4e-22], {
  floor,
  residual: Float64Array.of(2e-6, 1e-7, 1e-7, 1e-7),
  status: ["converged", "converged", lost, lost],
});
const other = unitOf([4, 2, 1, 0], {
  floor: 1e-6,
  status: ["converged", "converged", "converged", lost],
  seconds: 1.5,
});
const record = { name: "relu5", tensor: "r5", op: "Relu", shape: [4], cut: true, k: 4 };

test("a unit: σ below the floor is told by the floor, and is not certified", () => {
  expect(describeUnit(unit)).toBe(
    "σ₁ 2.000, σ₄ < 4.2e-6, 2 of 4 certified, 2 below the floor, worst residual 1.0e-6 σ₁, 0.5 s",
  );
  expect(describeUnit(unitOf([2, 1]))).toBe("σ₁ 2.000, σ₂ 1.00, 2 of 2 certified, worst residual 5.0e-8 σ₁, 0.5 s");
});

test("a tap: no σ below the floor enters a mean", () => {
  const [, , row] = summaryTable([{ record, units: [unit, other] }]).split("\n");
  expect(row!.trim().split(/ {2,}/)).toEqual([
    "relu5",
    "10×20",
    "4",
    "3.000",
    "< 4.2e-6",
    "5/8",
    "3",
    "1.0e-6",
    "2.0 s",
  ]);
  const third = { ...record, k: 3 };
  const [, , part] = summaryTable([{ record: third, units: [unit, other] }]).split("\n");
  expect(part).toContain("1.00 (1 of 2)");
});

test("the zeros of J = 0 are numbers", () => {
  expect(describeUnit(unitOf([0, 0], { floor: 0, norm: 0 }))).toContain("σ₁ 0.000, σ₂ 0.00, 2 of 2 certified");
});
