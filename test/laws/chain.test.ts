import { afterAll, expect, test } from "vitest";
import { createRng, gaussianArray } from "../../src/base/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { residualNetwork } from "../rows/graphs.ts";
import { problemOf } from "../rows/problem.ts";
import { emittedJacobian } from "./emitted.ts";
import { relativeDistance } from "./vectors.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

const problem = problemOf(residualNetwork);
const between = (source: string, target: string) =>
  emittedJacobian(backend, { ...problem, sources: [source], targets: [target] });
const K = 4;

/** How far J(b→c)·J(a→b) is from J(a→c), and the same of the transposes. */
async function chainGap(a: string, b: string, c: string): Promise<{ jvp: number; vjp: number }> {
  const [whole, first, second] = [await between(a, c), await between(a, b), await between(b, c)];
  const v = gaussianArray(createRng("v"), K * whole.n);
  const u = gaussianArray(createRng("u"), K * whole.m);
  return {
    jvp: relativeDistance(await second.jvp(await first.jvp(v, K), K), await whole.jvp(v, K)),
    vjp: relativeDistance(await first.vjp(await second.vjp(u, K), K), await whole.vjp(u, K)),
  };
}

test.each(["c1", "a1", "sum", "a2", "pool", "flat"])(
  "J(X → logits) = J(%s → logits) · J(X → %s), a cut",
  async (cut) => {
    const { jvp, vjp } = await chainGap("X", cut, "logits");
    expect(jvp).toBeLessThan(32 * 2 ** -23);
    expect(vjp).toBeLessThan(32 * 2 ** -23);
  },
);

test("c2, which the residual connection bypasses, is no cut", async () => {
  const { jvp, vjp } = await chainGap("X", "c2", "logits");
  expect(jvp).toBeGreaterThan(0.05);
  expect(vjp).toBeGreaterThan(0.05);
});

test("what bypasses a source is held fixed: the sum moves as c2 does", async () => {
  const J = await between("c2", "sum");
  const v = gaussianArray(createRng("v"), K * J.n);
  expect(await J.jvp(v, K)).toEqual(v);
  expect(J.linearization.program.steps).toEqual([]);
});
