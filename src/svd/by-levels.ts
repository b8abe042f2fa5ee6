import type { Block, BlockAlgebra, Matrix } from "../runtime/index.ts";
import { deviation, NEGLIGIBLE } from "./certificate.ts";
import { checkedFinite } from "./products.ts";
import { noVectors } from "./short-side.ts";
import { symmetricEigen } from "./small/eigen.ts";
import { rowRange, scaleRows, stack, transpose, zeros } from "./small/matrix.ts";

/** A Gram matrix has the eigenvalues σ². Below this fraction of the largest σ they are too inaccurate; a second one is formed. */
const LEVEL = 1e-3;

/** What is asked of one level. */
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
  /** [count, length]; the first `known` rows are set, one for each σ that is larger than rounding. */
  readonly right: Block;
  readonly known: number;
  /** The lengths of the products with the first left vectors: each product is its right vector times this length. */
  readonly lengths: Float64Array;
  /** A bound on |⟨v_i, v_j⟩ − δ_ij| over the rows of `right` that are set. */
  readonly tilt: number;
}

/**
 * The largest singular vectors of some rows, from their Gram matrix in float64. Those with a σ below LEVEL times the largest are taken
 * from the Gram matrix of what remains of the rows without the others, and so on.
 */
export async function largestOf(
  algebra: BlockAlgebra,
  rows: Block,
  { count, rotation, found = [], top }: Level,
): Promise<Largest> {
  if (rows.rows === 0) {
    return {
      left: zeros(0, 0),
      right: noVectors(algebra, rows.length),
      known: 0,
      lengths: new Float64Array(0),
      tilt: 0,
    };
  }
  let rotated = rows;
  if (rotation !== undefined) {
    rotated = await algebra.combine(rotation, rows, { exact: true });
    for (const right of found) {
      const overlap = await algebra.gram(rotated, right, { exact: true });
      using before = rotated;
      rotated = await algebra.subtract(before, overlap, right);
    }
  }
  const gram = checkedFinite(await algebra.gram(rotated, rotated, { exact: true }));
  const { values, vectors } = await symmetricEigen(gram, algebra.multiply);
  const inRows = async (coefficients: Matrix): Promise<Matrix> =>
    rotation === undefined ? coefficients : algebra.multiply(coefficients, rotation);

  const sigma = values.map((value) => Math.sqrt(Math.max(value, 0)));
  const cutoff = Math.max(LEVEL * sigma[0]!, NEGLIGIBLE * Math.max(top, sigma[0]!));
  const taken = sigma.subarray(0, count).filter((value) => value > cutoff).length;
  if (taken === 0) {
    const left = await inRows(rowRange(vectors, 0, count));
    return { left, right: noVectors(algebra, rows.length), known: 0, lengths: new Float64Array(0), tilt: 0 };
  }
  const chosen = rowRange(vectors, 0, taken);
  const weights = scaleRows(
    chosen,
    sigma.subarray(0, taken).map((value) => 1 / value),
  );
  // The rows below are set by the levels below.
  const right = await algebra.combine(stack(weights, zeros(count - taken, weights.columns)), rotated, { exact: true });
  if (rotation !== undefined) rotated.dispose();
  const known = right.range(0, taken);
  let tilt = await tiltOf(weights, gram, algebra);
  for (const one of found) tilt = Math.max(tilt, largestEntry(await algebra.gram(known, one, { exact: true })));
  const left = await inRows(chosen);
  // From the second level on, components along the right vectors found before were removed from the products.
  const lengths = sigma.subarray(0, rotation === undefined ? taken : 0);
  if (taken === count) return { left, right, known: taken, lengths, tilt };

  const below = await largestOf(algebra, rows, {
    count: count - taken,
    rotation: await inRows(rowRange(vectors, taken, vectors.rows)),
    found: [...found, known],
    top: Math.max(top, sigma[0]!),
  });
  if (below.known > 0) await algebra.copy(below.right.range(0, below.known), right.range(taken, taken + below.known));
  below.right.dispose();
  return {
    left: stack(left, below.left),
    right,
    known: taken + below.known,
    lengths,
    tilt: Math.max(tilt, below.tilt),
  };
}

/** What rounding to float32 changes the inner product of two unit vectors by, at most. */
const ROUNDED = 2 ** -23 * 1.01;

/** A bound on |⟨v_i, v_j⟩ − δ_ij| for combinations of rows with this Gram matrix, rounded to float32. */
async function tiltOf(weights: Matrix, gram: Matrix, { multiply }: BlockAlgebra): Promise<number> {
  const product = await multiply(await multiply(weights, gram), transpose(weights));
  return ROUNDED + deviation(product);
}

const largestEntry = ({ data }: Matrix): number => data.reduce((most, entry) => Math.max(most, Math.abs(entry)), 0);
