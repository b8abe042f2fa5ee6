import { gaussianArray, type Rng } from "../base/index.ts";
import { type Block, type BlockAlgebra, block, type Matrix, rowsOf } from "../operator/index.ts";
import { checkedFinite } from "./products.ts";
import { symmetricEigen } from "./small/eigen.ts";
import { rowNorm, scaleRows, transpose, zeros } from "./small/matrix.ts";

/** What `extend` did: w = coefficients · (rows before) + factor · (rows added), to float32 rounding. */
export interface Extension {
  /** [w.rows, rows before] */
  readonly coefficients: Matrix;
  /** [w.rows, rows added] */
  readonly factor: Matrix;
  /** The largest ‖w_i‖. */
  readonly largest: number;
}

/** A remainder below this part of the largest vector seen is rounding error of float32 and adds no direction. */
const DEFLATE = 2 ** -22;
const MAX_PASSES = 4;
/** Random vectors that are made orthogonal at a time: whitening costs the cube of their number. */
const RANDOM_ROWS = 32;

/** Orthonormal vectors of one length, grown block by block in memory taken once. */
export class Basis {
  rows = 0;
  readonly length: number;
  readonly capacity: number;
  private readonly algebra: BlockAlgebra;
  private readonly store: Float32Array;

  constructor(algebra: BlockAlgebra, length: number, capacity: number) {
    this.algebra = algebra;
    this.length = length;
    this.capacity = Math.min(capacity, length);
    this.store = new Float32Array(this.capacity * length);
  }

  /** Rows `from` to `to`, sharing memory: good until the next restart. */
  range(from: number, to: number = this.rows): Block {
    return rowsOf(block(this.store, this.capacity), from, to);
  }

  /** Takes rows that are orthonormal already. */
  append(rows: Block): void {
    this.store.set(rows.data, this.rows * this.length);
    this.rows += rows.rows;
  }

  /**
   * Appends an orthonormal basis of what w has outside of the span, as far as there is room: directions smaller than
   * `DEFLATE` times the largest of ‖w_i‖ and `scale` are left out.
   *
   * Classical Gram-Schmidt in blocks, repeated: each pass subtracts the projection, then whitens what is left by its
   * float64 Gram matrix. A second pass finds what rounding left of the first; a third is rarely needed.
   *
   * @throws PushforwardError `not-finite` if w is not finite
   * @see Giraud, Langou, Rozložník & van den Eshof 2005, on why twice is enough
   */
  async extend(w: Block, scale: number): Promise<Extension> {
    const before = this.rows;
    const basis = this.range(0);
    const room = this.capacity - before;
    let coefficients = zeros(w.rows, before);
    let factor = zeros(0, 0);
    let largest = 0;
    let rest = w;
    for (let pass = 0; pass < MAX_PASSES; pass++) {
      if (before > 0 && rest.rows > 0) {
        const overlap = checkedFinite(await this.algebra.gram(rest, basis));
        rest = await this.algebra.subtract(rest, overlap, basis);
        coefficients = pass === 0 ? overlap : added(coefficients, await this.algebra.multiply(factor, overlap));
      }
      const gram = checkedFinite(await this.algebra.gram(rest, rest, { exact: true }));
      if (pass === 0) {
        for (let i = 0; i < w.rows; i++) {
          largest = Math.max(largest, Math.hypot(rowNorm(coefficients, i), Math.sqrt(gram.data[i * w.rows + i]!)));
        }
      }
      // After the first pass the vectors have length 1 but for what rounding left in the span.
      const cutoff = pass === 0 ? DEFLATE * Math.max(scale, largest) : DEFLATE ** 0.25;
      const { values, vectors } = await symmetricEigen(gram, this.algebra.multiply);
      const kept = Math.min(room, values.filter((value) => value > cutoff ** 2).length);
      const lengths = values.subarray(0, kept).map(Math.sqrt);
      const directions: Matrix = { rows: kept, columns: rest.rows, data: vectors.data.subarray(0, kept * rest.rows) };
      const step = transpose(scaleRows(directions, lengths));
      factor = pass === 0 ? step : await this.algebra.multiply(factor, step);
      if (kept === 0) return { coefficients, factor: zeros(w.rows, 0), largest };
      rest = await this.algebra.combine(
        scaleRows(
          directions,
          lengths.map((value) => 1 / value),
        ),
        rest,
      );
      if (pass > 0 && lengths[kept - 1]! > 0.7) break;
    }
    this.append(rest);
    return { coefficients, factor, largest };
  }

  /** Appends up to `count` random directions, fewer where there is no room; zero outside `support` where one is given. */
  async extendRandom(count: number, rng: Rng, support?: Uint32Array): Promise<void> {
    const goal = Math.min(this.rows + count, this.capacity);
    // In the last few dimensions a random vector may lie in the span but for rounding: try again.
    for (let failures = 0; failures < 20 && this.rows < goal; ) {
      const before = this.rows;
      const some = Math.min(goal - before, RANDOM_ROWS);
      await this.extend(block(randomVectors(rng, some, this.length, support), some), 0);
      if (this.rows < before + some) failures++;
    }
  }

  /** Replaces the first `c.columns` rows by `c` times them; the rows after them move up. */
  async restart(c: Matrix): Promise<void> {
    const after = this.range(c.columns);
    const combined = await this.combine(c);
    this.store.copyWithin(c.rows * this.length, c.columns * this.length, (c.columns + after.rows) * this.length);
    this.store.set(combined.data, 0);
    this.rows = c.rows + after.rows;
  }

  /** Forgets the rows from `rows` on. */
  truncate(rows: number): void {
    this.rows = rows;
  }

  /** c times the first `c.columns` rows. */
  combine(c: Matrix): Promise<Block> {
    return this.algebra.combine(c, this.range(0, c.columns));
  }
}

function randomVectors(rng: Rng, count: number, length: number, support: Uint32Array | undefined): Float32Array {
  if (support === undefined) return gaussianArray(rng, count * length);
  const data = new Float32Array(count * length);
  for (let row = 0; row < count; row++) for (const position of support) data[row * length + position] = rng.gaussian();
  return data;
}

function added(a: Matrix, b: Matrix): Matrix {
  return { ...a, data: a.data.map((entry, i) => entry + b.data[i]!) };
}
