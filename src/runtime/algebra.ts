import type { OnnxModel, Tensor } from "../onnx/index.ts";
import {
  combineModel,
  copyModel,
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
import type { ExactSums } from "./exact-sums.ts";
import { doubleTensor } from "./matrix-tensor.ts";
import { sumsInFloat64 } from "./sums-in-float64.ts";
import { PIECES_ROUNDING, sumsInPieces } from "./sums-in-pieces.ts";

/** What the algebra needs of a backend. */
interface Host extends Pick<Backend, "device" | "compile" | "upload" | "allocate" | "can" | "columns"> {
  /** Where sums in float64 are computed, if not on the device. */
  readonly float64?: BlockAlgebra;
}

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

  const inFloat64 = sumsInFloat64(read, backend.upload);
  const exactly = backend.float64 === undefined ? inFloat64 : sumsOn(backend.float64);
  const inPieces = backend.can.float64 ? inFloat64 : sumsInPieces(read);
  const copy = (x: Block, into: Block) => write(copyModel, { x: x.tensor() }, into);
  const placed = async (result: Block, into: Block | undefined): Promise<Block> => {
    if (into === undefined) return result;
    using source = result;
    return await copy(source, into);
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
      if (exact === false) return floatGram(a, b);
      return (exact === "in pieces" ? inPieces : exactly).gram(a, b);
    },

    async combine(c, q, { exact = false, into } = {}) {
      if (c.rows === 0 || q.rows === 0) return placed(zeros(c.rows, q.length), into);
      if (exact) return placed(upload(await exactly.combine(c, q), c.rows), into);
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
      // On the CPU row by row, so that temporary arrays stay in the cache.
      const rows = backend.device === "cpu" ? 1 : into.rows;
      for (let row = 0; row < into.rows; row += rows) {
        const [x, y, z] = [a, b, c].map(({ block }) => block.range(row, row + rows).tensor());
        await write(mixModel, { a: x!, b: y!, c: z!, wa, wb, wc }, into.range(row, row + rows));
      }
      return into;
    },

    async select(x, positions, { into = allocate(x.rows, positions.length) } = {}) {
      if (into.rows === 0) return into;
      if (backend.columns !== undefined) {
        await backend.columns.select(x.tensor(), positions, into.tensor());
        return into;
      }
      return write(selectModel, { x: x.tensor(), positions: indices(positions) }, into);
    },

    async scatter(x, positions, length, { into = allocate(x.rows, length) } = {}) {
      if (into.rows === 0) return into;
      if (backend.columns !== undefined) {
        await backend.columns.scatter(x.tensor(), positions, into.tensor());
        return into;
      }
      const sources = new Uint32Array(length).fill(x.length);
      for (let i = 0; i < positions.length; i++) sources[positions[i]!] = i;
      return write(scatterModel, { x: x.tensor(), positions: indices(sources) }, into);
    },

    squaredDifference: inPieces.squaredDifference,
    dots: inPieces.dots,
    rounding: backend.can.float64 ? 0 : PIECES_ROUNDING,
  };
}

/** Sums in float64 on another device, to which blocks are brought. */
function sumsOn(other: BlockAlgebra): Pick<ExactSums, "gram" | "combine"> {
  const brought = async (x: Block) => other.upload(await x.read(), x.rows, x.length);
  return {
    async gram(a, b) {
      using left = await brought(a);
      if (a === b) return await other.gram(left, left, { exact: true });
      using right = await brought(b);
      return await other.gram(left, right, { exact: true });
    },
    async combine(c, q) {
      using block = await brought(q);
      using combined = await other.combine(c, block, { exact: true });
      return await combined.read();
    },
  };
}

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
