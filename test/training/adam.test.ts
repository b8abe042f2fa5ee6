import { expect, test } from "vitest";
import { adam, cosineRate } from "../../src/training/index.ts";

test("the first step of Adam goes by the rate against the gradient's sign", () => {
  const w = Float32Array.from([1, 1, 1]);
  adam().step(new Map([["w", w]]), new Map([["w", Float32Array.from([5, -0.001, 0])]]), 0.25);
  for (const [i, expected] of [0.75, 1.25, 1].entries()) expect(w[i]).toBeCloseTo(expected, 4);
});

test("decay shrinks weights apart from their gradients, but no bias", () => {
  const weights = new Map(["w", "w.bias"].map((name) => [name, Float32Array.from([2])]));
  const gradient = new Map(["w", "w.bias"].map((name) => [name, Float32Array.from([0])]));
  adam({ decay: 0.5 }).step(weights, gradient, 0.1);
  expect(weights.get("w")![0]).toBeCloseTo(1.9, 6);
  expect(weights.get("w.bias")![0]).toBe(2);
});

test("Adam finds the minimum of a badly scaled bowl", () => {
  const w = Float32Array.from([3, -2]);
  const optimizer = adam();
  const rate = cosineRate(0.1, 500, 10);
  for (let step = 0; step < 500; step++) {
    optimizer.step(new Map([["w", w]]), new Map([["w", Float32Array.from([100 * w[0]!, w[1]!])]]), rate(step));
  }
  expect(Math.hypot(...w)).toBeLessThan(1e-3);
});

test("the rate rises to its peak, then falls to nearly zero", () => {
  const rates = Array.from({ length: 110 }, (_, step) => cosineRate(2, 110, 10)(step));
  expect(rates[0]).toBeCloseTo(0.2);
  expect(rates[9]).toBeCloseTo(2);
  expect(rates[10]).toBe(2);
  expect(rates[60]).toBeCloseTo(1);
  expect(rates[109]).toBeLessThan(1e-3);
});
