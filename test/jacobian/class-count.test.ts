import { expect, test } from "vitest";
import type { Shape } from "../../src/base/index.ts";
import { Network } from "../../src/jacobian/index.ts";
import { buildModel, node, normalize, valueInfo } from "../../src/onnx/index.ts";
import type { Backend } from "../../src/runtime/index.ts";
import { evaluate } from "../support/ort.ts";

test.each<[shape: Shape, count: number]>([
  [[1, 10], 10],
  [[10], 10],
  [[1, 10, 1, 1], 10],
  [[1, 1, 1, 10], 10],
  [[1, 1], 0],
  [[1, 1, 1, 1], 0],
  [[1, 10, 2, 1], 0],
  [[1, 3, 8, 8], 0],
])("an output of %j scores %i classes", async (shape, count) => {
  const x = valueInfo("x", "float32", shape);
  const model = await normalize(
    buildModel({
      inputs: [x],
      outputs: [{ ...x, name: "y" }],
      nodes: [node({ op: "Relu", inputs: ["x"], outputs: ["y"] })],
      initializers: new Map(),
    }),
    { evaluate },
  );
  expect(new Network(model, undefined as unknown as Backend).classCount).toBe(count); // Nothing is compiled here.
});
