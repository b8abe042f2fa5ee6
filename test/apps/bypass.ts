import { buildModel, node, valueInfo, writeModel } from "../../src/onnx/index.ts";

/** A network that branches, as an ONNX file: y = trunk + branch for pictures x of 28×28, where trunk = tanh(x) and branch = sigmoid(trunk). */
export function bypass(): Uint8Array {
  const shape = [1, 1, 28, 28];
  const model = buildModel({
    inputs: [valueInfo("x", "float32", shape)],
    outputs: [valueInfo("y", "float32", shape)],
    initializers: new Map(),
    nodes: [
      node({ op: "Tanh", inputs: ["x"], outputs: ["trunk"] }),
      node({ op: "Sigmoid", inputs: ["trunk"], outputs: ["branch"] }),
      node({ op: "Add", inputs: ["trunk", "branch"], outputs: ["y"] }),
    ],
  });
  return writeModel(model);
}
