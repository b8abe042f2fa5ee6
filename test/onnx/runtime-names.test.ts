import { InferenceSession } from "onnxruntime-node";
import { expect, test } from "vitest";
import { createRng, gaussianArray } from "../../src/base/index.ts";
import { buildModel, floatTensor, intTensor, node, normalize, valueInfo, writeModel } from "../../src/onnx/index.ts";
import { evaluate } from "../support/ort.ts";

const w = floatTensor([4, 4], gaussianArray(createRng("w"), 16));
const model = buildModel({
  inputs: [valueInfo("x", "float32", [2, 3, 4])],
  outputs: [{ name: "y", type: "float32", shape: undefined }],
  nodes: [
    node({ op: "MatMul", inputs: ["x", "w"], outputs: ["a"] }),
    node({ op: "Add", inputs: ["a", "b"], outputs: ["c"] }),
    node({ op: "Reshape", inputs: ["c", "gemm_input_shape"], outputs: ["y"] }),
  ],
  initializers: new Map([
    ["w", w],
    ["b", floatTensor([4], [1, 2, 3, 4])],
    ["gemm_input_shape", intTensor([6, 4])],
  ]),
});

test("constants have no names that ONNX Runtime gives when it optimizes the graph", async () => {
  await expect(InferenceSession.create(writeModel(model), { logSeverityLevel: 4 })).rejects.toThrow(/existing tensor/);
  const { onnx } = await normalize(model, { evaluate });
  const session = await InferenceSession.create(writeModel(onnx), { logSeverityLevel: 4 });
  await session.release();
  const feeds = new Map([["x", floatTensor([2, 3, 4], gaussianArray(createRng("x"), 24))]]);
  expect(await evaluate(onnx, feeds, ["y"])).toEqual(await evaluate(model, feeds, ["y"]));
});
