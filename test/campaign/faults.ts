import type { Rng } from "../../src/base/index.ts";
import type { LinearOperator } from "../../src/operator/index.ts";
import type { Block } from "../../src/runtime/index.ts";
import { type SvdOptions, svd } from "../../src/svd/index.ts";
import { dot, operatorOf } from "../support/spectra.ts";
import type { Truth } from "./truth.ts";

/** From product `call` on (from 0), one entry of each result is `value`. */
export function brokenFrom(
  J: LinearOperator,
  { call, value }: { readonly call: number; readonly value: number },
): { readonly operator: LinearOperator; readonly broken: () => boolean } {
  let calls = 0;
  const spoiled = async (result: Block): Promise<Block> => {
    if (calls++ < call) return result;
    const data = (await result.read()).slice();
    data[data.length >> 1] = value;
    return J.algebra.upload(data, result.rows);
  };
  const operator = {
    ...proxy(J),
    apply: async (v: Block) => spoiled(await J.apply(v)),
    applyTranspose: async (u: Block) => spoiled(await J.applyTranspose(u)),
  };
  return { operator, broken: () => calls > call };
}

/** J with the transpose of J + D, where D is Gaussian and ‖D‖ about `size`·‖J‖. */
export function withWrongTranspose(rng: Rng, J: LinearOperator, { m, n, matrix, sigma }: Truth, size: number) {
  const scale = (size * sigma[0]!) / (Math.sqrt(m) + Math.sqrt(n));
  const other = operatorOf(
    Float32Array.from(matrix, (entry) => entry + scale * rng.gaussian()),
    m,
    n,
    J.algebra,
  );
  return { ...proxy(J), apply: (v: Block) => J.apply(v), applyTranspose: (u: Block) => other.applyTranspose(u) };
}

/** The first block that a solve with these options multiplies, and the side it comes from. */
export async function firstBlock(
  J: LinearOperator,
  options: SvdOptions,
): Promise<{ side: "source" | "target"; rows: Float64Array[] }> {
  let first: { side: "source" | "target"; rows: Float64Array[] } | undefined;
  const stop = new Error("that was the first block");
  const take =
    (side: "source" | "target") =>
    async (x: Block): Promise<Block> => {
      first = { side, rows: vectorsOf(await x.read(), x.rows) };
      throw stop;
    };
  const recorder = { ...proxy(J), apply: take("source"), applyTranspose: take("target") };
  await svd(recorder, options).catch((error: unknown) => {
    if (error !== stop) throw error;
  });
  return first!;
}

/** A matrix, [m, n], without what it does to the span of these rows (of those of its transpose, for the target's side). */
export function vanishingOn(
  matrix: Float64Array,
  n: number,
  { side, rows }: { readonly side: "source" | "target"; readonly rows: readonly Float64Array[] },
): Float64Array {
  const m = matrix.length / n;
  const basis = orthonormalized(rows);
  const vector = (i: number) =>
    side === "source"
      ? matrix.subarray(i * n, (i + 1) * n)
      : Float64Array.from({ length: m }, (_, row) => matrix[row * n + i]!);
  const result = new Float64Array(matrix.length);
  for (let i = 0; i < (side === "source" ? m : n); i++) {
    const rest = Float64Array.from(vector(i));
    for (const q of basis) {
      const overlap = dot(q, rest);
      q.forEach((entry, at) => {
        rest[at]! -= overlap * entry;
      });
    }
    rest.forEach((entry, at) => {
      result[side === "source" ? i * n + at : at * n + i] = entry;
    });
  }
  return result;
}

function vectorsOf(data: Float32Array, rows: number): Float64Array[] {
  const length = data.length / rows;
  return Array.from({ length: rows }, (_, i) => Float64Array.from(data.subarray(i * length, (i + 1) * length)));
}

/** An orthonormal basis of the span of some rows, by Gram-Schmidt, twice. */
function orthonormalized(rows: readonly Float64Array[]): Float64Array[] {
  const basis: Float64Array[] = [];
  for (const row of rows) {
    const x = row.slice();
    const before = Math.sqrt(dot(x, x));
    for (let pass = 0; pass < 2; pass++) {
      for (const q of basis) {
        const overlap = dot(q, x);
        q.forEach((entry, at) => {
          x[at]! -= overlap * entry;
        });
      }
    }
    const norm = Math.sqrt(dot(x, x));
    if (norm > 1e-6 * before) basis.push(x.map((entry) => entry / norm));
  }
  return basis;
}

/** What an operator shows, for wrappers: a class instance keeps its methods from being spread. */
const proxy = (J: LinearOperator) => ({
  source: J.source,
  target: J.target,
  preferredRows: J.preferredRows,
  algebra: J.algebra,
  activeRows: async () => J.activeRows?.(),
});
