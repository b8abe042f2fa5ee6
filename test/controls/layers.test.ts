import { afterAll, describe, expect, test } from "vitest";
import { drawControl, weightLayers } from "../../src/controls/index.ts";
import {
  castTo,
  floatTensor,
  type Graph,
  int,
  intTensor,
  type Model,
  type NodeParts,
  node,
  type Tensor,
  text,
  valueInfo,
} from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { drawInLoop } from "../support/draw-in-loop.ts";
import { evaluate } from "../support/ort.ts";
import { networkOf, random, randomPoints, weightsIn } from "./networks.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

const permuted = async (model: Model) =>
  (await drawControl(model, { kind: "permuted", seed: 0, draw: 1, points: [], backend })).model;

const found = (model: Model) => weightLayers(model).map(({ op, weights }) => `${op} ${weights}`);

const at = async (model: Model, x: Tensor, output: string): Promise<Tensor> => {
  const outputs = [{ name: output, type: undefined, shape: undefined }];
  const onnx = { ...model.onnx, graph: { ...model.onnx.graph, outputs } };
  return (await evaluate(onnx, new Map([["x", x]]), [output])).get(output)!;
};

test("biases, scales, statistics and tables that are looked up are not weights", async () => {
  const model = await networkOf({
    input: [1, 4],
    output: "y",
    initializers: {
      table: random(1, [5, 4]),
      scale: random(2, [1, 4]),
      slope: random(3, [1, 4]),
      bias: random(4, [1, 4]),
      each: random(5, [4]),
      pairs: random(6, [1, 4]),
      w: random(7, [4, 4]),
      c: random(8, [1, 4]),
    },
    nodes: [
      { op: "ArgMax", inputs: ["x"], outputs: ["index"], attributes: { axis: int(1), keepdims: int(0) } },
      { op: "Gather", inputs: ["table", "index"], outputs: ["t"] },
      { op: "Mul", inputs: ["t", "scale"], outputs: ["m"] },
      { op: "PRelu", inputs: ["m", "slope"], outputs: ["p"] },
      { op: "Add", inputs: ["p", "bias"], outputs: ["a"] },
      { op: "Einsum", inputs: ["a", "each"], outputs: ["e"], attributes: { equation: text("bi,i->bi") } },
      { op: "Einsum", inputs: ["e", "pairs"], outputs: ["f"], attributes: { equation: text("bi,bi->bi") } },
      { op: "BatchNormalization", inputs: ["f", "each", "each", "each", "each"], outputs: ["n"] },
      { op: "Gemm", inputs: ["n", "w", "c"], outputs: ["y"] },
    ],
  });
  expect(found(model)).toEqual(["Gemm w"]);
});

test("weights that reach the product through other nodes are those that it multiplies by", async () => {
  const integers: Tensor = { type: "int8", shape: [3, 4], data: Int8Array.from({ length: 12 }, (_, i) => i * i - 40) };
  const model = await networkOf({
    input: [1, 4],
    output: "y",
    initializers: {
      rows: random(1, [6, 4]),
      integers,
      step: floatTensor([], [0.5]),
      flat: random(2, [6]),
      shape: intTensor([3, 2]),
      half: { type: "float16", shape: [2, 2], data: Uint16Array.of(0x3c00, 0x4000, 0x4200, 0x4400) },
      pad: intTensor([1, 6]),
    },
    nodes: [
      { op: "Transpose", inputs: ["rows"], outputs: ["columns"] },
      { op: "MatMul", inputs: ["x", "columns"], outputs: ["a"] },
      { op: "DequantizeLinear", inputs: ["integers", "step"], outputs: ["numbers"] },
      { op: "Gemm", inputs: ["x", "numbers"], outputs: ["b"], attributes: { transB: int(1) } },
      { op: "Reshape", inputs: ["flat", "shape"], outputs: ["matrix"] },
      { op: "MatMul", inputs: ["b", "matrix"], outputs: ["c"] },
      { op: "Cast", inputs: ["half"], outputs: ["single"], attributes: castTo("float32") },
      { op: "MatMul", inputs: ["c", "single"], outputs: ["d"] },
      { op: "Concat", inputs: ["a", "d"], outputs: ["y"], attributes: { axis: int(1) } },
    ],
  });
  expect(found(model)).toEqual(["MatMul columns", "Gemm numbers", "MatMul matrix", "MatMul single"]);
  const control = await permuted(model);
  for (const name of ["columns", "numbers", "matrix", "single"]) {
    expect(weightsIn(control, name)).not.toEqual(weightsIn(model, name));
    expect(weightsIn(control, name).toSorted()).toEqual(weightsIn(model, name).toSorted());
  }
});

test("weights by which several nodes multiply are one layer, and drawn once", async () => {
  const model = await networkOf({
    input: [1, 4],
    output: "y",
    initializers: { w: random(1, [4, 4]) },
    nodes: [
      { op: "MatMul", inputs: ["x", "w"], outputs: ["a"] },
      { op: "Relu", inputs: ["a"], outputs: ["r"] },
      { op: "Gemm", inputs: ["r", "w"], outputs: ["y"], attributes: { transB: int(1) } },
    ],
  });
  const uses = [
    { node: "a", position: 1 },
    { node: "y", position: 1 },
  ];
  expect(weightLayers(model)).toMatchObject([{ node: "a", op: "MatMul", weights: "w", uses, shared: false }]);
  const control = await permuted(model);
  expect([...control.onnx.graph.initializers.keys()]).toEqual(["w"]);
});

test("a table of embeddings that is tied with the last layer: the lookup keeps the trained values", async () => {
  const model = await networkOf({
    input: [1],
    output: "y",
    initializers: { table: random(1, [5, 4]), w: random(2, [4, 4]) },
    nodes: [
      { op: "Cast", inputs: ["x"], outputs: ["index"], attributes: castTo("int64") },
      { op: "Gather", inputs: ["table", "index"], outputs: ["embedding"] },
      { op: "MatMul", inputs: ["embedding", "w"], outputs: ["h"] },
      { op: "Gemm", inputs: ["h", "table"], outputs: ["y"], attributes: { transB: int(1) } },
    ],
  });
  expect(weightLayers(model)).toMatchObject([
    { weights: "w", shared: false },
    { weights: "table", shared: true },
  ]);
  const control = await permuted(model);
  const x = floatTensor([1], [3]);
  expect(await at(control, x, "embedding")).toEqual(await at(model, x, "embedding"));
  expect(weightsIn(control, "table")).toEqual(weightsIn(model, "table"));
  const drawn = control.onnx.graph.nodes.find(({ op }) => op === "Gemm")!.inputs[1]!;
  expect(control.values.get(drawn)).toEqual({ type: "float32", shape: [5, 4] });
  expect(weightsIn(control, drawn).toSorted()).toEqual(weightsIn(model, "table").toSorted());
  expect(await at(control, x, "y")).not.toEqual(await at(model, x, "y"));
});

test("the matrices of a recurrent cell are weights, its bias and its state are not", async () => {
  const model = await networkOf({
    input: [3, 1, 2],
    output: "y",
    initializers: {
      w: random(1, [1, 12, 2]),
      r: random(2, [1, 12, 3]),
      b: random(3, [1, 24]),
      h: { type: "float32", shape: [1, 1, 3], data: new Float32Array(3) },
    },
    nodes: [
      {
        op: "LSTM",
        inputs: ["x", "w", "r", "b", "", "h"],
        outputs: ["y"],
        attributes: { hidden_size: int(3) },
      },
    ],
  });
  // The first step starts from zeros, so that it multiplies nothing by the recurrent weights.
  expect(weightLayers(model).map(({ op, shape, uses }) => [op, shape, uses.length])).toEqual([
    ["LSTM", [2, 12], 1],
    ["LSTM", [3, 12], 2],
  ]);
  const { filters } = weightLayers(model)[1]!;
  expect(filters).toEqual({ shape: [3, 12], apart: [1] });
  await expect(
    drawControl(model, { kind: "matched", seed: 0, draw: 1, points: randomPoints(1, 6), backend }),
  ).rejects.toMatchObject({
    code: "op-unsupported",
    what: "The weights of a recurrent cell have no gain that sets the root mean square of its output.",
    where: { op: "LSTM" },
  });
});

describe("in a graph inside a node", () => {
  const branch = (
    name: string,
    nodes: readonly NodeParts[],
    initializers: Readonly<Record<string, Tensor>>,
  ): Graph => ({
    name,
    inputs: [],
    outputs: [valueInfo(nodes.at(-1)!.outputs[0]!, "float32", [1, 4])],
    nodes: nodes.map((parts) => node(parts)),
    initializers: new Map(Object.entries(initializers)),
  });
  /** y = x·w + outer if the sum of x is positive, and else x·w + x·outer with another w. A draw decides too, with the factor 0. */
  const choosing = (inThen: readonly NodeParts[] = []) =>
    networkOf({
      input: [1, 4],
      output: "y",
      initializers: { outer: random(1, [4, 4]), zero: floatTensor([], [0]) },
      nodes: [
        { op: "ReduceSum", inputs: ["x"], outputs: ["sum"], attributes: { keepdims: int(0) } },
        ...drawInLoop("draw"),
        { op: "Mul", inputs: ["draw", "zero"], outputs: ["nothing"] },
        { op: "Greater", inputs: ["sum", "nothing"], outputs: ["positive"] },
        {
          op: "If",
          inputs: ["positive"],
          outputs: ["y"],
          attributes: {
            then_branch: {
              kind: "graph",
              value: branch("then", [...inThen, { op: "MatMul", inputs: ["x", "w"], outputs: ["a"] }], {
                w: random(2, [4, 4]),
              }),
            },
            else_branch: {
              kind: "graph",
              value: branch(
                "else",
                [
                  { op: "MatMul", inputs: ["x", "w"], outputs: ["b"] },
                  { op: "MatMul", inputs: ["b", "outer"], outputs: ["c"] },
                ],
                { w: random(3, [4, 4]) },
              ),
            },
          },
        },
      ],
    });

  test("weights of the branches and of the graph around are drawn, each by itself", async () => {
    const model = await choosing();
    expect(weightLayers(model).map(({ weights, inside }) => [weights, inside])).toEqual([
      ["y/then_branch/w", "y"],
      ["y/else_branch/w", "y"],
      ["outer", "y"],
    ]);
    const control = await permuted(model);
    const inner = ({ onnx }: Model, name: string) => {
      const attribute = onnx.graph.nodes.find(({ op }) => op === "If")!.attributes[name]!;
      return (attribute.value as Graph).initializers.get("w")!.data as Float32Array;
    };
    for (const name of ["then_branch", "else_branch"]) {
      expect(inner(control, name)).not.toEqual(inner(model, name));
      expect(inner(control, name).toSorted()).toEqual(inner(model, name).toSorted());
    }
    for (const sign of [1, -1]) {
      const x = floatTensor([1, 4], [sign, sign, sign, sign]);
      expect(await at(control, x, "y")).not.toEqual(await at(model, x, "y"));
    }
    await expect(
      drawControl(model, { kind: "matched", seed: 0, draw: 1, points: randomPoints(1, 4), backend }),
    ).rejects.toMatchObject({
      code: "op-unsupported",
      what: 'The output of a layer inside the node "y" cannot be compared with that of the trained network.',
    });
  });

  test("weights that are computed there are refused", async () => {
    const model = await choosing([
      { op: "Transpose", inputs: ["outer"], outputs: ["turned"] },
      { op: "MatMul", inputs: ["x", "turned"], outputs: ["z"] },
    ]);
    expect(() => weightLayers(model)).toThrow(
      expect.objectContaining({
        code: "op-unsupported",
        what: 'No control can be drawn for the weights of this node: they are computed from "outer" each time.',
        where: { node: "z", op: "MatMul" },
      }),
    );
  });
});

test("quantized weights are whole numbers in floats, which a control draws like others", async () => {
  const bytes: Tensor = { type: "int8", shape: [4, 2], data: Int8Array.of(1, 2, 3, 4, 5, 6, 7, 8) };
  const model = await networkOf({
    input: [1, 4],
    output: "y",
    initializers: { w: bytes, s: floatTensor([], [0.1]) },
    nodes: [
      { op: "QuantizeLinear", inputs: ["x", "s"], outputs: ["i"] },
      { op: "MatMulInteger", inputs: ["i", "w"], outputs: ["m"] },
      { op: "Cast", inputs: ["m"], outputs: ["y"], attributes: castTo("float32") },
    ],
  });
  expect(found(model)).toEqual(["MatMul m/w_as_floats"]);
});

const floats = (...value: readonly number[]) => ({ kind: "floats", value }) as const;

describe("weights that are not floats of a standard operator are refused", () => {
  test("another operator set", async () => {
    const model = await networkOf({
      input: [2, 3],
      output: "y",
      initializers: { w: random(1, [4, 1, 2, 5]), b: random(2, [4]), table: random(3, [7, 5]) },
      nodes: [
        { op: "Cast", inputs: ["x"], outputs: ["letters"], attributes: castTo("int32") },
        {
          op: "WordConvEmbedding",
          domain: "com.microsoft",
          inputs: ["letters", "w", "b", "table"],
          outputs: ["y"],
          attributes: {},
        },
      ],
      opsets: { "com.microsoft": 1 },
    });
    expect(() => weightLayers(model)).toThrow(
      expect.objectContaining({
        code: "op-unsupported",
        what: 'No control can be drawn for the weights of this node: the operator set "com.microsoft" is not the format\'s own.',
      }),
    );
  });
});

describe("matrices that the expansion of an operator makes are not weights, and are not drawn", () => {
  test("those of Fourier transforms", async () => {
    const model = await networkOf({
      input: [1, 8, 1],
      output: "y",
      initializers: {
        w: random(1, [10, 4]),
        step: intTensor([4], []),
        window: floatTensor([4], [0.25, 1, 1, 0.25]),
        flat: intTensor([1, 10]),
      },
      nodes: [
        { op: "DFT", inputs: ["x"], outputs: ["spectrum"], attributes: { onesided: int(1), axis: int(1) } },
        { op: "Reshape", inputs: ["spectrum", "flat"], outputs: ["parts"] },
        { op: "MatMul", inputs: ["parts", "w"], outputs: ["a"] },
        { op: "STFT", inputs: ["x", "step", "window"], outputs: ["frames"], attributes: { onesided: int(1) } },
        { op: "Flatten", inputs: ["frames"], outputs: ["entries"] },
        { op: "Concat", inputs: ["a", "entries"], outputs: ["y"], attributes: { axis: int(1) } },
      ],
    });
    expect(found(model)).toEqual(["MatMul w"]);
    const control = await permuted(model);
    for (const [name, tensor] of model.onnx.graph.initializers) {
      if (name === "w") expect(weightsIn(control, name)).not.toEqual(tensor.data);
      else expect(control.onnx.graph.initializers.get(name)).toEqual(tensor);
    }
  });

  test("the places of a grid, which an affine map moves", async () => {
    const model = await networkOf({
      input: [1, 2, 3],
      output: "y",
      initializers: { size: intTensor([1, 1, 2, 5]), flat: intTensor([1, 20]), w: random(1, [20, 3]) },
      nodes: [
        { op: "AffineGrid", inputs: ["x", "size"], outputs: ["grid"] },
        { op: "Reshape", inputs: ["grid", "flat"], outputs: ["row"] },
        { op: "MatMul", inputs: ["row", "w"], outputs: ["y"] },
      ],
    });
    expect(found(model)).toEqual(["MatMul w"]);
  });

  test("a matrix of the file that a Fourier transform meets stays one of weights, also if both are folded", async () => {
    const model = await networkOf({
      input: [1, 5],
      output: "y",
      initializers: { signal: random(1, [5, 8, 1]), shape: intTensor([5, 16]) },
      nodes: [
        { op: "DFT", inputs: ["signal"], outputs: ["spectrum"], attributes: { axis: int(1) } },
        { op: "Reshape", inputs: ["spectrum", "shape"], outputs: ["matrix"] },
        { op: "MatMul", inputs: ["x", "matrix"], outputs: ["y"] },
      ],
    });
    expect(found(model)).toEqual(["MatMul matrix"]);
  });

  test("the weights of a cell that is written step by step, and coefficients in attributes, stay weights", async () => {
    const model = await networkOf({
      input: [2, 1, 3],
      output: "y",
      initializers: {
        w: random(1, [1, 8, 3]),
        r: random(2, [1, 8, 2]),
        peepholes: random(3, [1, 6]),
        row: intTensor([1, 4]),
      },
      opsets: { "ai.onnx.ml": 1 },
      nodes: [
        {
          op: "LSTM",
          inputs: ["x", "w", "r", "", "", "", "", "peepholes"],
          outputs: ["h"],
          attributes: { hidden_size: int(2) },
        },
        { op: "Reshape", inputs: ["h", "row"], outputs: ["states"] },
        {
          op: "LinearRegressor",
          domain: "ai.onnx.ml",
          inputs: ["states"],
          outputs: ["y"],
          attributes: { coefficients: floats(1, 2, 3, 4), intercepts: floats(0) },
        },
      ],
    });
    const weights = weightLayers(model);
    expect(weights.map(({ op }) => op)).toEqual(["LSTM", "LSTM", "MatMul"]);
    expect(weights.map(({ shape }) => shape.join())).toEqual(["3,8", "2,8", "4,1"]);
  });
});
