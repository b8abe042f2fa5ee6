import { afterAll, describe, expect, test } from "vitest";
import { Network } from "../../src/jacobian/index.ts";
import { buildModel, floatTensor, intTensor, node, normalize, valueInfo } from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { evaluateWith } from "../../src/runtime/index.ts";
import { emittedJacobian } from "../laws/emitted.ts";
import { problemOf } from "../rows/problem.ts";
import type { OpRow } from "../rows/row.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

/** The rows of J, one an output entry. */
async function matrixOf(row: OpRow): Promise<number[][]> {
  const J = await emittedJacobian(backend, problemOf(row));
  const unit = Float32Array.from({ length: J.m ** 2 }, (_, i) => (i % (J.m + 1) === 0 ? 1 : 0));
  const rows = await J.vjp(unit, J.m);
  await J.release();
  return Array.from({ length: J.m }, (_, i) => [...rows.subarray(i * J.n, (i + 1) * J.n)]);
}

const vector = (...values: number[]) => floatTensor([values.length], values);

describe("at a kink the derivative is fixed by convention", () => {
  test.each<[op: string, at: number, slope: number, attrs?: OpRow["attrs"]]>([
    ["Relu", 0, 0],
    ["LeakyRelu", 0, 0.5, { alpha: 0.5 }],
    ["ThresholdedRelu", 1, 0],
    ["Elu", 0, 0.5, { alpha: 0.5 }],
    ["HardSigmoid", 2.5, 0],
    ["HardSigmoid", -2.5, 0],
    ["HardSwish", 3, 1],
    ["HardSwish", -3, 0],
    ["Shrink", 0.5, 0],
    ["Abs", 0, 0],
  ])("%s at %d: %d", async (op, at, slope, attrs) => {
    expect(await matrixOf({ op, in: { X: vector(at) }, ...(attrs && { attrs }) })).toEqual([[slope]]);
  });

  test("Clip stands still at its limits", async () => {
    const limits = { low: floatTensor([], [-1]), high: floatTensor([], [1]) };
    expect(await matrixOf({ op: "Clip", in: { X: vector(-1, 0, 1), ...limits } })).toEqual([
      [0, 0, 0],
      [0, 1, 0],
      [0, 0, 0],
    ]);
  });

  test("norms of nothing but zeros have slope zero, not NaN", async () => {
    const zeros = floatTensor([1, 1, 3], [0, 0, 0]);
    for (const op of ["ReduceL2", "ReduceL1", "GlobalLpPool"]) {
      expect(await matrixOf({ op, in: { X: zeros } })).toEqual([[0, 0, 0]]);
    }
    for (const p of [1, 2]) {
      const matrix = await matrixOf({ op: "LpNormalization", in: { X: zeros }, attrs: { p } });
      expect(matrix.flat().map(Math.abs)).toEqual(new Array(9).fill(0));
    }
  });
});

describe("among equal entries the first in row-major order is taken", () => {
  test.each(["ReduceMax", "ReduceMin"])("%s", async (op) => {
    expect(await matrixOf({ op, in: { X: floatTensor([2, 2], [3, 3, 3, 3]) } })).toEqual([[1, 0, 0, 0]]);
  });

  test.each(["Max", "Min"])("%s: the first input", async (op) => {
    const equal = { A: vector(1, 2), B: vector(1, 2) };
    expect(await matrixOf({ op, in: equal, by: ["A", "B"] })).toEqual([
      [1, 0, 0, 0],
      [0, 1, 0, 0],
    ]);
  });

  test.each([
    [[1, 1, 4], [2], [1]],
    [
      [1, 1, 3, 3],
      [2, 2],
      [1, 1],
    ],
    [
      [1, 1, 2, 3, 2],
      [2, 2, 2],
      [1, 1, 1],
    ],
  ])("MaxPool of equal entries [%s]", async (shape, kernel_shape, strides) => {
    const count = shape.reduce((product, extent) => product * extent, 1);
    const X = floatTensor(shape, new Float32Array(count).fill(1));
    const rows = await matrixOf({ op: "MaxPool", in: { X }, attrs: { kernel_shape, strides } });
    const firsts = rows.map((row) => row.indexOf(1));
    // The window of output o starts at o, read as an index of the input.
    const outputs = shape.slice(2).map((extent, d) => extent - kernel_shape[d]! + 1);
    const expected = outputs.reduce<number[]>(
      (starts, extent, d) =>
        starts.flatMap((start) => Array.from({ length: extent }, (_, o) => start * shape[d + 2]! + o)),
      [0],
    );
    expect(firsts).toEqual(expected);
    expect(rows.every((row) => row.reduce((sum, value) => sum + value, 0) === 1)).toBe(true);
  });

  test.each([
    ["max", 5],
    ["min", -5],
  ])("ScatterElements, %s: the tensor before its updates", async (reduction, extreme) => {
    const [data, updates] = [vector(0, extreme, 0), vector(extreme, extreme, extreme, 0)];
    const inputs = { data, indices: intTensor([0, 1, 0, 2]), updates };
    const matrix = await matrixOf({
      ...{ op: "ScatterElements", in: inputs, attrs: { reduction }, by: ["data", "updates"] },
    });
    expect(matrix).toEqual([
      [0, 0, 0, 1, 0, 0, 0],
      [0, 1, 0, 0, 0, 0, 0],
      [0, 0, 1, 0, 0, 0, 0],
    ]);
  });

  test("TopK, whichever end comes first", async () => {
    const inputs = { X: vector(7, 3, 3, 3), k: intTensor([3]) };
    const firsts = async (largest: number) => {
      const matrix = await matrixOf({ op: "TopK", in: inputs, attrs: { largest }, outputs: 2 });
      return matrix.slice(0, 3).map((row) => row.indexOf(1));
    };
    expect(await firsts(1)).toEqual([0, 1, 2]);
    expect(await firsts(0)).toEqual([1, 2, 3]);
  });

  test("Unique", async () => {
    const X = vector(2, 1, 2, 3, 1);
    const firsts = async (sorted: number) =>
      (await matrixOf({ op: "Unique", in: { X }, attrs: { sorted } })).map((row) => row.indexOf(1));
    expect(await firsts(1)).toEqual([1, 0, 3]);
    expect(await firsts(0)).toEqual([0, 1, 3]);
  });

  test("GlobalMaxPool", async () => {
    expect(await matrixOf({ op: "GlobalMaxPool", in: { X: floatTensor([1, 1, 2, 2], [0, 5, 5, 5]) } })).toEqual([
      [0, 1, 0, 0],
    ]);
  });
});

test("on which side of a kink a unit is, is decided in float64", async () => {
  // 2²⁷ + 1 − 2²⁷ is 1, and 0 in float32 where it is summed in this order.
  const x = floatTensor([1, 3, 1, 1], [2 ** 27, 1, -(2 ** 27)]);
  const weight = floatTensor([1, 3, 1, 1], [1, 1, 1]);
  const convolution = node({ op: "Conv", inputs: ["x", "w"], outputs: ["sum"] });
  const model = buildModel({
    inputs: [valueInfo("x", "float32", x.shape)],
    outputs: [valueInfo("y", "float32", [1, 1, 1, 1])],
    nodes: [convolution, node({ op: "Relu", inputs: ["sum"], outputs: ["y"] })],
    initializers: new Map([["w", weight]]),
  });
  const network = new Network(await normalize(model, { evaluate: evaluateWith(backend) }), backend);
  const J = await network.jacobian({ at: x.data as Float32Array });
  const product = await J.apply(J.algebra.upload(Float32Array.of(1, 1, 1), 1));
  expect(await product.read()).toEqual(Float32Array.of(3));
  expect([...J.value]).toEqual([1]);
});

test("ties of a selection are counted, within rounding", async () => {
  // 1 + 2⁻⁴⁰ is 1 within rounding, and apart from it in float64.
  const nodes = [
    node({ op: "Mul", inputs: ["x", "tiny"], outputs: ["rest"] }),
    node({ op: "Add", inputs: ["rest", "one"], outputs: ["sums"] }),
    node({ op: "TopK", inputs: ["sums", "k"], outputs: ["y", "places"] }),
  ];
  const initializers = new Map([
    ["tiny", vector(0, 2 ** -40, 1)],
    ["one", vector(1, 1, 2)],
    ["k", intTensor([3])],
  ]);
  const model = buildModel({
    ...{ nodes, initializers },
    inputs: [valueInfo("x", "float32", [3])],
    outputs: [valueInfo("y", "float32", [3])],
  });
  const network = new Network(await normalize(model, { evaluate: evaluateWith(backend) }), backend);
  const J = await network.jacobian({ at: Float32Array.of(1, 1, 1), from: "sums", to: "y" });
  const { data } = await J.dense();
  expect([...data]).toEqual([0, 0, 1, 1, 0, 0, 0, 1, 0]);
  expect(J.kinks).toEqual([{ tap: "y", neurons: 0, windows: 1 }]);
});
