import { describe, expect, test } from "vitest";
import { families } from "../rows/index.ts";
import { problemOf } from "../rows/problem.ts";
import { titleOf } from "../rows/row.ts";
import { jacobian64 } from "./jacobian64.ts";
import { adjointGap, distance, gaussian64, norm, relativeDistance } from "./vectors.ts";

/** Rounding costs 1e-16 / STEP, curvature STEP²: both far below what a wrong factor makes. */
const STEP = 1e-5;
/** Constants of the rules are float32: 6e-8 each. */
const TOLERANCE = 1e-6;
const POINTS = [0, 1];

describe.each(Object.entries(families))("%s", (_family, rows) => {
  describe.each(rows.map((row) => [titleOf(row), row] as const))("%s", (_title, row) => {
    test("Jv = (f(x + hv) − f(x − hv)) / 2h", async () => {
      for (const seed of POINTS) {
        const J = await jacobian64(problemOf(row, seed));
        const v = gaussian64(J.n, "v", seed);
        const Jv = J.jvp(v);
        const [after, before] = [J.shifted(v, STEP), J.shifted(v, -STEP)];
        const difference = after.map((value, i) => (value - before[i]!) / (2 * STEP));
        const allowed = TOLERANCE * Math.max(norm(Jv), norm(difference)) + 1e-10 * (1 + norm(after));
        expect(distance(Jv, difference)).toBeLessThan(allowed);
      }
    });

    test("⟨u, Jv⟩ = ⟨Jᵀu, v⟩ to the last digits", async () => {
      const J = await jacobian64(problemOf(row));
      const [v, u] = [gaussian64(J.n, "v"), gaussian64(J.m, "u")];
      expect(adjointGap(u, J.jvp(v), J.vjp(u), v)).toBeLessThan(1e-12);
    });

    test("(Jᵀ)ᵀ = J", async () => {
      const J = await jacobian64(problemOf(row));
      const v = gaussian64(J.n, "v");
      expect(relativeDistance(J.jvpByTransposes(v), J.jvp(v))).toBeLessThan(1e-12);
    });
  });
});
