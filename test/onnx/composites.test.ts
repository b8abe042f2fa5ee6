import { describe, expect, test } from "vitest";
import { createRng, gaussianArray, PushforwardError } from "../../src/base/index.ts";
import {
  type Attribute,
  buildModel,
  type Evaluate,
  float,
  floatTensor,
  int,
  ints,
  intTensor,
  type Node,
  node,
  nodesBehind,
  normalize,
  type OnnxModel,
  type Tensor,
  valueInfo,
} from "../../src/onnx/index.ts";
import { relativeDistance } from "../laws/vectors.ts";
import { problemOf } from "../rows/problem.ts";
import type { OpRow } from "../rows/row.ts";
import { evaluate } from "../support/ort.ts";

const random = (shape: number[], seed: string) =>
  floatTensor(
    shape,
    gaussianArray(
      createRng(seed),
      shape.reduce((a, b) => a * b, 1),
    ),
  );

const count = (value: number, shape: number[]): Tensor => ({ type: "int32", shape, data: Int32Array.of(value) });
const ends = { counts: count(2, [1]), total: count(3, []) };
const x = random([2, 3, 4], "x");
const scale = random([3, 4], "scale");

/** A network of nodes from x to y, in the newest operator set that ONNX Runtime runs unless another is given. */
const modelOf = (nodes: readonly Node[], opset = 26): OnnxModel => {
  const model = buildModel(
    {
      inputs: [valueInfo("x", "float32", x.shape)],
      outputs: [{ name: "y", type: undefined, shape: undefined }],
      nodes,
      initializers: new Map([["scale", scale]]),
    },
    opset,
  );
  return { ...model, opsets: new Map([...model.opsets, ["com.microsoft", 1]]) };
};

/** ONNX Runtime as if it had no kernel for some operators: it then refuses every graph that contains one, wherever it stands. */
function lacking(...ops: string[]) {
  const runs: string[][] = [];
  const without: Evaluate = async (model, feeds, fetches) => {
    const missing = model.graph.nodes.find(({ op }) => ops.includes(op));
    if (missing !== undefined) {
      throw new PushforwardError("backend-failed", { what: `No kernel for ${missing.op}.`, where: {}, fix: "" });
    }
    runs.push([...fetches]);
    return evaluate(model, feeds, fetches);
  };
  return { without, runs };
}

const rms = (from: string, to: string, axis = -2) =>
  node({ op: "RMSNormalization", inputs: [from, "scale"], outputs: [to], attributes: { axis: int(axis) } });
const tanh = (from: string, to: string) => node({ op: "Tanh", inputs: [from], outputs: [to] });

async function outputOf(model: OnnxModel): Promise<Tensor> {
  return (await evaluate(model, new Map([["x", x]]), ["y"])).get("y")!;
}

const data = (tensor: Tensor) => tensor.data as Float32Array;

describe("attention whose scores and probabilities graphs change", () => {
  /** A graph of one input that multiplies what `op` makes of it. */
  const changing = (op: string, factor: number): Attribute => ({
    kind: "graph",
    value: {
      name: "change",
      inputs: [{ name: "s", type: "float32", shape: undefined }],
      outputs: [{ name: "t", type: "float32", shape: undefined }],
      nodes: [
        node({ op, inputs: ["s"], outputs: ["u"] }),
        node({ op: "Mul", inputs: ["u", "factor"], outputs: ["t"] }),
      ],
      initializers: new Map([["factor", floatTensor([], [factor])]]),
    },
  });
  const [q, k, v] = [random([1, 2, 3, 4], "q"), random([1, 2, 5, 4], "k"), random([1, 2, 5, 3], "v")];
  const opened = async (nodes: readonly Node[]) => {
    const inputs = ["q", "k", "v"].map((name, i) => valueInfo(name, "float32", [q, k, v][i]!.shape));
    const outputs = [{ name: "y", type: undefined, shape: undefined }];
    const initializers = new Map([
      ["half", floatTensor([], [0.5])],
      ["three", floatTensor([], [3])],
    ]);
    const model = buildModel({ inputs, outputs, nodes, initializers }, 26);
    const feeds = new Map(Object.entries({ q, k, v }));
    const importing = { ...model, opsets: new Map([...model.opsets, ["ai.onnx.preview", 1]]) };
    const { onnx } = await normalize(importing, { feeds, evaluate });
    return data((await evaluate(onnx, feeds, ["y"])).get("y")!);
  };
  const make = (op: string, inputs: string[], output: string, attributes = {}) =>
    node({ op, inputs, outputs: [output], attributes });
  const byHand = (changes: { readonly scores: boolean; readonly probabilities: boolean }) => [
    make("Transpose", ["k"], "kT", { perm: ints([0, 1, 3, 2]) }),
    make("MatMul", ["q", "kT"], "products"),
    make("Mul", ["products", "half"], "scores"),
    make("Sin", ["scores"], "sines"),
    make("Mul", ["sines", "three"], "changed"),
    make("Softmax", [changes.scores ? "changed" : "scores"], "p", { axis: int(-1) }),
    make("Sqrt", ["p"], "roots"),
    make("Mul", ["roots", "half"], "halves"),
    make("MatMul", [changes.probabilities ? "halves" : "p", "v"], "y"),
  ];

  test.each([
    { scores: true, probabilities: false },
    { scores: false, probabilities: true },
    { scores: true, probabilities: true },
  ])("%j", async (changes) => {
    const attributes = {
      scale: float(0.5),
      ...(changes.scores && { score_mod: changing("Sin", 3) }),
      ...(changes.probabilities && { prob_mod: changing("Sqrt", 0.5) }),
    };
    const flex = node({
      op: "FlexAttention",
      domain: "ai.onnx.preview",
      inputs: ["q", "k", "v"],
      outputs: ["y"],
      attributes,
    });
    expect(relativeDistance(await opened([flex]), await opened(byHand(changes)))).toBeLessThan(1e-6);
  });
});

const refusals: readonly (OpRow & { readonly what: string })[] = [
  {
    op: "GroupQueryAttention",
    attrs: { num_heads: 4, kv_num_heads: 2, local_window_size: 2, sliding_window_cache: 1 },
    in: { Q: [1, 3, 32], K: [1, 3, 16], V: [1, 3, 16], past_key: null, past_value: null, ...ends },
    what: "A cache that holds a window of GroupQueryAttention is not supported.",
  },
  {
    op: "Attention",
    attrs: { num_heads: 2, do_rotary: 1 },
    in: { X: [1, 3, 32], W: [32, 96], B: [96] },
    what: "do_rotary of Attention is not supported.",
  },
];
test.each(refusals)("$what", async ({ what, ...row }) => {
  const { model, point } = problemOf({ ...row, domain: "com.microsoft" });
  const importing = { ...model.onnx, opsets: new Map([...model.onnx.opsets, ["com.microsoft", 1]]) };
  const refused = normalize(importing, { feeds: point, evaluate: lacking(row.op).without });
  await expect(refused).rejects.toMatchObject({ code: "op-unsupported", what, where: { op: row.op } });
});

describe("composites are expanded before ONNX Runtime sees them", () => {
  const chain = modelOf([rms("x", "a"), tanh("a", "b"), rms("b", "c", 1), tanh("c", "d"), rms("d", "y")]);

  test("with one run of the graph where it runs", async () => {
    const { without, runs } = lacking();
    const { onnx } = await normalize(chain, { evaluate: without });
    expect(onnx.graph.nodes.map(({ op }) => op)).not.toContain("RMSNormalization");
    expect(runs.length).toBe(2);
  });

  test("in waves where ONNX Runtime lacks them: what they look at depends on others", async () => {
    const { without, runs } = lacking("RMSNormalization");
    const { onnx } = await normalize(chain, { evaluate: without });
    const waves = runs.slice(0, 2).map((asked) => new Set(asked.map((name) => name.replace(/\/.*/, ""))));
    expect(waves).toEqual([new Set(["b"]), new Set(["d"])]);
    expect(onnx.graph.nodes.flatMap(({ outputs }) => outputs)).toEqual(
      expect.arrayContaining(["a", "b", "c", "d", "y"]),
    );
    expect(relativeDistance(data(await outputOf(onnx)), data(await outputOf(chain)))).toBeLessThan(1e-6);
  });

  test("a node before them is no reason for another wave, and a failure of another node is told", async () => {
    const broken = modelOf([rms("x", "a"), node({ op: "Broken", inputs: ["a"], outputs: ["b"] }), rms("b", "y")]);
    const { without } = lacking("RMSNormalization", "Broken");
    await expect(normalize(broken, { evaluate: without })).rejects.toMatchObject({ what: /Broken/ });
  });

  test("those that look at nothing need no run", async () => {
    const gate = (from: string, to: string) =>
      node({ op: "SwiGLU", inputs: [from, "x"], outputs: [to], attributes: { alpha: float(1.5) } });
    const { without, runs } = lacking("SwiGLU");
    await normalize(modelOf([gate("x", "a"), gate("a", "b"), gate("b", "y")], 28), { evaluate: without });
    expect(runs.length).toBe(1);
  });

  test("also inside a branch, when it is taken", async () => {
    const branch = {
      name: "branch",
      inputs: [],
      outputs: [{ name: "z", type: undefined, shape: undefined }],
      nodes: [tanh("x", "t"), rms("t", "z")],
      initializers: new Map(),
    };
    const condition = node({
      op: "If",
      inputs: ["flag"],
      outputs: ["y"],
      attributes: { then_branch: { kind: "graph", value: branch }, else_branch: { kind: "graph", value: branch } },
    });
    const model = modelOf([condition]);
    const flag: Tensor = { type: "bool", shape: [], data: Uint8Array.of(1) };
    const initializers = new Map([...model.graph.initializers, ["flag", flag] as const]);
    const { onnx } = await normalize({ ...model, graph: { ...model.graph, initializers } }, { evaluate });
    const ops = nodesBehind(onnx.graph.nodes, ["y"]).map(({ op }) => op);
    expect(ops).not.toContain("RMSNormalization");
    expect(ops).not.toContain("If");
  });

  test("in an old operator set, whose nodes are brought to the newer form first", async () => {
    const old = modelOf(
      [
        node({
          op: "FusedMatMul",
          domain: "com.microsoft",
          inputs: ["x", "x"],
          outputs: ["a"],
          attributes: { transB: int(1) },
        }),
        node({ op: "Softmax", inputs: ["a"], outputs: ["b"], attributes: { axis: int(1) } }),
        node({
          op: "FusedMatMul",
          domain: "com.microsoft",
          inputs: ["b", "x"],
          outputs: ["y"],
          attributes: { alpha: float(2) },
        }),
      ],
      11,
    );
    const { onnx } = await normalize(old, { evaluate: lacking("FusedMatMul").without });
    expect(onnx.graph.nodes.map(({ op }) => op)).not.toContain("FusedMatMul");
    expect(relativeDistance(data(await outputOf(onnx)), data(await outputOf(old)))).toBeLessThan(1e-6);
  });
});

test.each([
  [1, "RoiAlign"],
  [2, "RoiAlign"],
  [1, "MaxRoiPool"],
])("in %d pictures, %s may have no regions", async (pictures, op) => {
  const isAlign = op === "RoiAlign";
  const attributes: Record<string, Attribute> = isAlign
    ? { output_height: int(2), output_width: int(3) }
    : { pooled_shape: ints([2, 3]) };
  const model = buildModel({
    inputs: [valueInfo("x", "float32", [pictures, 4, 6, 7])],
    outputs: [{ name: "y", type: undefined, shape: undefined }],
    nodes: [node({ op, inputs: isAlign ? ["x", "rois", "batch"] : ["x", "rois"], outputs: ["y"], attributes })],
    initializers: new Map([
      ["rois", floatTensor([0, isAlign ? 4 : 5], [])],
      ["batch", intTensor([])],
    ]),
  });
  const { onnx, values } = await normalize(model, { evaluate });
  expect(onnx.graph.nodes.some((one) => one.op === op)).toBe(false);
  expect(values.get("y")?.shape).toEqual([0, 4, 2, 3]);
});

test("a DFT of opset 17 without an axis transforms the first one after the batch, however many there are", async () => {
  const signal = random([2, 3, 4, 2], "signal");
  const transforming = (attributes: Node["attributes"]) =>
    buildModel(
      {
        inputs: [valueInfo("x", "float32", signal.shape)],
        outputs: [{ name: "y", type: undefined, shape: undefined }],
        nodes: [node({ op: "DFT", inputs: ["x"], outputs: ["y"], attributes })],
        initializers: new Map(),
      },
      17,
    );
  const feeds = new Map([["x", signal]]);
  const numbers = async (model: OnnxModel) => (await evaluate(model, feeds, ["y"])).get("y")!.data as Float32Array;
  const ours = await numbers((await normalize(transforming({}), { feeds, evaluate })).onnx);
  const spellings: Node["attributes"][] = [{}, { axis: int(1) }];
  for (const attributes of spellings) {
    expect(relativeDistance(ours, await numbers(transforming(attributes)))).toBeLessThan(1e-6);
  }
});
