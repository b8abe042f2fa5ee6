import { floatTensor, intTensor, type Tensor } from "../onnx/index.ts";
import type { Block } from "./block.ts";
import type { ExactSums, ReadResult } from "./exact-sums.ts";
import { differenceModel, dotsModel, gramModel, magnitudeModel } from "./piece-graphs.ts";

/** The most numbers that are read at a time. */
const MOST_READ = 2 ** 24;
/** The shortest and the longest piece: sums of short ones are more exact, and there are more of them to read. */
const [SHORTEST, LONGEST] = [4, 256];

/** What bounds the error of an inner product of unit vectors: about 10⁻⁸ for long ones, and up to 9·10⁻⁸ for those with few entries. */
export const PIECES_ROUNDING = 2 ** -23;

/**
 * Sums in float64 for a device that has only float32: it sums short pieces, and the sums of pieces are read and added in JavaScript. The
 * device multiplies by powers of two first, so that no product of small numbers is lost.
 */
export function sumsInPieces(read: ReadResult): Omit<ExactSums, "combine"> {
  const magnitude = async (x: Block): Promise<number> =>
    ((await read(magnitudeModel, { a: x.tensor() })).data as Float32Array)[0]!;

  /** Two blocks as inputs of a graph, each with its power of two. */
  const scaled = async (a: Block, b: Block) => {
    const left = factorFor(await magnitude(a));
    const right = a === b ? left : factorFor(await magnitude(b));
    return { left, right, operands: { a: a.tensor(), a_factor: scalar(left), b: b.tensor(), b_factor: scalar(right) } };
  };

  return {
    async gram(a, b) {
      const [size, piece] = [a.rows * b.rows, pieceLength(a.length)];
      const { left, right, operands } = await scaled(a, b);
      const total = new Float64Array(size);
      for (const [from, to] of ranges(a.length, piece * Math.max(1, Math.floor(MOST_READ / size)))) {
        const { data } = await read(gramModel, { ...operands, ...range(from, to), ...inPieces(to - from, piece) });
        addPieces(total, data as Float32Array);
      }
      return { rows: a.rows, columns: b.rows, data: total.map((value) => value / left / right) };
    },

    async dots(a, b) {
      const { left, right, operands } = await scaled(a, b);
      const sums = await read(dotsModel, { ...operands, ...inPieces(a.length, pieceLength(a.length)) });
      return rowSums(sums).map((value) => value / left / right);
    },

    async squaredDifference(a, s, b) {
      const largest = s.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
      const factor = factorFor(Math.max(await magnitude(a), largest * (await magnitude(b))));
      const column = (values: Float64Array) => floatTensor([a.rows, 1], Float32Array.from(values));
      const rest = s.map((value) => value - Math.fround(value));
      const operands = { a: a.tensor(), a_factor: scalar(factor), b: b.tensor(), s: column(s), rest: column(rest) };
      const sums = await read(differenceModel, { ...operands, ...inPieces(a.length, pieceLength(a.length)) });
      return rowSums(sums).map((value) => value / factor / factor);
    },
  };
}

/** A power of two that brings numbers of this size to about 1. */
function factorFor(magnitude: number): number {
  const isScalable = magnitude > 0 && Number.isFinite(magnitude);
  return isScalable ? 2 ** Math.min(Math.max(-Math.floor(Math.log2(magnitude)), -126), 126) : 1;
}

const scalar = (value: number): Tensor => floatTensor([1], [value]);
const range = (from: number, to: number) => ({ from: intTensor([from]), to: intTensor([to]) });

/** Successive ranges of at most `most` columns. */
function* ranges(columns: number, most: number): Generator<readonly [from: number, to: number]> {
  for (let from = 0; from < columns; from += most) yield [from, Math.min(columns, from + most)];
}

/** Half the root of the length of a vector, as a power of two: so the rounding of all pieces together is the same for every length. */
const pieceLength = (length: number): number =>
  Math.min(Math.max(2 ** Math.round(Math.log2(Math.sqrt(length) / 2)), SHORTEST), LONGEST);

/** Zeros behind the columns that make whole pieces of them, and the shape in pieces. */
const inPieces = (columns: number, piece: number): Record<"pads" | "shape", Tensor> => ({
  pads: intTensor([0, 0, 0, (piece - (columns % piece)) % piece]),
  shape: intTensor([0, -1, piece]),
});

/** Adds matrices that follow each other to one. */
function addPieces(total: Float64Array, pieces: Float32Array): void {
  const { length } = total;
  for (let start = 0; start < pieces.length; start += length) {
    for (let i = 0; i < length; i++) total[i] = total[i]! + pieces[start + i]!;
  }
}

/** The sum of each row. */
function rowSums({ shape, data }: Tensor): Float64Array {
  const [rows, length] = shape as [number, number];
  const entries = data as Float32Array;
  return Float64Array.from({ length: rows }, (_, row) =>
    entries.subarray(row * length, (row + 1) * length).reduce((sum, value) => sum + value, 0),
  );
}
