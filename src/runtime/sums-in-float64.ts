import { intTensor, type Tensor } from "../onnx/index.ts";
import { differenceModel, dotsModel, exactCombineModel, exactGramModel, exactSelfGramModel } from "./algebra-graphs.ts";
import type { Backend } from "./backend.ts";
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
export function sumsInFloat64(read: ReadResult, upload: Backend["upload"]): ExactSums {
  const gramOfTwo = async (a: Block, b: Block): Promise<Matrix> => {
    const total = new Float64Array(a.rows * b.rows);
    await inTurn(
      columnRanges(a.length),
      (columns) => read(exactGramModel, { a: a.tensor(), b: b.tensor(), ...columns }),
      ({ data }) => {
        const part = data as Float64Array;
        for (let i = 0; i < total.length; i++) total[i] = total[i]! + part[i]!;
      },
    );
    return { rows: a.rows, columns: b.rows, data: total };
  };

  /** A·Aᵀ by panels of rows: each panel times itself and the panels before it. */
  const gramOfOne = async (a: Block): Promise<Matrix> => {
    const { rows } = a;
    const step = Math.max(PANEL_ROWS, Math.ceil(rows / PANELS));
    const data = new Float64Array(rows * rows);
    const panels = Array.from(
      { length: Math.ceil(rows / step) },
      (_, i) => [i * step, Math.min(rows, (i + 1) * step)] as const,
    );
    const parts = columnRanges(a.length).flatMap((columns) => panels.map((panel) => ({ columns, panel })));
    await inTurn(
      parts,
      ({ columns, panel: [from, to] }) => {
        const feeds = { a: a.range(0, to).tensor(), first: intTensor([from]), last: intTensor([to]), ...columns };
        return read(exactSelfGramModel, feeds);
      },
      (result, { panel: [from, to] }) => {
        const part = result.data as Float64Array;
        for (let row = from, at = 0; row < to; row++) {
          for (let column = 0; column < to; column++, at++) data[row * rows + column]! += part[at]!;
        }
      },
    );
    for (let i = 0; i < rows; i++) for (let j = 0; j < i; j++) data[j * rows + i] = data[i * rows + j]!;
    return { rows, columns: rows, data };
  };

  const combine = async (c: Matrix, q: Block): Promise<Float32Array> => {
    const result = new Float32Array(c.rows * q.length);
    using weights = upload(doubleTensor(c));
    let at = 0;
    await inTurn(
      columnRanges(q.length),
      (columns) => read(exactCombineModel, { c: weights, q: q.tensor(), ...columns }),
      (part) => {
        const width = part.shape[1]!;
        for (let row = 0; row < c.rows; row++) {
          const from = (part.data as Float32Array).subarray(row * width, (row + 1) * width);
          result.set(from, row * q.length + at);
        }
        at += width;
      },
    );
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

/** Computes a part for each task and uses it while the next one is computed. The parts are used in the order of the tasks. */
async function inTurn<T>(
  tasks: readonly T[],
  compute: (task: T) => Promise<Tensor>,
  use: (part: Tensor, task: T) => void,
): Promise<void> {
  let next = tasks.length === 0 ? undefined : compute(tasks[0]!);
  for (const [i, task] of tasks.entries()) {
    const part = await next!;
    next = i + 1 < tasks.length ? compute(tasks[i + 1]!) : undefined;
    use(part, task);
  }
}

/** The ends of successive ranges of columns, as inputs of the graphs. */
function columnRanges(length: number): Record<"from" | "to", Tensor>[] {
  return Array.from({ length: Math.ceil(length / EXACT_COLUMNS) }, (_, i) => ({
    from: intTensor([i * EXACT_COLUMNS]),
    to: intTensor([Math.min(length, (i + 1) * EXACT_COLUMNS)]),
  }));
}
