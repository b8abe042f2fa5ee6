import { expect, test } from "vitest";
import { node, readModel } from "../../src/onnx/index.ts";
import { moduleOfName, moduleOfScopes, modulesOf, NAME_SCOPES } from "../../src/onnx/modules.ts";
import { encodeModel } from "../../src/onnx/proto.ts";

test.each([
  ["['', 'net', 'net.l1', 'linear']", "net.l1"],
  ["['', 'mul']", undefined],
  ["['_empty_nn_module_stack_from_metadata_hook', 'sym_size_int_2']", undefined],
  ["", undefined],
])("the module of the scopes %s is %s", (scopes, module) => {
  expect(moduleOfScopes(scopes)).toBe(module);
});

test.each([
  ["/net/layers/layers.0/norm/Mul_1", "net.layers.0.norm"],
  ["/conv1/Conv", "conv1"],
  ["/f/f.0_16/Gemm", "f.0_16"],
  ["/Add", undefined],
  ["Conv_3", undefined],
  ["StatefulPartitionedCall/model/dense/MatMul", "model.dense"],
  ["a module with spaces/Add", undefined],
])("the module in the name %s is %s", (name, module) => {
  expect(moduleOfName(name)).toBe(module);
});

const graphOf = (...names: readonly string[]) => ({
  name: "g",
  inputs: [],
  outputs: [],
  nodes: names.map((name, i) => node({ op: "Relu", inputs: [], outputs: [`t${i}`], name })),
  initializers: new Map(),
});

test("what all modules share is left out, and so are tensors of the whole network", () => {
  const modules = modulesOf(graphOf("/bert/layer.0/norm/Mul", "/bert/layer.1/Add", "/bert/Gather", "/Cast"));
  expect([...modules]).toEqual([
    ["t0", "layer.0.norm"],
    ["t1", "layer.1"],
  ]);
  expect([...modulesOf(graphOf("/a/Mul", "/b/Mul"))]).toEqual([
    ["t0", "a"],
    ["t1", "b"],
  ]);
});

test("PyTorch's scopes are read from the metadata of a node", async () => {
  const metadataProps = [
    { key: "namespace", value: "unused" },
    { key: NAME_SCOPES, value: "['', 'l1', 'linear']" },
  ];
  const bytes = encodeModel({
    irVersion: 10,
    opsetImport: [{ domain: "", version: 20 }],
    graph: {
      name: "g",
      input: [{ name: "x", type: { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 2 }] } } } }],
      output: [{ name: "y", type: { tensorType: { elemType: 1 } } }],
      node: [{ opType: "Relu", input: ["x"], output: ["y"], name: "node_relu", metadataProps }],
    },
  });
  const { graph } = await readModel(bytes);
  expect(graph.nodes[0]).toMatchObject({ name: "node_relu", scopes: "['', 'l1', 'linear']" });
  expect([...modulesOf(graph)]).toEqual([["y", "l1"]]);
});

test("a node without a note is of the innermost module around its neighbours, whatever its name", () => {
  const noted = (op: string, from: string, to: string, scopes?: string) => ({
    ...node({ op, inputs: [from], outputs: [to], name: `node_${op}/part` }),
    ...(scopes === undefined ? {} : { scopes }),
  });
  const nodes = [
    noted("Gemm", "x", "qkv", "['', 'h.0', 'h.0.attn', 'h.0.attn.qkv', 'linear']"),
    noted("Split", "qkv", "q"),
    noted("Cast", "q", "p"),
    noted("Softmax", "p", "s", "['', 'h.0', 'h.0.attn', 'softmax']"),
    noted("Add", "s", "a", "['', 'add']"),
    noted("Neg", "a", "n"),
    noted("Relu", "n", "r", "['', 'head', 'relu']"),
  ];
  const modules = modulesOf({ name: "g", inputs: [], outputs: [], initializers: new Map(), nodes });
  expect([...modules]).toEqual([
    ["qkv", "h.0.attn.qkv"],
    ["s", "h.0.attn"],
    ["r", "head"],
    ["q", "h.0.attn.qkv"],
    ["p", "h.0.attn"],
  ]);
});
