import type { Rng } from "../base/index.ts";
import type { Block, BlockAlgebra, Matrix } from "../runtime/index.ts";
import { OverlapSketch } from "./overlap-sketch.ts";
import { checkedFinite } from "./products.ts";
import { randomBlock } from "./random-block.ts";
import { Scratch } from "./scratch.ts";
import { symmetricEigen } from "./small/eigen.ts";
import {
  multiplyTransposed,
  rowNorm,
  rowOf,
  rowRange,
  scaleRows,
  subtractProduct,
  transpose,
  zeros,
} from "./small/matrix.ts";

/** The result of `extend`: w = coefficients · (rows from `near` on) + factor · (rows added), up to float32 rounding. */
export interface Extension {
  /** [w.rows, rows before − near] */
  readonly coefficients: Matrix;
  /** [w.rows, rows added], lower triangular. */
  readonly factor: Matrix;
  /** The largest ‖w_i‖. */
  readonly largest: number;
  /** Whether more overlap than allowed had to be removed. */
  readonly restored: boolean;
}

/** A remainder below this fraction of the largest vector seen is a rounding error of float32 and adds no direction. */
const DEFLATE = 2 ** -22;
const MAX_PASSES = 4;
/** How many random vectors are made orthogonal at a time. The cost of whitening grows with the cube of this number. */
const RANDOM_ROWS = 32;

/**
 * Orthonormal vectors of one length, added block by block in memory that is allocated once. Where a loss of orthogonality is allowed,
 * they are orthonormal up to that.
 */
export class Basis {
  rows = 0;
  readonly length: number;
  readonly capacity: number;
  private readonly algebra: BlockAlgebra;
  private readonly store: Block;
  private readonly scratch: Scratch;
  private readonly sketch: OverlapSketch | undefined;

  /** `rng` is needed only where a loss of orthogonality is allowed, which is estimated by random combinations. */
  constructor(algebra: BlockAlgebra, length: number, capacity: number, rng?: Rng) {
    this.algebra = algebra;
    this.sketch = rng && new OverlapSketch(algebra, length, rng);
    this.length = length;
    this.capacity = Math.min(capacity, length);
    this.store = algebra.allocate(this.capacity, length);
    this.scratch = new Scratch(algebra);
  }

  /** Rows `from` to `to`, sharing memory. */
  range(from: number, to: number = this.rows): Block {
    return this.store.range(from, to);
  }

  /** Adds rows that are already orthonormal. */
  async append(rows: Block): Promise<void> {
    if (rows.rows === 0) return;
    const before = this.rows;
    this.rows += rows.rows;
    await this.algebra.copy(rows, this.range(before));
    await this.sketch?.add(this.range(before));
  }

  /**
   * Appends an orthonormal basis of the component of w that is orthogonal to the span, as far as there is room. Directions smaller
   * than `DEFLATE` times the largest of ‖w_i‖ and `scale` are left out. Rows before `near` must already be orthogonal to w, up to
   * rounding and the errors of an inexact recurrence.
   *
   * The method is repeated classical Gram-Schmidt in blocks: each pass subtracts the projection on the basis, then whitens the
   * remainder by its float64 Gram matrix. The first pass uses only the rows from `near` on. The later ones use all rows and remove
   * what rounding left, unless the overlaps of a row of w with all rows have together a length of at most `loss`.
   *
   * @throws PushforwardError `not-finite` if w is not finite
   * @see Giraud, Langou, Rozložník & van den Eshof 2005, on why two passes are enough
   */
  async extend(w: Block, scale: number, near = 0, loss = 0): Promise<Extension> {
    const { multiply } = this.algebra;
    const before = this.rows;
    const room = this.capacity - before;
    let coefficients = zeros(w.rows, before - near);
    let factor = zeros(0, 0);
    let largest = 0;
    let rest = w;
    let restored = false;
    for (let pass = 0; ; pass++) {
      const mayOverlap = pass > 0 && loss > 0;
      const isOrthogonal = mayOverlap && this.sketch !== undefined && (await this.sketch.largest(rest)) <= loss;
      restored ||= mayOverlap && !isOrthogonal;
      const basis = this.range(pass === 0 || isOrthogonal ? near : 0);
      if (basis.rows > 0) {
        const overlap = checkedFinite(await this.algebra.gram(rest, basis));
        rest = await this.algebra.subtract(rest, overlap, basis, this.scratch.take("rest", rest.rows, w.length));
        if (pass === 0) coefficients = overlap;
      }
      const gram = checkedFinite(await this.algebra.gram(rest, rest, { exact: pass === 0 ? "in pieces" : false }));
      if (pass === 0) {
        for (let i = 0; i < w.rows; i++) {
          largest = Math.max(largest, Math.hypot(rowNorm(coefficients, i), Math.sqrt(gram.data[i * w.rows + i]!)));
        }
      }
      // After the first pass the vectors have length 1, except for the part that rounding left in the span.
      const cutoff = pass === 0 ? DEFLATE * Math.max(scale, largest) : DEFLATE ** 0.25;
      const { values, vectors } = await symmetricEigen(gram, multiply);
      const taken = Math.min(room, values.filter((value) => value > cutoff ** 2).length);
      if (taken === 0) return { coefficients, factor: zeros(w.rows, 0), largest, restored };
      const lengths = values.subarray(0, taken).map(Math.sqrt);
      const directions = rowRange(vectors, 0, taken);
      const step = transpose(scaleRows(directions, lengths));
      factor = pass === 0 ? step : await multiply(factor, step);
      const whiten = scaleRows(
        directions,
        lengths.map((value) => 1 / value),
      );
      if (pass > 0 && (lengths[taken - 1]! > 0.7 || pass === MAX_PASSES)) {
        const { triangle, rotation } = lowerTriangular(factor);
        this.rows += taken;
        await this.algebra.combine(await multiply(rotation, whiten), rest, { into: this.range(before) });
        await this.sketch?.add(this.range(before));
        return { coefficients, factor: triangle, largest, restored };
      }
      rest = await this.algebra.combine(whiten, rest, this.scratch.take("whitened", taken, w.length));
    }
  }

  /** Appends up to `count` random directions, as far as there is room. They are zero outside of `support`, if it is given. */
  async extendRandom(count: number, rng: Rng, support?: Uint32Array): Promise<void> {
    const goal = Math.min(this.rows + count, this.capacity);
    // When only a few dimensions are left, a random vector may lie in the span up to rounding. Then another one is drawn.
    for (let failures = 0; failures < 20 && this.rows < goal; ) {
      const before = this.rows;
      const some = Math.min(goal - before, RANDOM_ROWS);
      using random = await randomBlock(this.algebra, rng, some, this.length, support);
      await this.extend(random, 0);
      if (this.rows < before + some) failures++;
    }
  }

  /** Frees the vectors. */
  dispose(): void {
    this.store.dispose();
    this.scratch.dispose();
    this.sketch?.dispose();
  }

  /** c times the first `c.columns` rows. */
  combine(c: Matrix): Promise<Block> {
    return this.algebra.combine(c, this.range(0, c.columns));
  }
}

/** A = triangle · rotation with an orthonormal rotation [columns, columns], by Gram-Schmidt on the rows of A, done twice. */
function lowerTriangular(a: Matrix): { readonly triangle: Matrix; readonly rotation: Matrix } {
  const order = a.columns;
  const scale = Math.max(...Array.from({ length: a.rows }, (_, i) => rowNorm(a, i)));
  const rotation = zeros(order, order);
  let found = 0;
  const add = (row: Float64Array): void => {
    if (found === order) return;
    const candidate = { rows: 1, columns: order, data: row.slice() };
    const length = rowNorm(candidate, 0);
    for (let pass = 0; pass < 2; pass++) {
      const known = rowRange(rotation, 0, found);
      subtractProduct(candidate, multiplyTransposed(candidate, known), known);
    }
    const rest = rowNorm(candidate, 0);
    if (rest <= 1e-12 * Math.max(length, scale)) return;
    candidate.data.forEach((entry, c) => {
      rotation.data[found * order + c] = entry / rest;
    });
    found++;
  };
  for (let i = 0; i < a.rows; i++) add(rowOf(a, i));
  for (let c = 0; c < order; c++) {
    const unit = new Float64Array(order);
    unit[c] = 1;
    add(unit);
  }
  return { triangle: multiplyTransposed(a, rotation), rotation };
}
