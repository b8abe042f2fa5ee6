import { createRng, PushforwardError } from "../base/index.ts";
import { type LinearOperator, sourceSize, targetSize } from "../operator/index.ts";
import { type Block, type BlockAlgebra, Workspace } from "../runtime/index.ts";
import { Witnesses } from "./adjoint-gap.ts";
import { commonFloor, FINE, floorsOf, orthogonality, statuses } from "./certificate.ts";
import { dense } from "./dense.ts";
import { krylov } from "./krylov.ts";
import { withNearProducts } from "./near-algebra.ts";
import { Products } from "./products.ts";
import { leastBasis, type SearchOptions } from "./search.ts";
import { shortSide } from "./short-side.ts";
import { type Extent, extentOf, interruptedError, type Solve, supportOf } from "./solve.ts";
import type { Estimate, SingularTriplets, SvdProgress } from "./triplets.ts";

export interface SvdOptions {
  /** The number of triplets wanted, 1 ≤ k ≤ min(m, n). */
  readonly k: number;
  /** The residual asked for, relative to ‖J‖; 1e-5 by default. */
  readonly tol?: number;
  /** Determines every random vector; 0 by default. */
  readonly seed?: number;
  /** The number of vectors multiplied at a time. By default at most what the operator prefers, and fewer if products are costly. */
  readonly blockRows?: number;
  /** `dense` computes the whole matrix, `krylov` only products; `auto` (the default) takes the one that should be faster. */
  readonly method?: "auto" | "dense" | "krylov";
  /** The most vectors that `krylov` multiplies while it searches, 400·k + 20,000 by default. The certificate needs more. */
  readonly maxProducts?: number;
  /** The most vectors in the basis of `krylov`, at least k + 4·max(blockRows, 8). The default follows from k and their length. */
  readonly maxBasis?: number;
  readonly onProgress?: (progress: SvdProgress) => void;
  /** Called with the singular values found so far, each time that there are new ones, before any of them is measured. */
  readonly onEstimate?: (estimate: Estimate) => void;
  readonly signal?: AbortSignal;
  /** What an abort does: the triplets found so far are measured and returned (the default), or the solve throws at once. */
  readonly afterAbort?: "measure" | "throw";
}

const DEFAULT_TOL = 1e-5;
/** The most bytes of a basis, unless `maxBasis` asks for more, or of a matrix that is computed whole. */
const BASIS_BYTES = 2e9;

/**
 * The k largest singular triplets of a linear operator, with a certificate of what was measured. They come from the whole matrix
 * if one side is short, and otherwise from block Lanczos on the short side.
 *
 * Shapes: J maps `source` (n numbers) to `target` (m numbers); 1 ≤ k ≤ min(m, n). Singular values of zero are included; their
 * vectors are an arbitrary orthonormal basis.
 * Dimensions: σ is in units of the target per unit of the source. For pixels in [0, 1] and logits, it is logits per full range
 * of a pixel.
 * Slow convergence does not throw: see `certificate.status` and `stopped`. After an abort, the triplets found so far are measured
 * and returned, unless `afterAbort` is `throw`. The same seed gives the same bytes on the same backend.
 *
 * @throws PushforwardError `shape-mismatch` if an option is out of range or a product has the wrong length, `not-finite` if
 * a product is not finite, `interrupted` if aborted before there was anything to measure, or at any time with `afterAbort: "throw"`
 * @see Golub & Underwood 1977; Mototake & Ikegami 2015, eq. 4
 */
export async function svd(J: LinearOperator, options: SvdOptions): Promise<SingularTriplets> {
  const started = performance.now();
  using workspace = new Workspace(withNearProducts(J.algebra));
  const { solve, method, search } = await prepared(J, options, workspace.algebra);
  const { products, tol } = solve;
  const {
    measured,
    missed,
    cut,
    orthogonality: tilt,
  } = method === "dense" ? await dense(solve) : await krylov(solve, search);
  const { sigma, u, v, residual } = measured;
  const floors = floorsOf(measured);
  const status = statuses(measured, floors, tol);
  return {
    sigma,
    u: await u.read(),
    v: await v.read(),
    certificate: {
      residual,
      ...(measured.bounded && { bounded: measured.bounded }),
      status,
      tol,
      norm: sigma[0]!,
      floor: commonFloor(sigma, floors),
      floors,
      orthogonality: {
        u: tilt?.u ?? (await orthogonality(solve.algebra, await onSupport(u, solve))),
        v: tilt?.v ?? (await orthogonality(solve.algebra, v)),
      },
      missed,
      cost: { jvp: products.jvp, vjp: products.vjp, seconds: (performance.now() - started) / 1000 },
      stopped: cut ?? (status.includes("unconverged") ? "budget" : "all-converged"),
    },
  };
}

/** The left vectors without the entries that are zero in all of them, if more than half are. */
async function onSupport(u: Block, solve: Solve): Promise<Block> {
  const support = supportOf(solve);
  return support === undefined || 2 * support.length > u.length ? u : solve.algebra.select(u, support);
}

/** A solve that is ready to begin, with the method chosen for it. */
export interface Prepared {
  readonly solve: Solve;
  readonly method: "dense" | "krylov";
  readonly search: SearchOptions;
}

/** @throws PushforwardError `shape-mismatch` if an option is out of range */
export async function prepared(
  J: LinearOperator,
  options: SvdOptions,
  algebra: BlockAlgebra = J.algebra,
): Promise<Prepared> {
  const { k, tol, seed, maxBasis, maxProducts } = validated(J, options);
  const interrupted = () => {
    const aborted = options.signal?.aborted ?? false;
    if (aborted && options.afterAbort === "throw") throw interruptedError();
    return aborted;
  };
  const products = new Products(J, options.blockRows ?? J.preferredRows, algebra, interrupted);
  const activeRows = await J.activeRows?.();
  let witnesses: Promise<Witnesses> | undefined;
  const solve: Solve = {
    products,
    algebra,
    k,
    tol,
    rng: createRng(seed, "svd"),
    witnesses: () => (witnesses ??= Witnesses.drawn(products, algebra, createRng(seed, "witnesses"))),
    activeRows,
    side: shortSide(products.m, products.n, activeRows),
    report: (converged) => options.onProgress?.({ jvp: products.jvp, vjp: products.vjp, converged, k }),
    estimate: (sigma, residual) => options.onEstimate?.({ sigma, residual }),
    interrupted,
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
      maxStored: tol < FINE ? 0 : mostStored(extentOf(solve)),
      maxProducts,
      mixCost: MIX * solve.side.positions.length,
    },
  };
}

/** The most products of basis vectors that a search stores: in bytes, and for each triplet. */
const STORED = { bytes: 1.25e9, perTriplet: 3 };

/**
 * For how many basis vectors a search stores the products. With these it obtains the products of the singular vectors without
 * multiplying again. 0 if a product costs less than a combination of the about 2k vectors of a basis.
 */
export function mostStored({ k, cost, short, long }: Extent): number {
  const fitting = Math.floor(STORED.bytes / (Float32Array.BYTES_PER_ELEMENT * (short + long)));
  return cost > 2 * k * long ? Math.min(fitting, STORED.perTriplet * k + 64) : 0;
}

/** What the sums in the recurrence of a filter cost, in multiply-adds for each entry of a vector. */
const MIX = 200;

/** With a short side up to this length the whole matrix is always computed: that is quick, and nothing can be missed. */
const SMALL = 256;
/** What a multiply-add of a Gram matrix in float64 costs, relative to one of a product. */
export const GRAM_COST = 4;
/** About how many vectors a search and its certificate multiply by J and by Jᵀ: for each triplet, and in addition. */
export const SEARCH = { perTriplet: 2.7, always: 250 };

/**
 * The cheaper method. `dense` costs one product for each entry of the short side, and a float64 Gram matrix; `krylov` costs some
 * products for each triplet. The costs are counted in multiply-adds and not timed, because the same call must give the same
 * bytes.
 */
export function cheaper({ k, cost, short, long }: Extent, maxProducts: number): "dense" | "krylov" {
  if (short > maxProducts || 4 * short * long > BASIS_BYTES) return "krylov";
  if (short <= Math.max(SMALL, 2 * k + 128)) return "dense";
  const whole = short * cost + GRAM_COST * short ** 2 * long;
  return whole <= 2 * cost * (SEARCH.perTriplet * k + SEARCH.always) ? "dense" : "krylov";
}

/**
 * The rows of a block in a search. With smaller blocks a search needs fewer products, but more time to orthogonalize, because
 * each block has to be compared with the whole basis in memory.
 */
function searchRows({ products, k, side }: Solve): number {
  const ratio = products.cost / (k * side.positions.length);
  return Math.min(products.blockRows, ratio > 16 ? 8 : ratio > 4 ? 16 : 32);
}

/** The size of a basis with vectors of this length, unless the caller asks for another. */
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
