import { unitRows } from "../operator/index.ts";
import type { Block, BlockAlgebra, Matrix } from "../runtime/index.ts";
import { GAP_VECTORS } from "./adjoint-gap.ts";
import { FINE, type Measured, measure, NEGLIGIBLE } from "./certificate.ts";
import { checkedFinite } from "./products.ts";
import { COMBINATIONS, LEAST_BOUNDED, measureRead, type ReadTriplets } from "./read-whole.ts";
import { noVectors, SideOperator } from "./short-side.ts";
import { symmetricEigen } from "./small/eigen.ts";
import { diagonal, rowRange, scaleRows, stack, zeros } from "./small/matrix.ts";
import { completed, interruptedError, type Outcome, type Solve } from "./solve.ts";

/** A Gram matrix has the eigenvalues σ². Below this fraction of the largest σ they are too inaccurate; a second one is formed. */
const LEVEL = 1e-3;

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
  if (isBounded(solve)) {
    const across = new SideOperator(products, algebra, side);
    const measured = await measureRead(across, algebra, read, solve.rng);
    across.dispose();
    const goal = tol * measured.sigma[0]!;
    if (measured.residual.every((residual) => residual <= goal)) return finished(solve, measured);
  }
  // A short vector is a combination of unit vectors, so its product is the same combination of the rows of the matrix.
  const isKnown = areKnown(solve);
  const known = {
    of: side.of === "target" ? "u" : "v",
    products: (from: number, to: number) =>
      to <= lengths.length
        ? algebra.combine(diagonal(lengths.subarray(from, to)), long.range(from, to))
        : algebra.combine(rowRange(left, from, to), matrix),
  } as const;
  const witnesses = await solve.witnesses();
  return finished(solve, await measure(products, algebra, pairs, { known: isKnown ? known : undefined, witnesses }));
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

function finished({ report, k }: Solve, measured: Measured): Outcome {
  report(k);
  return { measured, missed: { kind: "exact" } };
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
  const { left, right, lengths } = await largestOf(algebra, matrix, {
    count: Math.min(k, side.positions.length),
    rotation: undefined,
    found: undefined,
    top: 0,
  });
  const short = algebra.upload(Float32Array.from(left.data), left.rows, left.columns);
  const spread = await algebra.scatter(short, side.positions, byRows ? products.m : products.n);
  const pairs = await completed(solve, byRows ? spread : right, byRows ? right : spread);
  return { matrix, left, short, long: byRows ? pairs.v : pairs.u, lengths, pairs };
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

interface Level {
  readonly count: number;
  /** The orthonormal combinations of the rows to which this level is restricted; absent for the rows themselves. */
  readonly rotation: Matrix | undefined;
  /** The right singular vectors of the levels above. */
  readonly found: readonly Block[] | undefined;
  /** The largest σ of all. */
  readonly top: number;
}

/** The singular vectors of a set of rows. */
interface Largest {
  /** [count, rows] */
  readonly left: Matrix;
  /** [≤ count, length]: one for each σ that is larger than rounding. */
  readonly right: Block;
  /** The lengths of the products with the first left vectors: each product is its right vector times this length. */
  readonly lengths: Float64Array;
}

async function largestOf(
  algebra: BlockAlgebra,
  rows: Block,
  { count, rotation, found = [], top }: Level,
): Promise<Largest> {
  if (rows.rows === 0) return { left: zeros(0, 0), right: rows, lengths: new Float64Array(0) };
  let rotated = rows;
  if (rotation !== undefined) {
    rotated = await algebra.combine(rotation, rows, { exact: true });
    for (const right of found) {
      rotated = await algebra.subtract(rotated, await algebra.gram(rotated, right, { exact: true }), right);
    }
  }
  const gram = checkedFinite(await algebra.gram(rotated, rotated, { exact: true }));
  const { values, vectors } = await symmetricEigen(gram, algebra.multiply);
  const inRows = async (coefficients: Matrix): Promise<Matrix> =>
    rotation === undefined ? coefficients : algebra.multiply(coefficients, rotation);

  const sigma = values.map((value) => Math.sqrt(Math.max(value, 0)));
  const cutoff = Math.max(LEVEL * sigma[0]!, NEGLIGIBLE * Math.max(top, sigma[0]!));
  const taken = sigma.subarray(0, count).filter((value) => value > cutoff).length;
  if (taken === 0)
    return {
      left: await inRows(rowRange(vectors, 0, count)),
      right: noVectors(algebra, rows.length),
      lengths: new Float64Array(0),
    };
  const chosen = rowRange(vectors, 0, taken);
  const weights = sigma.subarray(0, taken).map((value) => 1 / value);
  const right = await algebra.combine(scaleRows(chosen, weights), rotated, { exact: true });
  const left = await inRows(chosen);
  // From the second level on, components along the right vectors found before were removed from the products.
  const lengths = sigma.subarray(0, rotation === undefined ? taken : 0);
  if (taken === count) return { left, right, lengths };

  const below = await largestOf(algebra, rows, {
    count: count - taken,
    rotation: await inRows(rowRange(vectors, taken, vectors.rows)),
    found: [...found, right],
    top: Math.max(top, sigma[0]!),
  });
  return { left: stack(left, below.left), right: await algebra.stack([right, below.right]), lengths };
}
