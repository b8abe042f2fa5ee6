import { createRng, PushforwardError } from "../base/index.ts";
import { type Block, block, type LinearOperator, sourceSize, targetSize } from "../operator/index.ts";
import { adjointGap } from "./adjoint-gap.ts";
import { FINE, orthogonality, statuses } from "./certificate.ts";
import { dense } from "./dense.ts";
import { krylov } from "./krylov.ts";
import { Products } from "./products.ts";
import { leastBasis, type SearchOptions } from "./search.ts";
import { shortSide } from "./short-side.ts";
import { type Extent, extentOf, type Solve, supportOf } from "./solve.ts";
import type { SingularTriplets, SvdProgress } from "./triplets.ts";

export interface SvdOptions {
  /** Triplets wanted, 1 ≤ k ≤ min(m, n). */
  readonly k: number;
  /** Residual asked for, relative to ‖J‖; 1e-5 unless given. */
  readonly tol?: number;
  /** Fixes every random vector; 0 unless given. */
  readonly seed?: number;
  /** Vectors multiplied at a time; at most the operator's preference, and few where products are dear, unless given. */
  readonly blockRows?: number;
  /** `dense` reads the whole matrix, `krylov` only multiplies; `auto` (the default) takes what should be faster. */
  readonly method?: "auto" | "dense" | "krylov";
  /** Vectors multiplied in search by `krylov`, at most; 400·k + 20,000 unless given. Certifying comes on top. */
  readonly maxProducts?: number;
  /** Vectors that `krylov` keeps, at least k + 4·max(blockRows, 8); by k and the vectors' length unless given. */
  readonly maxBasis?: number;
  readonly onProgress?: (progress: SvdProgress) => void;
  readonly signal?: AbortSignal;
}

const DEFAULT_TOL = 1e-5;
/** Bytes of a basis, or of a matrix that is read whole, unless `maxBasis` asks for more. */
const BASIS_BYTES = 2e9;

/**
 * The k largest singular triplets of a linear operator, each with what was measured of it: from the whole matrix where a
 * side is short, else by block Lanczos on the short side.
 *
 * Shapes: J maps `source` (n numbers) to `target` (m numbers); 1 ≤ k ≤ min(m, n). Singular values that are zero count too:
 * their vectors are some orthonormal basis.
 * Units: σ is target units per source unit; for pixels in [0, 1] and logits, logits per full-scale pixel.
 * Slow convergence does not throw: see `certificate.status` and `stopped`. An abort returns what is there, measured. The
 * same seed gives the same bytes on the same backend.
 *
 * @throws PushforwardError `shape-mismatch` if an option is out of range or a product has the wrong length, `not-finite` if
 * a product is not finite, `interrupted` if aborted before there was anything to measure
 * @see Golub & Underwood 1977; Mototake & Ikegami 2015, eq. 4
 */
export async function svd(J: LinearOperator, options: SvdOptions): Promise<SingularTriplets> {
  const started = performance.now();
  const { solve, method, search } = await prepared(J, options);
  const { products, k, tol } = solve;
  const { measured, missed, cut } = method === "dense" ? await dense(solve) : await krylov(solve, search);
  const { sigma, u, v, residual } = measured;
  const gap = await adjointGap(products, J.algebra, measured, tol, solve.rng);
  const floor = Math.max(measured.floor, gap);
  const status = statuses({ ...measured, floor }, tol);
  return {
    sigma,
    u,
    v,
    certificate: {
      residual,
      status,
      tol,
      norm: sigma[0]!,
      floor,
      orthogonality: {
        u: await orthogonality(J.algebra, await onSupport(block(u, k), solve)),
        v: await orthogonality(J.algebra, block(v, k)),
      },
      missed,
      cost: { jvp: products.jvp, vjp: products.vjp, seconds: (performance.now() - started) / 1000 },
      stopped: cut ?? (status.includes("unconverged") ? "budget" : "all-converged"),
    },
  };
}

/** Left vectors without the entries that are zero in all of them, where that is most. */
async function onSupport(u: Block, solve: Solve): Promise<Block> {
  const support = supportOf(solve);
  return support === undefined || 2 * support.length > u.length ? u : solve.algebra.select(u, support);
}

/** A solve that is about to begin, and how it goes about it. */
export interface Prepared {
  readonly solve: Solve;
  readonly method: "dense" | "krylov";
  readonly search: SearchOptions;
}

/** @throws PushforwardError `shape-mismatch` if an option is out of range */
export async function prepared(J: LinearOperator, options: SvdOptions): Promise<Prepared> {
  const { k, tol, seed, maxBasis, maxProducts } = validated(J, options);
  const products = new Products(J, options.blockRows ?? J.preferredRows);
  const activeRows = await J.activeRows?.();
  const solve: Solve = {
    products,
    algebra: J.algebra,
    k,
    tol,
    rng: createRng(seed, "svd"),
    activeRows,
    side: shortSide(products.m, products.n, activeRows),
    report: (converged) => options.onProgress?.({ jvp: products.jvp, vjp: products.vjp, converged, k }),
    interrupted: () => options.signal?.aborted ?? false,
  };
  const method =
    options.method === "dense" || options.method === "krylov" ? options.method : cheaper(extentOf(solve), maxProducts);
  const blockRows = options.blockRows ?? searchRows(solve);
  return {
    solve,
    method,
    search: {
      blockRows,
      maxBasis,
      maxImages: tol < FINE ? 0 : mostImages(extentOf(solve)),
      maxProducts,
      mixCost: MIX * solve.side.positions.length,
    },
  };
}

/** Images that a search keeps, at most: their bytes, and for each triplet. */
const IMAGES = { bytes: 1.25e9, perTriplet: 3 };

/**
 * How many vectors of a basis a search keeps the images of: then it has those of the singular vectors without multiplying
 * again. 0 where a product costs less than a combination of the 2k vectors that a basis may have.
 */
export function mostImages({ k, cost, long }: Extent): number {
  const fitting = Math.floor(IMAGES.bytes / (Float32Array.BYTES_PER_ELEMENT * long));
  return cost > 2 * k * long ? Math.min(fitting, IMAGES.perTriplet * k + 64) : 0;
}

/** Sums of a filter's recurrence, in multiply-adds for each entry of a vector. */
const MIX = 200;

/** Short sides up to here are always read whole, as that is soon done and leaves nothing to be missed. */
const SMALL = 256;
/** A multiply-add of a Gram matrix in float64, in those of a product. */
export const GRAM_COST = 4;
/** Vectors multiplied by J and Jᵀ in a search with its certificate: about so many for each triplet, and in any case. */
export const SEARCH = { perTriplet: 2.7, always: 250 };

/**
 * `dense` costs a product for each vector of the short side and a float64 Gram matrix of the long ones; `krylov` products for
 * each triplet. By counted multiply-adds, not by time: the same call must give the same bytes.
 */
export function cheaper({ k, cost, short, long }: Extent, maxProducts: number): "dense" | "krylov" {
  if (short > maxProducts || 4 * short * long > BASIS_BYTES) return "krylov";
  if (short <= Math.max(SMALL, 2 * k + 128)) return "dense";
  const whole = short * cost + GRAM_COST * short ** 2 * long;
  return whole <= 2 * cost * (SEARCH.perTriplet * k + SEARCH.always) ? "dense" : "krylov";
}

/**
 * A search needs the fewer products the smaller its blocks are, and the longer to make them orthogonal, as that moves the
 * whole basis through memory for each block.
 */
function searchRows({ products, k, side }: Solve): number {
  const ratio = products.cost / (k * side.positions.length);
  return Math.min(products.blockRows, ratio > 16 ? 8 : ratio > 4 ? 16 : 32);
}

/** Vectors of this length that a search has room for. */
export function usualBasis(k: number, length: number): number {
  return Math.min(4 * k + 2048, Math.floor(BASIS_BYTES / (4 * length)));
}

function validated(J: LinearOperator, options: SvdOptions) {
  const [m, n] = [targetSize(J), sourceSize(J)];
  const whole = (
    option: "k" | "blockRows" | "maxProducts" | "maxBasis",
    value: number,
    least: number,
    most: number,
  ): number => {
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? `at least ${least}` : `from ${least} to ${most}`;
    throw new PushforwardError("shape-mismatch", {
      what: `${option} is ${value}, but must be an integer ${range}.`,
      where: { option },
      fix:
        option === "k"
          ? `J is ${m}×${n}: it has ${Math.min(m, n)} singular values.`
          : `Choose ${option} in that range.`,
    });
  };
  const most = Number.MAX_SAFE_INTEGER;
  const k = whole("k", options.k, 1, Math.min(m, n));
  const blockRows = whole("blockRows", options.blockRows ?? J.preferredRows, 1, most);
  const maxProducts = whole("maxProducts", options.maxProducts ?? 400 * k + 20_000, 1, most);
  const least = leastBasis(k, blockRows);
  const maxBasis = whole("maxBasis", options.maxBasis ?? Math.max(least, usualBasis(k, Math.min(m, n))), least, most);
  const tol = options.tol ?? DEFAULT_TOL;
  if (!(tol > 0)) {
    throw new PushforwardError("shape-mismatch", {
      what: `tol is ${tol}, but must be positive.`,
      where: { option: "tol" },
      fix: `Leave it out for ${DEFAULT_TOL}, relative to the largest singular value.`,
    });
  }
  return { k, tol, seed: options.seed ?? 0, maxProducts, maxBasis };
}
