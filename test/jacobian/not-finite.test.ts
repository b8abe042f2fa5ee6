import { afterAll, expect, test } from "vitest";
import { Network } from "../../src/jacobian/index.ts";
import { buildModel, node, normalize, valueInfo } from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { evaluate } from "../support/ort.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

test("an infinite derivative is that of its node, also where J multiplies it with others", async () => {
  const model = buildModel({
    inputs: [valueInfo("x", "float32", [1, 3])],
    outputs: [valueInfo("y", "float32", [1, 3])],
    nodes: [
      node({ op: "Tanh", inputs: ["x"], outputs: ["t"] }),
      node({ op: "Sqrt", inputs: ["t"], outputs: ["root"] }),
      node({ op: "Sigmoid", inputs: ["root"], outputs: ["y"] }),
    ],
    initializers: new Map(),
  });
  const network = new Network(await normalize(model, { evaluate }), backend);
  using J = await network.jacobian({ at: Float32Array.of(1, 0, 2), from: "x", to: "y" });
  expect(J.factors).toEqual([]); // One joint factor, of no single node.
  await expect(J.svd({ k: 1 })).rejects.toMatchObject({ code: "not-finite", where: { node: "root", op: "Sqrt" } });
});
