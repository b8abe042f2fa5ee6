import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRng, gaussianArray } from "../../src/base/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { interpret } from "../reference/interpret.ts";
import { fromTensor } from "../reference/tensor.ts";
import { families } from "../rows/index.ts";
import { type Problem, problemOf, to64 } from "../rows/problem.ts";
import { titleOf } from "../rows/row.ts";
import { type EmittedJacobian, emittedJacobian, interpretOnce } from "./emitted.ts";
import { jacobian64 } from "./jacobian64.ts";
import { adjointGap, relativeDistance } from "./vectors.ts";

/** Rounding of float32 sums that the two directions take in different order. */
const ADJOINT = 8 * 2 ** -23;
/** The same against float64, and of values that differ before a normalization subtracts them. */
const ROUNDING = 32 * 2 ** -23;
/** Dense matrices up to this many entries. */
const DENSE = 40_000;

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

const blocks = fc.record({ seed: fc.nat(), K: fc.integer({ min: 1, max: 5 }) });
const random = (count: number, ...seeds: (number | string)[]) => gaussianArray(createRng(...seeds), count);
const unit = (size: number) => Float32Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0));

describe.each(Object.entries(families))("%s", (_family, rows) => {
  describe.each(rows.map((row) => [titleOf(row), row] as const))("%s", (_title, row) => {
    let problem: Problem;
    let J: EmittedJacobian;
    beforeAll(async () => {
      problem = problemOf(row);
      J = await emittedJacobian(backend, problem, row.withoutForward ? interpretOnce : undefined);
    });
    afterAll(() => J?.release());

    test("the reference interpreter agrees with ONNX Runtime", ({ skip }) => {
      skip(row.withoutForward !== undefined, row.withoutForward);
      const values = interpret(problem.model.onnx.graph, to64(problem.point));
      for (const [name, actual] of J.outputs) {
        const expected = values.get(name)!;
        expect(actual.shape).toEqual(expected.shape);
        expect(actual.type).toBe(expected.type);
        expect(relativeDistance(fromTensor(actual).data, expected.data)).toBeLessThan(ROUNDING);
      }
    });

    test("⟨u, Jv⟩ = ⟨Jᵀu, v⟩ for any block", async () => {
      const law = fc.asyncProperty(blocks, async ({ seed, K }) => {
        const [v, u] = [random(K * J.n, "v", seed), random(K * J.m, "u", seed)];
        expect(adjointGap(u, await J.jvp(v, K), await J.vjp(u, K), v)).toBeLessThan(ADJOINT);
      });
      await fc.assert(law, { numRuns: 10, seed: 1 });
    });

    test("J and Jᵀ are linear", async () => {
      const directions: [size: number, apply: EmittedJacobian["jvp"]][] = [
        [J.n, J.jvp],
        [J.m, J.vjp],
      ];
      for (const [size, apply] of directions) {
        const [x, y] = [random(2 * size, "x"), random(2 * size, "y")];
        const [Jx, Jy] = [await apply(x, 2), await apply(y, 2)];
        const mixed = await apply(
          x.map((value, i) => 2 * value - 0.5 * y[i]!),
          2,
        );
        expect(
          relativeDistance(
            mixed,
            Jx.map((value, i) => 2 * value - 0.5 * Jy[i]!),
          ),
        ).toBeLessThan(ROUNDING);
      }
    });

    test("a block is its vectors, one by one", async () => {
      const K = 3;
      const [v, u] = [random(K * J.n, "v"), random(K * J.m, "u")];
      const [Jv, Jtu] = [await J.jvp(v, K), await J.vjp(u, K)];
      for (let k = 0; k < K; k++) {
        const row = (x: Float32Array, size: number) => x.subarray(k * size, (k + 1) * size);
        expect(relativeDistance(row(Jv, J.m), await J.jvp(row(v, J.n), 1))).toBeLessThan(ROUNDING);
        expect(relativeDistance(row(Jtu, J.n), await J.vjp(row(u, J.m), 1))).toBeLessThan(ROUNDING);
      }
    });

    test("J by columns and by rows is the float64 matrix", async () => {
      const { n, m } = J;
      const moving = problem.targets.filter((_, i) => J.linearization.program.targets[i] !== undefined);
      const exact = await jacobian64({ ...problem, targets: moving });
      expect(n * m).toBeLessThan(DENSE);
      const columns = await J.jvp(unit(n), n);
      const rows = await J.vjp(unit(m), m);
      const truth = new Float64Array(n * m);
      for (let column = 0; column < n; column++) {
        const e = Float64Array.from({ length: n }, (_, i) => (i === column ? 1 : 0));
        truth.set(exact.jvp(e), column * m);
      }
      const turned = Float32Array.from({ length: n * m }, (_, i) => rows[(i % m) * n + Math.floor(i / m)]!);
      expect(relativeDistance(columns, truth)).toBeLessThan(ROUNDING);
      expect(relativeDistance(turned, truth)).toBeLessThan(ROUNDING);
    });
  });
});
