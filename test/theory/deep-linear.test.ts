import { describe, expect, test } from "vitest";
import { modeCurve, modeTime, twoLayerStrength } from "../../src/theory/index.ts";

const DEPTHS = [2, 4, 8, 16, 32, 99, Number.POSITIVE_INFINITY];

describe("a mode of a deep linear network", () => {
  test.each([
    { start: 0.001, times: [9.85, 65.5, 242, 488, 700, 896, 1009] },
    { start: 0.5, times: [2.94, 3.37, 3.62, 3.75, 3.82, 3.87, 3.89] },
  ])("iterations·c from u₀ = $start to 0.95·s, at depths 2 to infinity", ({ start, times }) => {
    for (const [i, depth] of DEPTHS.entries()) {
      expect(modeTime({ depth, strength: 1, start }, 0.95) / times[i]!).toBeCloseTo(1, 2);
    }
  });

  test.each([2.0000001, 3, 8, 99, 1e9])(
    "depth %d: the time is that of the equation, integrated in small steps",
    (depth) => {
      const mode = { depth, strength: 1.7, start: 0.05 };
      const end = 1.5;
      let [u, time] = [mode.start, 0];
      const slope = (x: number) => x ** (2 - 2 / depth) * (mode.strength - x);
      for (const step = 1e-3; u < end; time += step) {
        const k1 = slope(u);
        const k2 = slope(u + (step / 2) * k1);
        const k3 = slope(u + (step / 2) * k2);
        u += (step / 6) * (k1 + 4 * k2 + k3 + (slope(u + step * k3) - k3));
      }
      expect(modeTime(mode, u)).toBeCloseTo(time, 4);
    },
  );

  test("the closed forms of 2 and of infinitely many matrices continue the others", () => {
    for (const [closed, near] of [
      [2, 2 + 1e-7],
      [Number.POSITIVE_INFINITY, 1e8],
    ] as const) {
      const [a, b] = [closed, near].map((depth) => modeTime({ depth, strength: 0.6, start: 0.01 }, 0.5));
      expect(a! / b!).toBeCloseTo(1, 5);
    }
  });

  test("the strength of two matrices after the time that it takes is the one asked for", () => {
    const mode = { depth: 2, strength: 3, start: 0.002 };
    for (const end of [0.01, 1, 2.9]) expect(twoLayerStrength(mode, modeTime(mode, end) / 2)).toBeCloseTo(end, 9);
    expect(twoLayerStrength(mode, 1e6)).toBe(3);
  });

  test.each([2, 4, 8])("depth %d: small steps of gradient descent follow the equation", (depth) => {
    const mode = { depth, strength: 1.2, start: 0.1 };
    const rate = 1e-4;
    const curve = modeCurve(mode, rate, 40_000);
    for (const step of [1000, 5000, 15_000]) {
      expect(modeTime(mode, curve[step]!) / depth / rate / step).toBeCloseTo(1, 3);
    }
  });

  test("a recursion starts where it is told to and stays at the task's strength", () => {
    const curve = modeCurve({ depth: 3, strength: 2, start: 0.4 }, 0.02, 3000);
    expect(curve).toHaveLength(3001);
    expect(curve[0]).toBe(0.4);
    expect(curve[3000]).toBeCloseTo(2, 12);
  });
});
