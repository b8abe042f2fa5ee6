import { describe, expect, test } from "vitest";
import { createRng } from "../../src/base/index.ts";
import type { Block, BlockAlgebra } from "../../src/runtime/index.ts";
import { BlockLanczos } from "../../src/svd/block-lanczos.ts";
import { noVectors } from "../../src/svd/short-side.ts";
import { zeros } from "../../src/svd/small/matrix.ts";
import { jsAlgebra } from "../support/js-algebra.ts";

const [length, blockRows, steps] = [500, 8, 40];

/** Block Lanczos on a diagonal matrix, and the number of rows of Q whose components were removed from all blocks together. */
async function processed(eigenvalue: (i: number) => number) {
  let removed = 0;
  const algebra: BlockAlgebra = {
    ...jsAlgebra,
    subtract: (w, c, q, placement) => {
      if (w.rows === blockRows) removed += q.rows; // Not in the sums of the sketch, which has other rows.
      return jsAlgebra.subtract(w, c, q, placement);
    },
  };
  const lanczos = new BlockLanczos({
    apply: async (x: Block) => {
      const data = Float32Array.from(await x.read(), (entry, at) => entry * eigenvalue(at % length));
      return jsAlgebra.upload(data, x.rows);
    },
    algebra,
    avoided: noVectors(jsAlgebra, length),
    blockRows,
    capacity: (steps + 2) * blockRows,
    rng: createRng("partial"),
    negligible: 0,
  });
  for (let step = 0; step < steps; step++) await lanczos.step();
  return { lanczos, removed };
}

/** The last column: at most how many removals, in units of those of every block made orthogonal to all before it, once. */
describe.each<[string, (i: number) => number, number]>([
  ["a flat spectrum", (i) => 2 - i / length, 0.6],
  // Vectors that converge lose orthogonality within two steps.
  ["a steep one", (i) => 0.95 ** i, 1.5],
  ["one with clusters", (i) => (i < 30 ? 1 : i < 100 ? 0.8 : 0.1 + 0.3 * (1 - i / length)), 0.6],
])("%s", (_, eigenvalue, share) => {
  test("the basis stays orthonormal up to the loss allowed, though most blocks are not compared with all", async () => {
    const { lanczos, removed } = await processed(eigenvalue);
    const { size } = lanczos;
    const identity = zeros(size, size);
    for (let i = 0; i < size; i++) identity.data[i * (size + 1)] = 1;
    const q = await lanczos.combine(identity);
    const { data } = await jsAlgebra.gram(q, q, { exact: true });
    const loss = data.reduce((most, entry, at) => Math.max(most, Math.abs(entry - (at % (size + 1) === 0 ? 1 : 0))), 0);
    expect(loss).toBeLessThan(5e-5);
    expect(loss).toBeGreaterThan(1e-7);
    expect(removed).toBeLessThan(share * ((steps * size) / 2));

    const { values } = await lanczos.ritz(20);
    const eigenvalues = Array.from({ length }, (_, i) => eigenvalue(i)).sort((a, b) => b - a);
    // As accurate as with an orthonormal basis, and no copies: Ritz values of a projection are in order below the eigenvalues.
    for (let i = 0; i < size; i++) expect(values[i]).toBeLessThan(eigenvalues[i]! + 1e-6);
    expect(Math.abs(values[0]! - eigenvalues[0]!)).toBeLessThan(1e-6);
  });
});
