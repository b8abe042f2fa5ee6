import { describe, expect, test } from "vitest";
import { createRng, gaussianArray, PushforwardError } from "../../src/base/index.ts";
import {
  buildModel,
  type Evaluate,
  float,
  floatTensor,
  int,
  type Node,
  node,
  nodesBehind,
  normalize,
  type OnnxModel,
  type Tensor,
  valueInfo,
} from "../../src/onnx/index.ts";
import { relativeDistance } from "../laws/vectors.ts";
import { evaluate } from "../support/ort.ts";

const random = (shape: number[], seed: string) =>
  floatTensor(
    shape,
    gaussianArray(
      createRng(seed),
      shape.reduce((a, b) => a * b, 1),
    ),
  );

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
    expect(runs.slice(0, 2)).toEqual([["b"], ["d"]]);
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
