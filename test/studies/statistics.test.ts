import { expect, test } from "vitest";
import { createRng, student } from "../../src/base/index.ts";
import { cellsOf } from "../../src/studies/control-findings.ts";
import { bootstrap, correlation, jackknife, mean, meanOf, normalTail, ofAll } from "../../src/studies/statistics.ts";
import { rangeOf, told } from "../../src/studies/told.ts";

test.each([7, 40])("intervals of a mean of %i hold what they should about as often as they say", (n) => {
  const repeats = 300;
  const held = { bootstrap: 0, jackknife: 0 };
  for (let repeat = 0; repeat < repeats; repeat++) {
    const rng = createRng(repeat, "sample");
    const sample = Array.from({ length: n }, () => 3 + rng.gaussian());
    const statistic = (chosen: readonly number[]) => mean(chosen.map((i) => sample[i]!));
    const drawn = bootstrap(ofAll(n, statistic), repeat);
    const left = jackknife(ofAll(n, statistic));
    expect(drawn).toMatchObject({ value: left.value, n });
    if (drawn.low <= 3 && 3 <= drawn.high) held.bootstrap++;
    if (left.low <= 3 && 3 <= left.high) held.jackknife++;
  }
  for (const count of Object.values(held)) expect(Math.abs(count / repeats - 0.95)).toBeLessThan(0.045);
});

test("the interval of a share stays in [0, 1] and holds what it should about as often as it says", () => {
  const [n, repeats] = [12, 400];
  for (const share of [0.5, 0.9]) {
    let held = 0;
    for (let repeat = 0; repeat < repeats; repeat++) {
      const rng = createRng(repeat, "share", share);
      // Each observation is the share of 20 examples.
      const shares = Array.from({ length: n }, () =>
        mean(Array.from({ length: 20 }, () => Number(rng.uniform() < share))),
      );
      const found = jackknife({ ...ofAll(n, (chosen) => mean(chosen.map((i) => shares[i]!))), scale: "share" });
      expect(found.low).toBeGreaterThanOrEqual(0);
      expect(found.high).toBeLessThanOrEqual(1);
      expect(found.low <= found.value && found.value <= found.high).toBe(true);
      if (found.low <= share && share <= found.high) held++;
    }
    expect(Math.abs(held / repeats - 0.95)).toBeLessThan(0.04);
  }
  const at = (shares: readonly number[]) =>
    jackknife({ ...ofAll(shares.length, (chosen) => mean(chosen.map((i) => shares[i]!))), scale: "share" });
  expect(at([0.2, 1, 1, 1, 1]).high).toBe(1);
  expect(at([0, 0, 0, 0, 0.1]).low).toBe(0);
  expect(at([1, 1, 1, 1])).toMatchObject({ low: 1, high: 1 });
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

test("fewer than four images have no interval, and the seed fixes the draws", () => {
  const statistic = (chosen: readonly number[]) => mean(chosen);
  for (const n of [1, 2, 3]) {
    const none = { value: (n - 1) / 2, low: Number.NaN, high: Number.NaN, n };
    expect(bootstrap(ofAll(n, statistic), 0)).toMatchObject(none);
    expect(jackknife(ofAll(n, statistic))).toMatchObject(none);
  }
  expect(bootstrap(ofAll(4, statistic), 0).low).toBeLessThan(1.5);
  const nine = ofAll(9, statistic);
  expect(bootstrap(nine, 5)).toEqual(bootstrap(nine, 5));
});

test("an interval that is narrower than float32 products can tell is none", () => {
  const shaken = Array.from({ length: 16 }, (_, i) => 0.1 * (1 + 1e-8 * Math.sin(i)));
  const found = meanOf(shaken, 0);
  expect(found.low).toBe(found.value);
  expect(found.high).toBe(found.value);
  expect(cellsOf(found)).toEqual([found.value, Number.NaN, Number.NaN]);
  expect(told(found)).toBe("0.100 (the same for all 16 images)");
});

test.each([
  [{ value: 0.512, low: 0.4014, high: 0.633, n: 16 }, "0.512 (95 % interval 0.401 to 0.633, n = 16 images)"],
  [{ value: 0.59701, low: 0.59696, high: 0.59704, n: 40 }, "0.59701 (95 % interval 0.59696 to 0.59704, n = 40 images)"],
  [{ value: 0.9, low: 0.9, high: 0.9, n: 40 }, "0.900 (the same for all 40 images)"],
  [{ value: 0.597, low: Number.NaN, high: Number.NaN, n: 2 }, "0.597 (2 images: no interval)"],
  [{ value: 0.597, low: Number.NaN, high: Number.NaN, n: 1 }, "0.597 (1 image: no interval)"],
  [{ value: Number.NaN, low: Number.NaN, high: Number.NaN, n: 0 }, "not known of any image"],
])("an estimate in words: %j", (estimate, text) => {
  expect(told(estimate)).toBe(text);
});

test("between which taps a number lies, where its ends hide that", () => {
  expect(rangeOf(["conv1", "fire9", "logits"], [6.48, 1911, 63.9])).toBe("between 6.48 (conv1) and 1911 (fire9)");
});

test("correlations", () => {
  expect(correlation([1, 2, 3], [2, 4, 6])).toBeCloseTo(1, 12);
  expect(correlation([1, 2, 3], [3, 2, 1])).toBeCloseTo(-1, 12);
  expect(correlation([1, -1, 1, -1], [1, 1, -1, -1])).toBeCloseTo(0, 12);
  expect(correlation([1, 1, 1], [1, 2, 3])).toBeNaN();
});
