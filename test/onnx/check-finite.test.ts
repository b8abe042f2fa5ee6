import { describe, expect, test } from "vitest";
import {
  buildModel,
  floatTensor,
  int,
  ints,
  intTensor,
  type Node,
  node,
  normalize,
  type OnnxModel,
  type Tensor,
  valueInfo,
} from "../../src/onnx/index.ts";
import { evaluate } from "../support/ort.ts";

const INF = Number.POSITIVE_INFINITY;
const mask = [0, -INF, 0, 0];

const op = (name: string, inputs: readonly string[], output: string, attributes: Node["attributes"] = {}) =>
  node({ op: name, inputs, outputs: [output], attributes });

/** y = softmax(x + m), with m made of constants by these nodes. */
function masked(nodes: readonly Node[], constants: Readonly<Record<string, Tensor>>): OnnxModel {
  return buildModel({
    inputs: [valueInfo("x", "float32", [2, 2])],
    outputs: [{ name: "y", type: undefined, shape: undefined }],
    nodes: [...nodes, op("Add", ["x", "m"], "s"), op("Softmax", ["s"], "y", { axis: int(-1) })],
    initializers: new Map(Object.entries(constants)),
  });
}

const bool = (...data: number[]): Tensor => ({ type: "bool", shape: [2, 2], data: Uint8Array.from(data) });
const half = (...data: number[]): Tensor => ({ type: "float16", shape: [2, 2], data: Uint16Array.from(data) });
const square = floatTensor([2, 2], mask);
const scalar = (value: number) => floatTensor([], [value]);

const passing: readonly [string, OnnxModel][] = [
  ["as it is", masked([], { m: square })],
  ["Unsqueeze", masked([op("Unsqueeze", ["n", "a"], "m")], { n: square, a: intTensor([0]) })],
  ["Reshape", masked([op("Reshape", ["n", "a"], "m")], { n: floatTensor([4], mask), a: intTensor([2, 2]) })],
  ["Identity", masked([op("Identity", ["n"], "m")], { n: square })],
  ["Cast", masked([op("Cast", ["n"], "m", { to: int(1) })], { n: half(0, 0xfc00, 0, 0) })],
  ["Gather", masked([op("Gather", ["n", "a"], "m")], { n: square, a: intTensor([0, 1]) })],
  [
    "Concat",
    masked([op("Concat", ["n", "o"], "m", { axis: int(0) })], {
      n: floatTensor([1, 2], [0, -INF]),
      o: floatTensor([1, 2], [0, 0]),
    }),
  ],
  [
    "Transpose",
    masked([op("Transpose", ["n"], "m", { perm: ints([1, 0]) })], { n: floatTensor([2, 2], [0, 0, -INF, 0]) }),
  ],
  ["Mul", masked([op("Mul", ["n", "a"], "m")], { n: square, a: floatTensor([2, 2], [1, 2, 1, 1]) })],
  // 0 · −∞ is NaN where Where does not take it.
  [
    "Mul and Where",
    masked([op("Mul", ["n", "a"], "p"), op("Where", ["c", "p", "z"], "m")], {
      n: floatTensor([2, 2], [0, 1, 0, 0]),
      a: scalar(-INF),
      c: bool(0, 1, 0, 0),
      z: scalar(0),
    }),
  ],
  [
    "the shape of the input",
    masked([op("Shape", ["x"], "t"), op("Expand", ["n", "t"], "p"), op("Trilu", ["p", "a"], "m", { upper: int(1) })], {
      n: scalar(-INF),
      a: intTensor([1], []),
    }),
  ],
];

describe("a mask of −∞ is added after", () => {
  test.each(passing)("%s", async (_, model) => {
    const { onnx } = await normalize(model, { evaluate });
    const x = floatTensor([2, 2], [1, 2, 3, 3]);
    const y = (await evaluate(onnx, new Map([["x", x]]), ["y"])).get("y")!;
    for (const [i, value] of [1, 0, 0.5, 0.5].entries()) expect((y.data as Float32Array)[i]).toBeCloseTo(value, 6);
  });
});

/** Nodes between x, the constant n and y. */
function using(nodes: readonly Node[], n: Tensor = square, more: Readonly<Record<string, Tensor>> = {}): OnnxModel {
  return buildModel({
    inputs: [valueInfo("x", "float32", [2, 2])],
    outputs: [{ name: "y", type: undefined, shape: undefined }],
    nodes,
    initializers: new Map(Object.entries({ n, ...more })),
  });
}

describe("infinities and NaN that reach arithmetic are refused", () => {
  test.each<[string, OnnxModel, string, string]>([
    ["a product", using([op("MatMul", ["x", "n"], "y")]), "MatMul", "1 of 4"],
    [
      "behind nodes that only move entries",
      using([
        op("ArgMax", ["x"], "i", { axis: int(1), keepdims: int(0) }),
        op("Gather", ["n", "i"], "g"),
        op("Mul", ["x", "g"], "y"),
      ]),
      "Mul",
      "1 of 4",
    ],
    ["one of several users", using([op("Add", ["x", "n"], "a"), op("Mul", ["a", "n"], "y")]), "Mul", "1 of 4"],
    [
      "NaN in a mask",
      using([op("Add", ["x", "n"], "y")], floatTensor([2, 2], [0, Number.NaN, -INF, 0])),
      "Add",
      "1 of 4",
    ],
    [
      "NaN that constants give",
      using([op("Mul", ["n", "z"], "m"), op("Add", ["x", "m"], "y")], square, { z: scalar(0) }),
      "Add",
      "1 of 4",
    ],
    [
      "NaN that Where takes",
      using(
        [op("Less", ["x", "ones"], "c"), op("Where", ["c", "n", "x"], "w"), op("Mul", ["w", "x"], "y")],
        floatTensor([2, 2], [0, Number.NaN, -INF, 0]),
        { ones: floatTensor([2, 2], [1, 1, 1, 1]) },
      ),
      "Mul",
      "1 of 4",
    ],
    ["a single NaN", using([op("Add", ["x", "n"], "y")], scalar(Number.NaN)), "Add", "1 of 1"],
  ])("%s", async (_, model, user, count) => {
    await expect(normalize(model, { evaluate, file: "net.onnx" })).rejects.toMatchObject({
      code: "not-finite",
      what: expect.stringMatching(`^${count} entries of the weight`),
      where: { file: "net.onnx", op: user },
    });
  });

  test.each([0, 1, 2, 3, 4, 5, 6])("at position %i of 7", async (place) => {
    for (const value of [Number.NaN, INF, -INF]) {
      const n = floatTensor([7], [1, -0, 0, -1, 1e38, -1e-45, 2]);
      const x = valueInfo("x", "float32", [7]);
      const finite = using([op("Mul", ["x", "n"], "y")], n);
      const model = { ...finite, graph: { ...finite.graph, inputs: [x] } };
      await normalize(model, { evaluate });
      (n.data as Float32Array)[place] = value;
      await expect(normalize(model, { evaluate })).rejects.toMatchObject({ code: "not-finite" });
    }
  });

  test("not where nothing is computed from them", async () => {
    const nan = floatTensor([2, 2], [0, Number.NaN, -INF, 0]);
    const ones = floatTensor([2, 2], [1, 1, 1, 1]);
    for (const nodes of [
      [op("Relu", ["x"], "y")],
      // They are an output, or are only moved to one.
      [op("Relu", ["x"], "z"), op("CastLike", ["n", "z"], "y")],
      [op("IsNaN", ["n"], "m"), op("Where", ["m", "x", "n"], "y")],
      [op("IsNaN", ["n"], "m"), op("Where", ["m", "x", "x"], "w"), op("Where", ["m", "n", "w"], "y")],
      // What is taken of them is finite at the point.
      [
        op("ArgMax", ["x"], "a", { axis: int(1), keepdims: int(0) }),
        op("Gather", ["g", "a"], "t"),
        op("Mul", ["x", "t"], "y"),
      ],
      [op("Greater", ["x", "ones"], "c"), op("Where", ["c", "n", "x"], "w"), op("Mul", ["w", "x"], "y")],
    ]) {
      await normalize(using(nodes, nan, { ones, g: floatTensor([2, 2], [1, 1, Number.NaN, 1]) }), { evaluate });
    }
    await normalize(using([op("Clip", ["x", "n"], "y")], scalar(-INF)), { evaluate });
  });
});
