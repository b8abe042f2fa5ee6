import { intTensor, type Tensor } from "../onnx/index.ts";
import { differenceModel, dotsModel, exactCombineModel, exactGramModel, exactSelfGramModel } from "./algebra-graphs.ts";
import type { Block } from "./block.ts";
import type { Matrix } from "./block-algebra.ts";
import type { ExactSums, ReadResult } from "./exact-sums.ts";
import { doubleTensor } from "./matrix-tensor.ts";

/** How many columns of a float64 product are computed at a time, so that the cast values stay in the cache. */
const EXACT_COLUMNS = 8192;
/** How many rows of a float64 sum are computed at a time: they are adjacent, and the temporary arrays stay small. */
const SUM_ROWS = 8;
/** In how many panels of rows the lower triangle of A·Aᵀ is computed in float64, and from how many rows on. */
const PANELS = 4;
const PANEL_ROWS = 32;

/** Sums in float64, for a device that has it. */
export function sumsInFloat64(read: ReadResult): ExactSums {
  const gramOfTwo = async (a: Block, b: Block): Promise<Matrix> => {
    const total = new Float64Array(a.rows * b.rows);
    for (const columns of columnRanges(a.length)) {
      const { data } = await read(exactGramModel, { a: a.tensor(), b: b.tensor(), ...columns });
      const part = data as Float64Array;
      for (let i = 0; i < total.length; i++) total[i] = total[i]! + part[i]!;
    }
    return { rows: a.rows, columns: b.rows, data: total };
  };

  /** A·Aᵀ by panels of rows: each panel times itself and the panels before it. */
  const gramOfOne = async (a: Block): Promise<Matrix> => {
    const { rows } = a;
    const step = Math.max(PANEL_ROWS, Math.ceil(rows / PANELS));
    const data = new Float64Array(rows * rows);
    for (const columns of columnRanges(a.length)) {
      for (let from = 0; from < rows; from += step) {
        const to = Math.min(rows, from + step);
        const feeds = { a: a.range(0, to).tensor(), first: intTensor([from]), last: intTensor([to]), ...columns };
        const part = await read(exactSelfGramModel, feeds);
        (part.data as Float64Array).forEach((value, at) => {
          data[(from + Math.floor(at / to)) * rows + (at % to)]! += value;
        });
      }
    }
    for (let i = 0; i < rows; i++) for (let j = 0; j < i; j++) data[j * rows + i] = data[i * rows + j]!;
    return { rows, columns: rows, data };
  };

  const combine = async (c: Matrix, q: Block): Promise<Float32Array> => {
    const result = new Float32Array(c.rows * q.length);
    let at = 0;
    for (const columns of columnRanges(q.length)) {
      const part = await read(exactCombineModel, { c: doubleTensor(c), q: q.tensor(), ...columns });
      const width = part.shape[1]!;
      for (let row = 0; row < c.rows; row++) {
        const from = (part.data as Float32Array).subarray(row * width, (row + 1) * width);
        result.set(from, row * q.length + at);
      }
      at += width;
    }
    return result;
  };

  return {
    gram: (a, b) => (a === b ? gramOfOne(a) : gramOfTwo(a, b)),
    combine,

    async squaredDifference(a, s, b) {
      return bySomeRows(a.rows, async (from, to) => {
        const scales: Tensor = { type: "float64", shape: [to - from, 1], data: s.subarray(from, to) };
        const feeds = { a: a.range(from, to).tensor(), s: scales, b: b.range(from, to).tensor() };
        return (await read(differenceModel, feeds)).data as Float64Array;
      });
    },

    async dots(a, b) {
      return bySomeRows(a.rows, async (from, to) => {
        const feeds = { a: a.range(from, to).tensor(), b: b.range(from, to).tensor() };
        return (await read(dotsModel, feeds)).data as Float64Array;
      });
    },
  };
}

/** One number for each of `rows` rows, computed for a few rows at a time. */
async function bySomeRows(
  rows: number,
  some: (from: number, to: number) => Promise<Float64Array>,
): Promise<Float64Array> {
  const all = new Float64Array(rows);
  for (let from = 0; from < rows; from += SUM_ROWS) {
    all.set(await some(from, Math.min(rows, from + SUM_ROWS)), from);
  }
  return all;
}

/** The ends of successive ranges of columns, as inputs of the graphs. */
function* columnRanges(length: number): Generator<Record<"from" | "to", Tensor>> {
  for (let from = 0; from < length; from += EXACT_COLUMNS) {
    yield { from: intTensor([from]), to: intTensor([Math.min(length, from + EXACT_COLUMNS)]) };
  }
}
