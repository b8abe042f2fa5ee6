import {
  type Attributes,
  buildModel,
  castTo,
  int,
  intTensor,
  node,
  type OnnxModel,
  type Tensor,
  valueInfo,
} from "../../onnx/index.ts";
import { type Block, type BlockAlgebra, type Executable, type Matrix, rowsOf } from "../../operator/index.ts";

type Compile = (model: OnnxModel) => Promise<Executable>;

/** How many columns of a float64 product are computed at a time, so that the cast values stay in the cache. */
const EXACT_COLUMNS = 8192;
/** How many rows of a float64 sum are computed at a time: they are adjacent, and the temporary arrays stay small. */
const SUM_ROWS = 8;
/** In how many panels of rows the lower triangle of A·Aᵀ is computed in float64, and from how many rows on. */
const PANELS = 4;
const PANEL_ROWS = 32;

/**
 * The block algebra, computed by ONNX Runtime. A few small graphs with symbolic extents work for blocks of every size. Each is compiled
 * when it is first needed. Results are new arrays.
 */
export function createBlockAlgebra(compile: Compile): BlockAlgebra {
  const compiled = new Map<OnnxModel, Promise<Executable>>();
  const run = async (
    model: OnnxModel,
    feeds: Record<string, Tensor>,
    into?: Record<string, Tensor>,
  ): Promise<Tensor> => {
    let executable = compiled.get(model);
    if (executable === undefined) {
      executable = compile(model);
      compiled.set(model, executable);
    }
    return (await (await executable).run(feeds, ["y"], into)).y!;
  };

  /** A·Bᵀ with the longer factor first, because this is faster in ONNX Runtime. */
  const floatGram = async (a: Block, b: Block): Promise<Matrix> => {
    const swapped = a.rows < b.rows;
    const [first, second] = swapped ? [b, a] : [a, b];
    const { data } = await run(gramModel, { a: blockTensor(first), b: blockTensor(second) });
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
      const { data } = await run(exactGramModel, { a: blockTensor(a), b: blockTensor(b), ...columns });
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
        const feeds = { a: blockTensor(rowsOf(a, 0, to)), first: intTensor([from]), last: intTensor([to]), ...columns };
        const part = await run(exactSelfGramModel, feeds);
        (part.data as Float64Array).forEach((value, at) => {
          data[(from + Math.floor(at / to)) * rows + (at % to)]! += value;
        });
      }
    }
    for (let i = 0; i < rows; i++) for (let j = 0; j < i; j++) data[j * rows + i] = data[i * rows + j]!;
    return { rows, columns: rows, data };
  };

  const exactCombine = async (c: Matrix, q: Block): Promise<Block> => {
    const result = emptyBlock(c.rows, q.length);
    let at = 0;
    for (const columns of columnRanges(q.length)) {
      const part = await run(exactCombineModel, { c: doubleTensor(c), q: blockTensor(q), ...columns });
      const width = part.shape[1]!;
      for (let row = 0; row < c.rows; row++) {
        const from = (part.data as Float32Array).subarray(row * width, (row + 1) * width);
        result.data.set(from, row * q.length + at);
      }
      at += width;
    }
    return result;
  };

  return {
    async gram(a, b, { exact = false } = {}) {
      if (a.rows === 0 || b.rows === 0) return { rows: a.rows, columns: b.rows, data: new Float64Array(0) };
      if (!exact) return floatGram(a, b);
      return a.data === b.data ? exactSelfGram(a) : exactGram(a, b);
    },

    async combine(c, q, { exact = false, into } = {}) {
      if (c.rows === 0 || q.rows === 0) return emptyBlock(c.rows, q.length);
      if (exact) return exactCombine(c, q);
      const result = emptyBlock(c.rows, q.length, into);
      await run(combineModel, { c: floatTensorOf(c), q: blockTensor(q) }, { y: blockTensor(result) });
      return result;
    },

    async subtract(w, c, q, { into } = {}) {
      if (w.rows === 0 || q.rows === 0) return { ...w, data: w.data.slice() };
      const result = emptyBlock(w.rows, w.length, into);
      await run(
        subtractModel,
        { w: blockTensor(w), c: floatTensorOf(c), q: blockTensor(q) },
        { y: blockTensor(result) },
      );
      return result;
    },

    async multiply(a, b) {
      const empty = a.rows === 0 || b.columns === 0 || a.columns === 0;
      const result = { rows: a.rows, columns: b.columns, data: new Float64Array(a.rows * b.columns) };
      if (!empty) await run(multiplyModel, { a: doubleTensor(a), b: doubleTensor(b) }, { y: doubleTensor(result) });
      return result;
    },

    async mix([a, b, c], { into } = {}) {
      const result = emptyBlock(a.block.rows, a.block.length, into);
      const weight = (value: number): Tensor => ({ type: "float32", shape: [], data: Float32Array.of(value) });
      const [wa, wb, wc] = [weight(a.weight), weight(b.weight), weight(c.weight)];
      for (let row = 0; row < result.rows; row++) {
        const [x, y, z, sum] = [a.block, b.block, c.block, result].map((part) =>
          blockTensor(rowsOf(part, row, row + 1)),
        );
        await run(mixModel, { a: x!, b: y!, c: z!, wa, wb, wc }, { y: sum! });
      }
      return result;
    },

    // Loops: ONNX Runtime gathers and scatters number by number as well, on one thread, and takes several times as long.
    async select(x, positions, { into } = {}) {
      const { length } = positions;
      const result = emptyBlock(x.rows, length, into);
      for (let row = 0; row < x.rows; row++) {
        const entries = rowsOf(x, row, row + 1).data;
        const selected = rowsOf(result, row, row + 1).data;
        for (let j = 0; j < length; j++) selected[j] = entries[positions[j]!]!;
      }
      return result;
    },

    async scatter(x, positions, length, { into } = {}) {
      const result = emptyBlock(x.rows, length, into);
      if (into !== undefined) result.data.fill(0);
      for (let row = 0; row < x.rows; row++) {
        const entries = rowsOf(x, row, row + 1).data;
        const scattered = rowsOf(result, row, row + 1).data;
        for (let j = 0; j < entries.length; j++) scattered[positions[j]!] = entries[j]!;
      }
      return result;
    },

    async squaredDifference(a, s, b) {
      return bySomeRows(a.rows, async (from, to) => {
        const scales: Tensor = { type: "float64", shape: [to - from, 1], data: s.subarray(from, to) };
        const [x, y] = [blockTensor(rowsOf(a, from, to)), blockTensor(rowsOf(b, from, to))];
        return (await run(differenceModel, { a: x, s: scales, b: y })).data as Float64Array;
      });
    },

    async dots(a, b) {
      return bySomeRows(a.rows, async (from, to) => {
        const [x, y] = [blockTensor(rowsOf(a, from, to)), blockTensor(rowsOf(b, from, to))];
        return (await run(dotsModel, { a: x, b: y })).data as Float64Array;
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

const blockTensor = ({ rows, length, data }: Block): Tensor => ({ type: "float32", shape: [rows, length], data });
const doubleTensor = ({ rows, columns, data }: Matrix): Tensor => ({ type: "float64", shape: [rows, columns], data });
const floatTensorOf = ({ rows, columns, data }: Matrix): Tensor => ({
  type: "float32",
  shape: [rows, columns],
  data: Float32Array.from(data),
});
const emptyBlock = (rows: number, length: number, into?: Float32Array): Block => ({
  rows,
  length,
  data: into === undefined ? new Float32Array(rows * length) : into.subarray(0, rows * length),
});

/** The ends of successive ranges of columns, as inputs of the graphs. */
function* columnRanges(length: number): Generator<Record<"from" | "to", Tensor>> {
  for (let from = 0; from < length; from += EXACT_COLUMNS) {
    yield { from: intTensor([from]), to: intTensor([Math.min(length, from + EXACT_COLUMNS)]) };
  }
}

const step = (op: string, inputs: string[], output: string, attributes: Attributes = {}) =>
  node({ op, inputs, outputs: [output], attributes });

/** A range of columns in float64. */
const castColumns = (name: string) => [
  step("Slice", [name, "from", "to", "axis"], `${name}_part`),
  step("Cast", [`${name}_part`], `${name}_exact`, castTo("float64")),
];
const rangeInputs = [valueInfo("from", "int64", [1]), valueInfo("to", "int64", [1])];
const rangeAxis = new Map([["axis", intTensor([1])]]);

const a = valueInfo("a", "float32", ["r", "n"]);
const b = valueInfo("b", "float32", ["s", "n"]);
const q = valueInfo("q", "float32", ["p", "n"]);
const w = valueInfo("w", "float32", ["r", "n"]);
const c = valueInfo("c", "float32", ["r", "p"]);

/** y = A·Bᵀ */
const gramModel = buildModel({
  inputs: [a, b],
  outputs: [valueInfo("y", "float32", ["r", "s"])],
  initializers: new Map(),
  nodes: [step("Gemm", ["a", "b"], "y", { transB: int(1) })],
});

/** y = A·Bᵀ over some columns, in float64 */
const exactGramModel = buildModel({
  inputs: [a, b, ...rangeInputs],
  outputs: [valueInfo("y", "float64", ["r", "s"])],
  initializers: rangeAxis,
  nodes: [...castColumns("a"), ...castColumns("b"), step("Gemm", ["a_exact", "b_exact"], "y", { transB: int(1) })],
});

/** y = A[first:]·Aᵀ over some columns, in float64 */
const exactSelfGramModel = buildModel({
  inputs: [a, valueInfo("first", "int64", [1]), valueInfo("last", "int64", [1]), ...rangeInputs],
  outputs: [valueInfo("y", "float64", ["p", "r"])],
  initializers: new Map([...rangeAxis, ["rows", intTensor([0])]]),
  nodes: [
    ...castColumns("a"),
    step("Slice", ["a_exact", "first", "last", "rows"], "panel"),
    step("Gemm", ["panel", "a_exact"], "y", { transB: int(1) }),
  ],
});

/** y = C·Q */
const combineModel = buildModel({
  inputs: [c, q],
  outputs: [valueInfo("y", "float32", ["r", "n"])],
  initializers: new Map(),
  nodes: [step("MatMul", ["c", "q"], "y")],
});

/** y = C·Q over some columns, summed in float64 */
const exactCombineModel = buildModel({
  inputs: [valueInfo("c", "float64", ["r", "p"]), q, ...rangeInputs],
  outputs: [valueInfo("y", "float32", ["r", "l"])],
  initializers: rangeAxis,
  nodes: [
    ...castColumns("q"),
    step("MatMul", ["c", "q_exact"], "y_exact"),
    step("Cast", ["y_exact"], "y", castTo("float32")),
  ],
});

/** y = W − C·Q */
const subtractModel = buildModel({
  inputs: [w, c, q],
  outputs: [valueInfo("y", "float32", ["r", "n"])],
  initializers: new Map(),
  nodes: [step("MatMul", ["c", "q"], "projection"), step("Sub", ["w", "projection"], "y")],
});

/** y = wa·A + wb·B + wc·C */
const mixModel = buildModel({
  inputs: [
    a,
    valueInfo("b", "float32", ["r", "n"]),
    valueInfo("c", "float32", ["r", "n"]),
    valueInfo("wa", "float32", []),
    valueInfo("wb", "float32", []),
    valueInfo("wc", "float32", []),
  ],
  outputs: [valueInfo("y", "float32", ["r", "n"])],
  initializers: new Map(),
  nodes: [
    step("Mul", ["wa", "a"], "a_scaled"),
    step("Mul", ["wb", "b"], "b_scaled"),
    step("Mul", ["wc", "c"], "c_scaled"),
    step("Add", ["a_scaled", "b_scaled"], "two"),
    step("Add", ["two", "c_scaled"], "y"),
  ],
});

/** y = A·B in float64 */
const multiplyModel = buildModel({
  inputs: [valueInfo("a", "float64", ["r", "p"]), valueInfo("b", "float64", ["p", "s"])],
  outputs: [valueInfo("y", "float64", ["r", "s"])],
  initializers: new Map(),
  nodes: [step("MatMul", ["a", "b"], "y")],
});

/** y = Σ (A − diag(s)·B)² along rows, in float64 */
const differenceModel = buildModel({
  inputs: [a, valueInfo("s", "float64", ["r", 1]), valueInfo("b", "float32", ["r", "n"])],
  outputs: [valueInfo("y", "float64", ["r"])],
  initializers: new Map([["last", intTensor([-1])]]),
  nodes: [
    step("Cast", ["a"], "a_exact", castTo("float64")),
    step("Cast", ["b"], "b_exact", castTo("float64")),
    step("Mul", ["s", "b_exact"], "scaled"),
    step("Sub", ["a_exact", "scaled"], "difference"),
    step("ReduceSumSquare", ["difference", "last"], "y", { keepdims: int(0) }),
  ],
});

/** y = Σ A·B along rows, in float64 */
const dotsModel = buildModel({
  inputs: [a, valueInfo("b", "float32", ["r", "n"])],
  outputs: [valueInfo("y", "float64", ["r"])],
  initializers: new Map([["last", intTensor([-1])]]),
  nodes: [
    step("Cast", ["a"], "a_exact", castTo("float64")),
    step("Cast", ["b"], "b_exact", castTo("float64")),
    step("Mul", ["a_exact", "b_exact"], "products"),
    step("ReduceSum", ["products", "last"], "y", { keepdims: int(0) }),
  ],
});
