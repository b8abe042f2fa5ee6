import { unitRows } from "../operator/index.ts";
import type { Block } from "../runtime/index.ts";
import { GAP_VECTORS } from "./adjoint-gap.ts";
import { largestOf } from "./by-levels.ts";
import { FINE, type Measured, measure } from "./certificate.ts";
import { COMBINATIONS, LEAST_BOUNDED, measureRead, type ReadTriplets } from "./read-whole.ts";
import { SideOperator } from "./short-side.ts";
import { diagonal, rowRange } from "./small/matrix.ts";
import { completed, interruptedError, type Outcome, type Solve } from "./solve.ts";

/**
 * The k largest singular triplets from the whole matrix, for a short side that is small. The rows (or columns) of J come from
 * products with unit vectors. Their Gram matrix is summed in float64, and its eigenvectors give the triplets. Rows of J that are
 * zero by structure are left out, and u is zero there unless k exceeds the number of other rows. Vectors for σ = 0 are random
 * orthonormal ones.
 *
 * @throws PushforwardError `interrupted` if aborted while the matrix is read
 */
export async function dense(solve: Solve): Promise<Outcome> {
  const { products, algebra, tol, side } = solve;
  const read = await readTriplets(solve);
  const { matrix, left, long, lengths, pairs } = read;
  solve.estimate(
    lengths.slice(),
    lengths.map(() => Number.NaN),
  );
  if (isBounded(solve)) {
    const across = new SideOperator(products, algebra, side);
    const measured = await measureRead(across, algebra, read, solve.rng);
    across.dispose();
    const goal = tol * measured.sigma[0]!;
    if (measured.residual.every((residual) => residual <= goal)) return finished(solve, measured, read.tilt);
  }
  // A short vector is a combination of unit vectors, so its product is the same combination of the rows of the matrix.
  const isKnown = areKnown(solve);
  const along = (from: number, to: number) =>
    to <= lengths.length
      ? algebra.combine(diagonal(lengths.subarray(from, to)), long.range(from, to))
      : algebra.combine(rowRange(left, from, to), matrix);
  const known = side.of === "target" ? { u: along } : { v: along };
  const witnesses = await solve.witnesses();
  const measured = await measure(products, algebra, pairs, { known: isKnown ? known : undefined, witnesses });
  return finished(solve, measured, read.tilt);
}

/** Whether the products along the side that is read are combinations of its rows. */
const areKnown = ({ k, tol, side }: Solve): boolean => k <= side.positions.length && tol >= FINE;

/** Whether the residuals of the other side are bounded all at once, if their bound is small enough. */
const isBounded = (solve: Solve): boolean => areKnown(solve) && solve.k >= LEAST_BOUNDED;

/** How many vectors are multiplied to measure the triplets: along the side that is read, and across. */
export function measuringProducts(solve: Solve): { readonly along: number; readonly across: number } {
  if (isBounded(solve)) return { along: 0, across: COMBINATIONS + GAP_VECTORS };
  return { along: (areKnown(solve) ? 0 : solve.k) + GAP_VECTORS, across: solve.k + GAP_VECTORS };
}

function finished({ report, k, side }: Solve, measured: Measured, tilt: number | undefined): Outcome {
  report(k);
  const orthogonality = tilt === undefined ? {} : { [side.of === "target" ? "v" : "u"]: tilt };
  return { measured, missed: { kind: "exact" }, orthogonality };
}

/**
 * Reads the matrix and computes its triplets, without measuring them.
 *
 * @throws PushforwardError `interrupted` if aborted while the matrix is read
 */
export async function readTriplets(solve: Solve): Promise<ReadTriplets> {
  const { products, algebra, k, side } = solve;
  const byRows = side.of === "target";
  const matrix = await assembled(solve);
  const {
    left,
    right,
    known,
    lengths,
    tilt: most,
  } = await largestOf(algebra, matrix, {
    count: Math.min(k, side.positions.length),
    rotation: undefined,
    found: undefined,
    top: 0,
  });
  const short = algebra.upload(Float32Array.from(left.data), left.rows, left.columns);
  const spread = await algebra.scatter(short, side.positions, byRows ? products.m : products.n);
  const partners = known === right.rows ? right : right.range(0, known);
  const pairs = await completed(solve, byRows ? spread : partners, byRows ? partners : spread);
  const tilt = known === k ? most : undefined;
  return { matrix, left, short, long: byRows ? pairs.v : pairs.u, lengths, pairs, tilt };
}

/** [positions, long side]: rows of J, or of Jᵀ. */
async function assembled({ products, algebra, side: { of, positions }, interrupted, report }: Solve): Promise<Block> {
  const [short, long] = of === "target" ? [products.m, products.n] : [products.n, products.m];
  const matrix = algebra.allocate(positions.length, long);
  for (let from = 0; from < positions.length; from += products.blockRows) {
    if (interrupted()) throw interruptedError();
    using unit = unitRows(algebra, positions.subarray(from, from + products.blockRows), short);
    const placement = { into: matrix.range(from, from + unit.rows) };
    await (of === "target" ? products.applyTranspose(unit, placement) : products.apply(unit, placement));
    report(0);
  }
  return matrix;
}
