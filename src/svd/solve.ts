import { PushforwardError, type Rng } from "../base/index.ts";
import type { Block, BlockAlgebra } from "../runtime/index.ts";
import type { Witnesses } from "./adjoint-gap.ts";
import { Basis } from "./basis.ts";
import type { Measured } from "./certificate.ts";
import type { Products } from "./products.ts";
import type { ShortSide } from "./short-side.ts";
import type { Bound, Candidates } from "./triplets.ts";

/** What the caller gives to a method. */
export interface Solve {
  readonly products: Products;
  readonly algebra: BlockAlgebra;
  readonly k: number;
  /** Relative to ‖J‖. */
  readonly tol: number;
  readonly rng: Rng;
  /** The random vectors that test whether J and Jᵀ agree, multiplied at the first call; none in a rehearsal. */
  readonly witnesses: () => Promise<Witnesses | undefined>;
  /** The rows of J that are not zero by structure, if that is known. */
  readonly activeRows: Uint32Array | undefined;
  readonly side: ShortSide;
  readonly report: (converged: number) => void;
  /** Tells the singular values found so far, descending, and the residuals predicted of them. */
  readonly estimate: (sigma: Float64Array, residual: Float64Array) => void;
  readonly interrupted: () => boolean;
}

/** The sizes that determine the cost of a solve. */
export interface Extent {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** One product with J or Jᵀ, in multiply-adds. */
  readonly cost: number;
  /** The length of vectors on the short side (active entries only) and on the long side. */
  readonly short: number;
  readonly long: number;
}

export function extentOf({ products: { m, n, cost }, k, side }: Solve): Extent {
  return { m, n, k, cost, short: side.positions.length, long: side.of === "target" ? n : m };
}

/** What a method returns. */
export interface Outcome {
  readonly measured: Measured;
  readonly missed: Bound;
  /** Bounds on max |UUᵀ − I| and max |VVᵀ − I|, where the method has them. */
  readonly orthogonality?: { readonly u?: number; readonly v?: number };
  /** Why the method ended early; absent if it did not. */
  readonly cut?: "budget" | "interrupted";
}

/** The rows outside of which u is zero; `undefined` if u can be non-zero anywhere. */
export function supportOf({ activeRows, k }: Pick<Solve, "activeRows" | "k">): Uint32Array | undefined {
  return activeRows !== undefined && activeRows.length >= k ? activeRows : undefined;
}

/** Completes fewer than k vectors with random ones, orthonormal to them. Those for u are zero outside of the active rows. */
export async function completed(solve: Solve, u: Block, v: Block): Promise<Candidates> {
  const { products, algebra, k, rng } = solve;
  return {
    u: await filled(new Basis(algebra, products.m, k), u, rng, supportOf(solve)),
    v: await filled(new Basis(algebra, products.n, k), v, rng),
  };
}

async function filled(basis: Basis, rows: Block, rng: Rng, support?: Uint32Array): Promise<Block> {
  if (rows.rows === basis.capacity) return rows;
  await basis.append(rows);
  await basis.extendRandom(basis.capacity - rows.rows, rng, support);
  return basis.range(0);
}

export const interruptedError = (): PushforwardError =>
  new PushforwardError("interrupted", { what: "The solve was interrupted before its triplets were measured." });
