import { describe, expect, test } from "vitest";
import {
  type Attribute,
  buildModel,
  type Evaluate,
  float,
  floatTensor,
  type Graph,
  int,
  intTensor,
  node,
  normalize,
  type OnnxModel,
  type Tensor,
  text,
  toNumbers,
  valueInfo,
} from "../../src/onnx/index.ts";
import { drawInLoop } from "../support/draw-in-loop.ts";
import { evaluate } from "../support/ort.ts";

type Parts = Partial<Omit<Graph, "initializers">> & { readonly initializers?: Readonly<Record<string, Tensor>> };

const graph = ({ initializers = {}, ...parts }: Parts, opset?: number): OnnxModel =>
  buildModel(
    {
      inputs: [valueInfo("x", "float32", [2, 3])],
      outputs: [{ name: "y", type: undefined, shape: undefined }],
      nodes: [],
      ...parts,
      initializers: new Map(Object.entries(initializers)),
    },
    opset,
  );

const relu = (from: string, to: string) => node({ op: "Relu", inputs: [from], outputs: [to] });
const outlet = (name: string) => ({ name, type: undefined, shape: undefined });
const opsOf = (of: { readonly graph: Graph }) => of.graph.nodes.map(({ op }) => op);

async function run(model: OnnxModel, feeds: Record<string, Tensor>, output = "y"): Promise<number[]> {
  const results = await evaluate(model, new Map(Object.entries(feeds)), [output]);
  return Array.from(results.get(output)!.data as Float32Array);
}

test("a run tells the types and shapes of activations without reading them", async () => {
  let read = 0;
  const counting: Evaluate = async (...asked) => {
    const results = await evaluate(...asked);
    for (const { data } of results.values()) read += (data as Float32Array).byteLength;
    return results;
  };
  const image = [1, 16, 64, 64];
  const model = graph({
    inputs: [valueInfo("x", "float32", image)],
    initializers: {
      half: floatTensor([], [0.5]),
      whole: intTensor([1, -1]),
      last: intTensor([-1]),
      none: floatTensor([], [0]),
    },
    nodes: [
      relu("x", "a"),
      node({ op: "Mul", inputs: ["half", "half"], outputs: ["quarter"] }),
      node({ op: "Mul", inputs: ["a", "quarter"], outputs: ["b"] }),
      node({ op: "Greater", inputs: ["b", "none"], outputs: ["mask"] }),
      node({ op: "Where", inputs: ["mask", "b", "none"], outputs: ["c"] }),
      node({ op: "Flatten", inputs: ["c"], outputs: ["flat"] }),
      node({ op: "ReduceSum", inputs: ["flat", "last"], outputs: ["sum"] }),
      node({ op: "Reshape", inputs: ["c", "whole"], outputs: ["y"] }),
    ],
    outputs: [outlet("y"), outlet("sum")],
  });
  const { values, onnx } = await normalize(model, { evaluate: counting });
  expect(read).toBeLessThan(2000);
  const float32 = (...shape: number[]) => ({ type: "float32", shape });
  expect(values.get("b")).toEqual(float32(...image));
  expect(values.get("mask")).toEqual({ type: "bool", shape: image });
  expect(values.get("y")).toEqual(float32(1, 16 * 64 * 64));
  expect(values.get("sum")).toEqual(float32(1, 1));
  expect(Array.from(onnx.graph.initializers.get("quarter")!.data as Float32Array)).toEqual([0.25]);
});

describe("shapes of inputs", () => {
  const open = (...extents: (number | string)[]) =>
    graph({ inputs: [valueInfo("x", "float32", extents)], nodes: [relu("x", "y")] });
  const boundTo = async (model: OnnxModel, inputShape?: number[]) =>
    (await normalize(model, { evaluate, inputShape })).values.get("y")?.shape;

  test("an open batch becomes 1", async () => {
    expect(await boundTo(open("N", 3))).toEqual([1, 3]);
    expect(await boundTo(open("?", 3))).toEqual([1, 3]);
    expect(await boundTo(open(-1, 3))).toEqual([1, 3]);
  });

  test("a fixed batch stays", async () => {
    expect(await boundTo(open(4, 3))).toEqual([4, 3]);
  });

  test("open extents are those of the shape given, with or without its batch", async () => {
    expect(await boundTo(open("N", 3, "H", "W"), [2, 3, 4, 5])).toEqual([2, 3, 4, 5]);
    expect(await boundTo(open("N", 3, "H", "W"), [3, 4, 5])).toEqual([1, 3, 4, 5]);
  });

  test.each([["None"], ["?"], [-1], [0], ["s"], ["unk"]])(
    "a batch that is left out or differs says nothing of other axes called %s",
    async (extent) => {
      const model = open(extent, 3, extent, extent);
      expect(await boundTo(model, [3, 4, 5])).toEqual([1, 3, 4, 5]);
      expect(await boundTo(model, [1, 3, 4, 4])).toEqual([1, 3, 4, 4]);
      expect(await boundTo(model, [2, 3, 4, 5])).toEqual([2, 3, 4, 5]);
    },
  );

  test("a symbol on the first axis of one input and another axis of the other is no batch", async () => {
    const model = graph({
      inputs: [valueInfo("x", "float32", ["N", "T"]), valueInfo("z", "float32", ["T"])],
      nodes: [node({ op: "Add", inputs: ["x", "z"], outputs: ["y"] })],
    });
    const { values } = await normalize(model, { evaluate, inputShapes: new Map([["x", [5]]]) });
    expect([values.get("x")?.shape, values.get("z")?.shape]).toEqual([[1, 5], [5]]);
    await expect(normalize(model, { evaluate })).rejects.toMatchObject({ code: "shape-mismatch" });
  });

  test("one shape is that of the first input of floats without a value, and values have their own", async () => {
    const model = graph({
      inputs: [valueInfo("x", "float32", ["N", "T"]), valueInfo("z", "float32", ["N", "S"])],
      nodes: [
        node({ op: "MatMul", inputs: ["x", "w"], outputs: ["p"] }),
        node({ op: "Concat", inputs: ["p", "z"], outputs: ["y"], attributes: { axis: int(1) } }),
      ],
      initializers: { w: floatTensor([2, 3], [1, 2, 3, 4, 5, 6]) },
    });
    const z = { shape: [1, 4], data: Float32Array.of(1, 2, 3, 4) };
    const { inputs } = await normalize(model, { evaluate, inputShape: [2], given: new Map([["z", z]]) });
    expect(inputs).toMatchObject([
      { name: "x", shape: [1, 2] },
      { name: "z", shape: [1, 4], value: z },
    ]);
    await expect(normalize(model, { evaluate, inputShape: [2] })).rejects.toMatchObject({
      code: "shape-mismatch",
      what: 'Input "z" has shape N×S: the file leaves axis 1 open (axis 0 is the first). The inputs are x (float32, N×T), z (float32, N×S).',
      fix: "Give its shape, for example --shape z=16 (in the library: inputShapes), or its value with --input z=FILE.npy (inputs).",
    });
  });

  test("one shape is that of the only input of floats", async () => {
    const model = graph({
      inputs: [valueInfo("x", "float32", ["N", "T"]), valueInfo("length", "int64", [1])],
      nodes: [relu("x", "y")],
    });
    expect(await boundTo(model, [7])).toEqual([1, 7]);
  });

  test("an input without a shape takes the one given", async () => {
    const model = graph({ inputs: [{ name: "x", type: "float32", shape: undefined }], nodes: [relu("x", "y")] });
    expect(await boundTo(model, [2, 2])).toEqual([2, 2]);
  });

  test("a symbol means the same at every input", async () => {
    const model = graph({
      inputs: [valueInfo("x", "float32", ["N", "T"]), valueInfo("z", "float32", ["N", "T"])],
      nodes: [node({ op: "Add", inputs: ["x", "z"], outputs: ["y"] })],
    });
    const { values } = await normalize(model, { evaluate, inputShapes: new Map([["z", [2, 5]]]) });
    expect(values.get("x")?.shape).toEqual([2, 5]);
  });

  const refused: [string, OnnxModel, number[] | undefined, { what: string; fix: string }][] = [
    [
      "an extent that stays open",
      open("N", 3, "H", "W"),
      undefined,
      {
        what: `Input "x" has shape N×3×H×W: the file leaves axes 2 and 3 open (axis 0 is the first).`,
        fix: "Give the shape of the input, for example --shape 3,224,224 (in the library: inputShape).",
      },
    ],
    [
      "one symbol for all open extents",
      open("None", 3, "None", "None"),
      undefined,
      {
        what: `Input "x" has shape None×3×None×None: the file leaves axes 2 and 3 open (axis 0 is the first).`,
        fix: "Give the shape of the input, for example --shape 3,224,224 (in the library: inputShape).",
      },
    ],
    [
      "a symbol of the first axis and others that means nothing",
      open("s", 5, "s"),
      undefined,
      {
        what: `Input "x" has shape s×5×s: the file leaves axis 2 open (axis 0 is the first).`,
        fix: "Give the shape of the input, for example --shape 5,16 (in the library: inputShape).",
      },
    ],
    [
      "an input without a shape",
      graph({ inputs: [{ name: "x", type: "float32", shape: undefined }], nodes: [relu("x", "y")] }),
      undefined,
      {
        what: `The file does not say which shape input "x" has.`,
        fix: "Give the shape of the input, for example --shape 3,224,224 (in the library: inputShape).",
      },
    ],
    [
      "equal symbols beside the batch with unequal extents",
      open("N", 3, "S", "S"),
      [3, 4, 5],
      {
        what: `The input "x" has the shape N×3×S×S in the file, but 3×4×5 is given.`,
        fix: "Give a shape (--shape) that agrees with the fixed extents of the file, or export the model with open extents.",
      },
    ],
    [
      "a shape that contradicts the file",
      open("N", 3, 224, 224),
      [1, 3, 192, 192],
      {
        what: `The input "x" has the shape N×3×224×224 in the file, but 1×3×192×192 is given.`,
        fix: "Give a shape (--shape) that agrees with the fixed extents of the file, or export the model with open extents.",
      },
    ],
  ];

  test.each(refused)("%s is refused", async (_, model, inputShape, expected) => {
    const attempt = normalize(model, { evaluate, inputShape, file: "net.onnx" });
    await expect(attempt).rejects.toMatchObject({ code: "shape-mismatch", where: { file: "net.onnx" }, ...expected });
  });

  test("a shape for what is no input is refused", async () => {
    const attempt = normalize(open("N", 3), { evaluate, inputShapes: new Map([["image", [1, 3]]]) });
    await expect(attempt).rejects.toMatchObject({
      code: "shape-mismatch",
      what: `A shape is given for "image", which is not an input of the model.`,
      fix: "Its inputs are: x.",
    });
  });
});

describe("constants", () => {
  test("what depends on shapes only is computed once", async () => {
    const model = graph({
      nodes: [
        node({ op: "Shape", inputs: ["x"], outputs: ["shape"] }),
        node({ op: "Gather", inputs: ["shape", "zero"], outputs: ["rows"] }),
        node({ op: "Concat", inputs: ["rows", "rest"], outputs: ["target"], attributes: { axis: int(0) } }),
        node({ op: "Reshape", inputs: ["x", "target"], outputs: ["flat"] }),
        relu("flat", "y"),
      ],
      initializers: { zero: intTensor([0]), rest: intTensor([1, -1]) },
    });
    const { onnx, values } = await normalize(model, { evaluate });
    expect(opsOf(onnx)).toEqual(["Reshape", "Relu"]);
    expect([...onnx.graph.initializers.entries()]).toEqual([["target", intTensor([2, 1, -1])]]);
    expect([...values].map(([name, { type, shape }]) => [name, type, shape])).toEqual([
      ["x", "float32", [2, 3]],
      ["target", "int64", [3]],
      ["flat", "float32", [2, 1, 3]],
      ["y", "float32", [2, 1, 3]],
    ]);
  });

  test("a shape that the values of an input decide is not constant", async () => {
    const model = graph({
      nodes: [
        node({ op: "NonZero", inputs: ["x"], outputs: ["places"] }),
        node({ op: "Size", inputs: ["places"], outputs: ["y"] }),
      ],
    });
    const at = async (x: readonly number[]) => {
      const { onnx, structure } = await normalize(model, { evaluate, feeds: new Map([["x", floatTensor([2, 3], x)]]) });
      const decisions = structure!.decisions.map(({ node, op, by, value }) => [node, op, by, ...toNumbers(value)]);
      return [toNumbers(onnx.graph.initializers.get("y")!), decisions];
    };
    const decidedBy = (count: number) => [["places", "NonZero", "shape of its output", 2, count]];
    expect(await at([0, 0, 1, 0, 2, 0])).toEqual([[4], decidedBy(2)]);
    expect(await at([1, 1, 1, 1, 1, 1])).toEqual([[12], decidedBy(6)]);
  });

  test("random numbers are not constant where each round of a loop draws others", async () => {
    const model = graph({
      nodes: [...drawInLoop("noise"), node({ op: "Add", inputs: ["x", "noise"], outputs: ["y"] })],
    });
    expect(opsOf((await normalize(model, { evaluate })).onnx)).toEqual(["Loop", "Add"]);
  });

  test("Constant nodes of every kind become initializers", async () => {
    const attributes: Record<string, Attribute> = {
      value: { kind: "tensor", value: floatTensor([1], [1]) },
      value_float: float(2),
      value_floats: { kind: "floats", value: [3, 4, 5] },
    };
    const names = Object.keys(attributes);
    const constant = (name: string) =>
      node({ op: "Constant", inputs: [], outputs: [name], attributes: { [name]: attributes[name]! } });
    const model = graph({
      nodes: [...names.map(constant), node({ op: "Sum", inputs: ["x", ...names], outputs: ["y"] })],
    });
    const { onnx } = await normalize(model, { evaluate });
    expect(opsOf(onnx)).toEqual(["Sum"]);
    expect(await run(onnx, { x: floatTensor([2, 3], [0, 0, 0, 1, 1, 1]) })).toEqual([6, 7, 8, 7, 8, 9]);
  });

  test("nodes that no output needs are left out, and unused weights with them", async () => {
    const model = graph({
      nodes: [relu("x", "y"), node({ op: "Add", inputs: ["x", "w"], outputs: ["dead"] })],
      initializers: { w: floatTensor([1], [1]) },
    });
    const { onnx, values } = await normalize(model, { evaluate });
    expect(opsOf(onnx)).toEqual(["Relu"]);
    expect([...values.keys()]).toEqual(["x", "y"]);
  });

  test("an output that is constant is still an output", async () => {
    const model = graph({ nodes: [node({ op: "Shape", inputs: ["x"], outputs: ["y"] })] });
    const { onnx } = await normalize(model, { evaluate });
    expect(onnx.graph.outputs).toEqual([valueInfo("y", "int64", [2])]);
    expect(await run(onnx, { x: floatTensor([2, 3], new Float32Array(6)) })).toEqual([2n, 3n]);
  });
});

describe("names", () => {
  test("tensors keep theirs, and every node gets one of its own", async () => {
    const nodes = [
      node({ op: "Relu", name: "", inputs: ["x"], outputs: ["a"] }),
      node({ op: "Identity", name: "same", inputs: ["a"], outputs: ["b"] }),
      node({ op: "Relu", name: "same", inputs: ["b"], outputs: ["y"] }),
    ];
    const { onnx } = await normalize(graph({ nodes }), { evaluate });
    expect(onnx.graph.nodes.map(({ name, outputs }) => [name, ...outputs])).toEqual([
      ["a", "a"],
      ["same", "b"],
      ["same_2", "y"],
    ]);
  });

  test("a node that is taken apart ends in one of its name and output", async () => {
    const softmax = node({ op: "Softmax", name: "prob", inputs: ["x"], outputs: ["y"], attributes: { axis: int(0) } });
    const { onnx } = await normalize(graph({ nodes: [softmax] }, 11), { evaluate });
    expect(onnx.graph.nodes.map(({ name, op, outputs }) => [name, op, ...outputs])).toEqual([
      ["prob/Flatten", "Flatten", "prob/Flatten"],
      ["prob/Softmax", "Softmax", "prob/Softmax"],
      ["prob", "Reshape", "y"],
    ]);
  });
});

describe("element types", () => {
  test.each([
    ["float64", Float64Array.of(0.5, -2), 11],
    ["float16", Uint16Array.of(0x3800, 0xc000), 10],
    ["bfloat16", Uint16Array.of(0x3f00, 0xc000), 16],
  ] as const)("%s becomes float32, casts and outputs included", async (type, data, code) => {
    const model = graph({
      inputs: [valueInfo("x", "int32", [2])],
      outputs: [valueInfo("y", type, [2])],
      nodes: [
        node({ op: "Cast", inputs: ["x"], outputs: ["c"], attributes: { to: int(code) } }),
        node({ op: "Add", inputs: ["c", "w"], outputs: ["y"] }),
      ],
      initializers: { w: { type, shape: [2], data } },
    });
    const { onnx, values } = await normalize(model, { evaluate });
    expect(onnx.graph.initializers.get("w")).toEqual(floatTensor([2], [0.5, -2]));
    expect(values.get("y")).toEqual({ type: "float32", shape: [2] });
    expect(await run(onnx, { x: floatTensor([2], [1, 1]) })).toEqual([1.5, -1]); // Cast at once, the input is of floats too.
  });

  test("float16 subnormals, infinities and NaN are read by their bits", async () => {
    const { toFloat32 } = await import("../../src/onnx/precision.ts");
    const data = Uint16Array.of(0x0001, 0x8200, 0x0400, 0x7bff, 0x7c00, 0xfc00, 0x7e00, 0x8000);
    const expected = [2 ** -24, -(2 ** -15), 2 ** -14, 65504, Infinity, -Infinity, NaN, -0];
    expect(Array.from(toFloat32({ type: "float16", shape: [8], data }).data as Float32Array)).toEqual(expected);
  });

  test("a float64 weight that overflows float32 is refused", async () => {
    const model = graph({
      inputs: [valueInfo("x", "float64", [2])],
      nodes: [node({ op: "Mul", inputs: ["x", "w"], outputs: ["y"] })],
      initializers: { w: { type: "float64", shape: [2], data: Float64Array.of(1, 1e300) } },
    });
    await expect(normalize(model, { evaluate })).rejects.toMatchObject({ code: "not-finite" });
  });
});

describe("branches", () => {
  const branch = (name: string, op: string): Attribute => ({
    kind: "graph",
    value: {
      name,
      inputs: [],
      outputs: [outlet(`${name}-y`)],
      nodes: [
        node({ op: "Constant", inputs: [], outputs: ["two"], attributes: { value_float: float(2) } }),
        node({ op, inputs: ["x", "two"], outputs: ["inner"] }),
        relu("inner", `${name}-y`),
      ],
      initializers: new Map(),
    },
  });
  const choice = (condition: string, output: string) =>
    node({
      op: "If",
      inputs: [condition],
      outputs: [output],
      attributes: { then_branch: branch("then", "Add"), else_branch: branch("else", "Mul") },
    });
  const x = floatTensor([2, 3], [1, -1, 2, -2, 3, -3]);

  test("one that is always taken stands in the graph itself", async () => {
    const model = graph({
      nodes: [
        node({ op: "Size", inputs: ["x"], outputs: ["size"] }),
        node({ op: "Equal", inputs: ["size", "six"], outputs: ["isSix"] }),
        node({ op: "Not", inputs: ["isSix"], outputs: ["isNot"] }),
        choice("isSix", "a"),
        choice("isNot", "b"),
        node({ op: "Sub", inputs: ["a", "b"], outputs: ["y"] }),
      ],
      initializers: { six: intTensor([6], []) },
    });
    const { onnx, values } = await normalize(model, { evaluate });
    expect(opsOf(onnx)).toEqual(["Add", "Relu", "Mul", "Relu", "Sub"]);
    expect(values.get("inner")?.shape).toEqual([2, 3]);
    expect(await run(onnx, { x })).toEqual([1, 1, 0, 0, -1, 0]);
  });

  test("one that an input decides is the branch that is taken at the point", async () => {
    const model = graph({
      inputs: [valueInfo("x", "float32", [2, 3]), valueInfo("c", "bool", [])],
      nodes: [choice("c", "y")],
    });
    const at = async (c: number) => {
      const condition: Tensor = { type: "bool", shape: [], data: Uint8Array.of(c) };
      const { onnx, structure } = await normalize(model, { evaluate, feeds: new Map([["c", condition]]) });
      expect(structure!.decisions).toEqual([{ node: "y", op: "If", by: "condition", tensor: "c", value: condition }]);
      return [opsOf(onnx), await run(onnx, { x, c: condition })];
    };
    expect(await at(1)).toEqual([
      ["Add", "Relu"],
      [3, 1, 4, 0, 5, 0],
    ]);
    expect(await at(0)).toEqual([
      ["Mul", "Relu"],
      [2, 0, 4, 0, 6, 0],
    ]);
  });

  test("one that a draw decides stays", async () => {
    const model = graph({
      nodes: [...drawInLoop("draw"), node({ op: "Less", inputs: ["draw", "half"], outputs: ["c"] }), choice("c", "y")],
      initializers: { half: floatTensor([], [0.5]) },
    });
    const { onnx, structure } = await normalize(model, { evaluate });
    expect(opsOf(onnx)).toEqual(["Loop", "Less", "If"]);
    expect(structure).toBeUndefined();
  });
});

describe("what cannot be normalized", () => {
  test("a graph that does not run says why", async () => {
    const model = graph({ nodes: [node({ op: "Relu6", inputs: ["x"], outputs: ["y"] })] });
    await expect(normalize(model, { evaluate, file: "net.onnx" })).rejects.toMatchObject({
      code: "backend-failed",
      what: expect.stringMatching(/^The model does not run .*Relu6/s),
      where: { file: "net.onnx" },
    });
  });

  test("a fused activation that is not known is refused", async () => {
    const fused = node({
      op: "FusedGemm",
      name: "fc1",
      domain: "com.microsoft",
      inputs: ["x", "w"],
      outputs: ["y"],
      attributes: { activation: text("Sine") },
    });
    const model = graph({ nodes: [fused], initializers: { w: floatTensor([3, 1], [1, 2, 3]) } });
    const opsets = new Map(model.opsets).set("com.microsoft", 1);
    await expect(normalize({ ...model, opsets }, { evaluate })).rejects.toMatchObject({
      code: "op-unsupported",
      what: "The activation Sine of the fused operator FusedGemm is not supported.",
      where: { node: "fc1", op: "FusedGemm" },
    });
  });

  test("a given input of another shape is refused", async () => {
    const feeds = new Map([["x", floatTensor([4], [1, 2, 3, 4])]]);
    const attempt = normalize(graph({ nodes: [relu("x", "y")] }), { evaluate, feeds });
    await expect(attempt).rejects.toMatchObject({
      code: "shape-mismatch",
      what: `The input "x" has the shape 2×3 in the file, but 4 is given.`,
    });
  });
});
