import { breathe } from "../breathe.ts";
import { multiplyBlock, reflectBlock, reflectBothSides, reflectColumn, subtractOuter } from "./reflect.ts";

/** A symmetric matrix whose entries vanish more than `width` away from the diagonal. */
export interface SymmetricBand {
  readonly order: number;
  /** 0 is a diagonal matrix. */
  readonly width: number;
  /** [order, width + 1]: row i holds its entries i − width to i, the diagonal last. What lies left of column 0 is not read. */
  readonly data: Float64Array;
}

/**
 * T = Qᵀ A Q of a band matrix A, with T tridiagonal and Q = H_0 H_1 ⋯ a product of reflectors I − weight·v vᵀ. Sweep s has
 * reflectors k = 0, 1, …, the k-th on the rows from s + 1 + k·width on, `width` of them or what is left.
 */
export interface BandReduction {
  readonly width: number;
  readonly diagonal: Float64Array;
  /** Entry i couples i−1 and i. */
  readonly offDiagonal: Float64Array;
  /** First reflector of each sweep: reflector k of sweep s is number `first[s]` + k. */
  readonly first: Int32Array;
  /** [reflectors, width] */
  readonly reflectors: Float64Array;
  /** [reflectors]; 0 is the identity. */
  readonly weights: Float64Array;
}

/**
 * Band to tridiagonal form, entries of A of size 1 at most. A sweep clears one column; each reflector fills a block below the
 * band (the bulge), the first column of which the next reflector clears, and so on down the matrix. Some 6·width·order²
 * operations, against order³ for a dense reduction.
 *
 * @see Schwarz 1968, "Tridiagonalization of a symmetric band matrix"; Haidar, Ltaief & Dongarra 2011
 */
export async function chaseBulges(band: SymmetricBand): Promise<BandReduction> {
  const n = band.order;
  const width = Math.min(band.width, n - 1);
  const { a, step } = withRoomForBulges(band, width);
  const at = (row: number, column: number) => row * step + column + step;
  const first = new Int32Array(Math.max(n - 1, 1));
  for (let s = 0; s + 2 < n; s++) first[s + 1] = first[s]! + (width > 1 ? Math.ceil((n - 1 - s) / width) : 0);
  const reflectors = new Float64Array(first[Math.max(n - 2, 0)]! * width);
  const weights = new Float64Array(first[Math.max(n - 2, 0)]!);
  const x = new Float64Array(width);
  const y = new Float64Array(width);

  const sweep = (s: number): void => {
    let number = first[s]!;
    let from = s + 1;
    let v = reflectors.subarray(number * width, (number + 1) * width);
    let count = Math.min(width, n - from);
    weights[number] = reflectColumn(a, at(from, s), step, count, v);
    for (;;) {
      reflectBothSides(a, at(from, from), step, count, v, weights[number]!, x);
      const below = from + count;
      const left = Math.min(width, n - below);
      if (left === 0) break;
      const block = at(below, from);
      multiplyBlock(a, block, step, left, count, v, weights[number]!, x);
      if (left === 1) {
        subtractOuter(a, block, step, left, count, v, x);
        break;
      }
      // The first column alone: the next reflector clears it, and does the rest with its own update.
      subtractOuter(a, block, step, left, 1, v, x);
      number++;
      const next = reflectors.subarray(number * width, (number + 1) * width);
      weights[number] = reflectColumn(a, block, step, left, next);
      reflectBlock(a, block, step, left, count, v, x, next, weights[number]!, y);
      from = below;
      count = left;
      v = next;
    }
  };
  for (let s = 0; width > 1 && s + 2 < n; s++) {
    sweep(s);
    await breathe();
  }
  return {
    width,
    diagonal: Float64Array.from({ length: n }, (_, i) => a[at(i, i)]!),
    offDiagonal: Float64Array.from({ length: n }, (_, i) => (i > 0 && width > 0 ? a[at(i, i - 1)]! : 0)),
    first,
    reflectors,
    weights,
  };
}

/** The band with 2·width places a row; entry (i, j) lies at `step`·(i + 1) + j, so that a block is one of a dense matrix. */
function withRoomForBulges({ order, width: given, data }: SymmetricBand, width: number) {
  const step = Math.max(2 * width - 1, 1);
  const a = new Float64Array((order + 1) * (step + 1));
  for (let i = 0; i < order; i++) {
    const used = Math.min(i, width);
    const end = (i + 1) * (given + 1);
    a.set(data.subarray(end - used - 1, end), i * step + i - used + step);
  }
  return { a, step };
}
