import { expect, test } from "vitest";
import { createRng } from "../../src/base/index.ts";
import { bootstrap, correlation, jackknife, mean, normalTail, student } from "../../src/studies/statistics.ts";

test.each([7, 40])("intervals of a mean of %i hold what they should about as often as they say", (n) => {
  const repeats = 300;
  const held = { bootstrap: 0, jackknife: 0 };
  for (let repeat = 0; repeat < repeats; repeat++) {
    const rng = createRng(repeat, "sample");
    const sample = Array.from({ length: n }, () => 3 + rng.gaussian());
    const statistic = (chosen: readonly number[]) => mean(chosen.map((i) => sample[i]!));
    const drawn = bootstrap(n, statistic, repeat);
    const left = jackknife(n, statistic);
    expect(drawn).toMatchObject({ value: left.value, n });
    if (drawn.low <= 3 && 3 <= drawn.high) held.bootstrap++;
    if (left.low <= 3 && 3 <= left.high) held.jackknife++;
  }
  for (const count of Object.values(held)) expect(Math.abs(count / repeats - 0.95)).toBeLessThan(0.045);
});

test("quantiles are those of printed tables", () => {
  const printed = [
    [3, 3.182],
    [4, 2.776],
    [7, 2.365],
    [15, 2.131],
    [63, 1.998],
  ] as const;
  for (const [freedom, t] of printed) expect(Math.abs(student(freedom) / t - 1)).toBeLessThan(0.003);
  expect(normalTail(0)).toBeCloseTo(0.5, 6);
  expect(normalTail(1.959964)).toBeCloseTo(0.025, 6);
  expect(normalTail(3)).toBeCloseTo(0.0013499, 6);
});

test("one image has no interval, and the seed fixes the draws", () => {
  const statistic = (chosen: readonly number[]) => mean(chosen);
  expect(bootstrap(1, statistic, 0)).toEqual({ value: 0, low: Number.NaN, high: Number.NaN, n: 1 });
  expect(jackknife(2, statistic)).toEqual({ value: 0.5, low: Number.NaN, high: Number.NaN, n: 2 });
  expect(bootstrap(9, statistic, 5)).toEqual(bootstrap(9, statistic, 5));
});

test("correlations", () => {
  expect(correlation([1, 2, 3], [2, 4, 6])).toBeCloseTo(1, 12);
  expect(correlation([1, 2, 3], [3, 2, 1])).toBeCloseTo(-1, 12);
  expect(correlation([1, -1, 1, -1], [1, 1, -1, -1])).toBeCloseTo(0, 12);
  expect(correlation([1, 1, 1], [1, 2, 3])).toBeNaN();
});
