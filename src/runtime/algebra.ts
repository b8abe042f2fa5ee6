import { intTensor, type OnnxModel, type Tensor } from "../onnx/index.ts";
import {
  combineModel,
  copyModel,
  differenceModel,
  dotsModel,
  exactCombineModel,
  exactGramModel,
  exactSelfGramModel,
  gramModel,
  mixModel,
  multiplyModel,
  scatterModel,
  selectModel,
  subtractModel,
} from "./algebra-graphs.ts";
import type { Backend, Executable, Feeds } from "./backend.ts";
import { Block } from "./block.ts";
import type { BlockAlgebra, Matrix } from "./block-algebra.ts";

/** How many columns of a float64 product are computed at a time, so that the cast values stay in the cache. */
const EXACT_COLUMNS = 8192;
/** How many rows of a float64 sum are computed at a time: they are adjacent, and the temporary arrays stay small. */
const SUM_ROWS = 8;
/** In how many panels of rows the lower triangle of A·Aᵀ is computed in float64, and from how many rows on. */
const PANELS = 4;
const PANEL_ROWS = 32;

/** What the algebra needs of a backend. */
type Host = Pick<Backend, "compile" | "upload" | "allocate">;

/**
 * The block algebra of a backend. A few small graphs with symbolic extents work for blocks of every size. Each is compiled when it
 * is first needed.
 */
export function createAlgebra(backend: Host): BlockAlgebra {
  const compiled = new Map<OnnxModel, Promise<Executable>>();
  const executableOf = (model: OnnxModel): Promise<Executable> => {
    const executable = compiled.get(model) ?? backend.compile(model);
    compiled.set(model, executable);
    return executable;
  };
  /** The result y of a graph, read. */
  const read = async (model: OnnxModel, feeds: Feeds): Promise<Tensor> =>
    (await (await executableOf(model)).run(feeds, ["y"])).y!;
  /** The result y of a graph, written to a block. */
  const write = async (model: OnnxModel, feeds: Feeds, into: Block): Promise<Block> => {
    await (await executableOf(model)).compute(feeds, ["y"], { y: into.tensor() });
    return into;
  };
  const allocate = (rows: number, length: number) => new Block(backend.allocate([rows, length]));
  const upload = (data: Float32Array, rows: number, length = rows === 0 ? 0 : data.length / rows) =>
    new Block(backend.upload({ type: "float32", shape: [rows, length], data }));

  /** A·Bᵀ with the longer factor first, because this is faster in ONNX Runtime. */
  const floatGram = async (a: Block, b: Block): Promise<Matrix> => {
    const swapped = a.rows < b.rows;
    const [first, second] = swapped ? [b, a] : [a, b];
    const { data } = await read(gramModel, { a: first.tensor(), b: second.tensor() });
    const values = Float64Array.from(data as Float32Array);
    return {
      rows: a.rows,
      columns: b.rows,
      data: swapped ? values.map((_, at) => values[(at % b.rows) * a.rows + Math.floor(at / b.rows)]!) : values,
    };
  };

  const exactGram = async (a: Block, b: Block): Promise<Matrix> => {
    const total = new Float64Array(a.rows * b.rows);
    for (const columns of columnRanges(a.length)) {
      const { data } = await read(exactGramModel, { a: a.tensor(), b: b.tensor(), ...columns });
      const part = data as Float64Array;
      for (let i = 0; i < total.length; i++) total[i] = total[i]! + part[i]!;
    }
    return { rows: a.rows, columns: b.rows, data: total };
  };

  /** A·Aᵀ by panels of rows: each panel times itself and the panels before it. */
  const exactSelfGram = async (a: Block): Promise<Matrix> => {
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

  const exactCombine = async (c: Matrix, q: Block): Promise<Block> => {
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
    return upload(result, c.rows);
  };

  const copy = (x: Block, into: Block) => write(copyModel, { x: x.tensor() }, into);
  const placed = async (result: Block, into: Block | undefined): Promise<Block> => {
    if (into === undefined) return result;
    using source = result;
    return copy(source, into);
  };
  const zeros = (rows: number, length: number) => upload(new Float32Array(rows * length), rows, length);

  return {
    upload,
    allocate,
    copy,

    async stack(blocks) {
      const rows = blocks.reduce((sum, one) => sum + one.rows, 0);
      const all = allocate(rows, blocks[0]!.length);
      let at = 0;
      for (const one of blocks) {
        if (one.rows > 0) await copy(one, all.range(at, at + one.rows));
        at += one.rows;
      }
      return all;
    },

    async gram(a, b, { exact = false } = {}) {
      if (a.rows === 0 || b.rows === 0) return { rows: a.rows, columns: b.rows, data: new Float64Array(0) };
      if (!exact) return floatGram(a, b);
      return a === b ? exactSelfGram(a) : exactGram(a, b);
    },

    async combine(c, q, { exact = false, into } = {}) {
      if (c.rows === 0 || q.rows === 0) return placed(zeros(c.rows, q.length), into);
      if (exact) return placed(await exactCombine(c, q), into);
      return write(combineModel, { c: floatTensor(c), q: q.tensor() }, into ?? allocate(c.rows, q.length));
    },

    async subtract(w, c, q, { into = allocate(w.rows, w.length) } = {}) {
      if (w.rows === 0 || q.rows === 0) return w.rows === 0 ? into : copy(w, into);
      return write(subtractModel, { w: w.tensor(), c: floatTensor(c), q: q.tensor() }, into);
    },

    async multiply(a, b) {
      const { rows, columns } = { rows: a.rows, columns: b.columns };
      if (rows === 0 || columns === 0 || a.columns === 0) {
        return { rows, columns, data: new Float64Array(rows * columns) };
      }
      const { data } = await read(multiplyModel, { a: doubleTensor(a), b: doubleTensor(b) });
      return { rows, columns, data: data as Float64Array };
    },

    async mix([a, b, c], { into = allocate(a.block.rows, a.block.length) } = {}) {
      const weight = (value: number): Tensor => ({ type: "float32", shape: [], data: Float32Array.of(value) });
      const [wa, wb, wc] = [weight(a.weight), weight(b.weight), weight(c.weight)];
      for (let row = 0; row < into.rows; row++) {
        const [x, y, z] = [a, b, c].map(({ block }) => block.range(row, row + 1).tensor());
        await write(mixModel, { a: x!, b: y!, c: z!, wa, wb, wc }, into.range(row, row + 1));
      }
      return into;
    },

    async select(x, positions, { into = allocate(x.rows, positions.length) } = {}) {
      return into.rows === 0 ? into : write(selectModel, { x: x.tensor(), positions: indices(positions) }, into);
    },

    async scatter(x, positions, length, { into = allocate(x.rows, length) } = {}) {
      const sources = new Uint32Array(length).fill(x.length);
      for (let i = 0; i < positions.length; i++) sources[positions[i]!] = i;
      return into.rows === 0 ? into : write(scatterModel, { x: x.tensor(), positions: indices(sources) }, into);
    },

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

const doubleTensor = ({ rows, columns, data }: Matrix): Tensor => ({ type: "float64", shape: [rows, columns], data });
const floatTensor = ({ rows, columns, data }: Matrix): Tensor => ({
  type: "float32",
  shape: [rows, columns],
  data: Float32Array.from(data),
});
const indices = (positions: Uint32Array): Tensor => ({
  type: "int32",
  shape: [positions.length],
  data: Int32Array.from(positions),
});

/** The ends of successive ranges of columns, as inputs of the graphs. */
function* columnRanges(length: number): Generator<Record<"from" | "to", Tensor>> {
  for (let from = 0; from < length; from += EXACT_COLUMNS) {
    yield { from: intTensor([from]), to: intTensor([Math.min(length, from + EXACT_COLUMNS)]) };
  }
}
