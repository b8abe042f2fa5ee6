import { describe, expect, test } from "vitest";
import { floatTensor, type OnnxModel, readModel } from "../../src/onnx/index.ts";
import { encodeModel, type FunctionMessage, type NodeMessage } from "../../src/onnx/proto.ts";
import { evaluate } from "../support/ort.ts";

const info = (name: string) => ({ name, type: { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 2 }] } } } });

/** y = alpha · x (LeakyRelu of a negative x), then the sum with x; `alpha` is the caller's, or 0.5. */
const scaled: FunctionMessage = {
  name: "Scaled",
  domain: "mine",
  input: ["a"],
  output: ["b"],
  attribute: ["alpha"],
  node: [
    { opType: "LeakyRelu", input: ["a"], output: ["t"], attribute: [{ name: "alpha", refAttrName: "alpha", type: 1 }] },
    { opType: "Add", input: ["t", "a"], output: ["b"], name: "sum" },
  ],
  opsetImport: [{ version: 18 }],
};

const twice: FunctionMessage = {
  name: "Twice",
  domain: "mine",
  input: ["a"],
  output: ["b"],
  node: [
    { opType: "Scaled", domain: "mine", input: ["a"], output: ["t"], attribute: [{ name: "alpha", type: 1, f: 2 }] },
    { opType: "Scaled", domain: "mine", input: ["t"], output: ["b"], attribute: [{ name: "alpha", type: 1, f: 2 }] },
  ],
  opsetImport: [{ version: 18 }, { domain: "mine", version: 1 }],
};

const read = (functions: FunctionMessage[], node: NodeMessage[], file?: string): Promise<OnnxModel> =>
  readModel(
    encodeModel({
      irVersion: 8,
      graph: { name: "g", input: [info("x")], output: [info("y")], node },
      opsetImport: [{ version: 18 }, { domain: "mine", version: 1 }],
      functions,
    }),
    { file },
  );

const call = (opType: string, input: string, output: string, alpha?: number): NodeMessage => ({
  opType,
  domain: "mine",
  input: [input],
  output: [output],
  attribute: alpha === undefined ? [] : [{ name: "alpha", type: 1, f: alpha }],
});

async function at(model: OnnxModel, x: number[]): Promise<number[]> {
  const outputs = await evaluate(model, new Map([["x", floatTensor([2], x)]]), ["y"]);
  return Array.from(outputs.get("y")!.data as Float32Array);
}

describe("model-local functions", () => {
  test("are replaced by their nodes, whose tensors go behind the caller's name", async () => {
    const model = await read([scaled], [call("Scaled", "x", "h", 3), call("Scaled", "h", "y", 0.25)]);
    expect(model.graph.nodes.map(({ op, inputs, outputs }) => [op, inputs, outputs])).toEqual([
      ["LeakyRelu", ["x"], ["h/t"]],
      ["Add", ["h/t", "x"], ["h"]],
      ["LeakyRelu", ["h"], ["y/t"]],
      ["Add", ["y/t", "h"], ["y"]],
    ]);
    expect(await at(model, [1, -1])).toEqual([4, -5]);
  });

  test("may call each other", async () => {
    const model = await read([twice, scaled], [call("Twice", "x", "y")]);
    expect(await at(model, [1, -1])).toEqual([4, -9]);
  });

  test("may have a default for an attribute", async () => {
    const withDefault = { ...scaled, attributeProto: [{ name: "alpha", type: 1, f: 0.5 }] };
    const model = await read([withDefault], [call("Scaled", "x", "y")]);
    expect(await at(model, [1, -1])).toEqual([2, -1.5]);
  });

  test("may hand an input through", async () => {
    const through = { name: "Same", domain: "mine", input: ["a"], output: ["a"], opsetImport: [{ version: 18 }] };
    const model = await read([through], [call("Same", "x", "y")]);
    expect(await at(model, [1, -1])).toEqual([1, -1]);
  });

  test("of another opset are replaced where their operators have one form in both", async () => {
    const other = { ...scaled, opsetImport: [{ version: 13 }] };
    const model = await read([other], [call("Scaled", "x", "y", 3)]);
    expect(model.opsets.get("")).toBe(18);
    expect(await at(model, [1, -1])).toEqual([2, -4]);
  });

  test("of another opset are refused where an operator has another form in it", async () => {
    const sum = { opType: "ReduceSum", input: ["t"], output: ["b"], attribute: [{ name: "axes", type: 7, ints: [0] }] };
    const other = { ...scaled, node: [scaled.node![0]!, sum], opsetImport: [{ version: 12 }] };
    await expect(read([other], [call("Scaled", "x", "y")], "net.onnx")).rejects.toMatchObject({
      code: "op-unsupported",
      what: `The function Scaled is written in opset 12 of "ai.onnx", the model in 18.`,
      where: { file: "net.onnx", op: "mine.Scaled" },
    });
  });

  test("that call themselves are refused", async () => {
    const loop = { ...twice, name: "Loop", node: [call("Loop", "a", "b")] };
    await expect(read([loop], [call("Loop", "x", "y")])).rejects.toMatchObject({
      code: "model-invalid",
      what: "The function Loop calls itself.",
    });
  });
});
