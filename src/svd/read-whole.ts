import type { Rng } from "../base/index.ts";
import type { Block, BlockAlgebra, Matrix } from "../runtime/index.ts";
import { GAP_VECTORS } from "./adjoint-gap.ts";
import { inOrder, KNOWN_ROUNDING, type Measured } from "./certificate.ts";
import { checkedFinite } from "./products.ts";
import { randomBlock } from "./random-block.ts";
import type { SideOperator } from "./short-side.ts";
import { rowRange, transpose } from "./small/matrix.ts";
import type { Candidates } from "./triplets.ts";

/** The triplets of a matrix that was read whole, by rows (or columns) from products of unit vectors. */
export interface ReadTriplets {
  /** [short side, long side] */
  readonly matrix: Block;
  /** [k, short side], float64. */
  readonly left: Matrix;
  /** The same vectors in float32 on the short side, and their partners on the long side. */
  readonly short: Block;
  readonly long: Block;
  /** The lengths of the products of the first left vectors: each product is its partner times this length. */
  readonly lengths: Float64Array;
  readonly pairs: Candidates;
  /** A bound on the deviation of the long vectors from orthonormal ones, if it is known. */
  readonly tilt: number | undefined;
}

/** The number of random combinations of the vectors. */
export const COMBINATIONS = 32;
/** χ² with 32 degrees of freedom is below 32 / 1.95² with the probability 8.6e-6, so a root mean square is too low by more this often. */
export const TOO_LOW = 1.95;
const FAILURE = 1e-5;
/** What rounding a vector to float32 changes, relative to its length, at most. */
const ROUNDED = 2 ** -24;

/** With fewer triplets than this, measuring each of them takes fewer products than a bound for all. */
export const LEAST_BOUNDED = 4 * COMBINATIONS;

/**
 * Measures the triplets of a matrix A that was read whole with a few products instead of one for each triplet. On the side that A was
 * read from, products are combinations of its rows. On the other side, let E be the matrix of the errors Jv_i − σ_i u_i. For r
 * vectors g of standard normal weights, Σ ‖Eg‖² is at least ‖E‖² times χ² with r degrees of freedom, and ‖E‖ bounds each column of
 * E. So products of J with random combinations of the v_i bound all residuals at once; a bound is too low with a probability below
 * 10⁻⁵. Because the combinations are products of J itself, it does not matter how A was read.
 *
 * Whether J agrees with A elsewhere, too, is tested by products with random vectors z of the whole space: for standard normal z,
 * u·(Jz − Az) has the standard deviation of the disagreement at u.
 *
 * @throws PushforwardError `not-finite` if a product is not finite
 */
export async function measureRead(
  side: SideOperator,
  algebra: BlockAlgebra,
  read: ReadTriplets,
  rng: Rng,
): Promise<Measured> {
  const { sigma, residual } = await alongRead(algebra, read);
  const bound = await boundAcross(side, algebra, read, sigma, rng);
  const measured = {
    ...read.pairs,
    sigma: sigma.map(Math.abs),
    residual: residual.map((value) => Math.hypot(value, bound)),
    rounding: (KNOWN_ROUNDING + algebra.rounding) * Math.max(0, ...sigma),
    gap: await gapsTo(side, algebra, read, rng),
    bounded: { bound, failureProbability: FAILURE },
  };
  const negative = new Set(Array.from(sigma.keys()).filter((i) => sigma[i]! < 0));
  return inOrder(measured, algebra, negative);
}

/** σ and the residual on the side that the matrix was read from. A σ of about 0 may be negative here: its vectors are arbitrary. */
async function alongRead(algebra: BlockAlgebra, { matrix, left, long, lengths }: ReadTriplets) {
  const [sigma, residual] = [new Float64Array(left.rows), new Float64Array(left.rows)];
  sigma.set(lengths);
  residual.set(lengths.map((length) => ROUNDED * length));
  const first = lengths.length;
  if (first < left.rows) {
    const vectors = long.range(first, left.rows);
    using product = await algebra.combine(rowRange(left, first, left.rows), matrix);
    const values = await algebra.dots(product, vectors);
    const squares = await algebra.squaredDifference(product, values, vectors);
    sigma.set(values, first);
    residual.set(squares.map(Math.sqrt), first);
  }
  return { sigma, residual: checkedFinite({ data: residual }).data };
}

/** A bound on ‖Jv − σu‖ (or on ‖Jᵀu − σv‖, if the columns of J were read) for all triplets. */
async function boundAcross(
  side: SideOperator,
  algebra: BlockAlgebra,
  { short, long }: ReadTriplets,
  sigma: Float64Array,
  rng: Rng,
): Promise<number> {
  const k = sigma.length;
  const data = Float64Array.from({ length: COMBINATIONS * k }, () => rng.gaussian());
  using combined = await algebra.combine({ rows: COMBINATIONS, columns: k, data }, long);
  using product = await side.fall(combined);
  const scaled = { rows: COMBINATIONS, columns: k, data: data.map((weight, at) => weight * sigma[at % k]!) };
  using expected = await algebra.combine(scaled, short, { exact: true });
  const squares = await algebra.squaredDifference(product, new Float64Array(COMBINATIONS).fill(1), expected);
  checkedFinite({ data: squares });
  return TOO_LOW * Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / COMBINATIONS);
}

/** How far the products across disagree with the matrix at each triplet, [k]. */
async function gapsTo(
  side: SideOperator,
  algebra: BlockAlgebra,
  { matrix, left, short }: ReadTriplets,
  rng: Rng,
): Promise<Float64Array> {
  using z = await randomBlock(algebra, rng, GAP_VECTORS, side.longLength);
  using product = await side.fall(z);
  const byProduct = checkedFinite(await algebra.gram(short, product, { exact: true }));
  const byMatrix = await algebra.multiply(left, transpose(await algebra.gram(z, matrix, { exact: true })));
  return Float64Array.from({ length: left.rows }, (_, row) => {
    let square = 0;
    for (let at = row * GAP_VECTORS; at < (row + 1) * GAP_VECTORS; at++) {
      square += (byProduct.data[at]! - byMatrix.data[at]!) ** 2;
    }
    return Math.sqrt(square / GAP_VECTORS);
  });
}
