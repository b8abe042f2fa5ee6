import { Network } from "../../src/jacobian/index.ts";
import { buildModel, floatTensor, node, normalize, type OnnxModel, valueInfo } from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { evaluateWith } from "../../src/runtime/index.ts";

/** The map of Hénon, x′ = 1 − a·x² + y and y′ = b·x, with a = 1.4 and b = 0.3: state [2]. */
export function henon(): OnnxModel {
  return buildModel({
    name: "henon",
    inputs: [valueInfo("state", "float32", [2])],
    outputs: [valueInfo("next", "float32", [2])],
    nodes: [
      node({ op: "Mul", inputs: ["state", "state"], outputs: ["squares"] }),
      node({ op: "MatMul", inputs: ["squares", "bySquare"], outputs: ["quadratic"] }),
      node({ op: "MatMul", inputs: ["state", "byState"], outputs: ["linear"] }),
      node({ op: "Add", inputs: ["quadratic", "linear"], outputs: ["moved"] }),
      node({ op: "Add", inputs: ["moved", "one"], outputs: ["next"] }),
    ],
    initializers: new Map([
      ["bySquare", floatTensor([2, 2], [-1.4, 0, 0, 0])],
      ["byState", floatTensor([2, 2], [0, 0.3, 1, 0])],
      ["one", floatTensor([2], [1, 0])],
    ]),
  });
}

/** state [n] → state·W, with W an input. */
export function linear(size: number): OnnxModel {
  return buildModel({
    name: "linear",
    inputs: [valueInfo("state", "float32", [size]), valueInfo("weight", "float32", [size, size])],
    outputs: [valueInfo("next", "float32", [size])],
    nodes: [node({ op: "MatMul", inputs: ["state", "weight"], outputs: ["next"] })],
    initializers: new Map(),
  });
}

export async function open(model: OnnxModel): Promise<Network> {
  const backend = createBackend({ threads: 1 });
  return new Network(await normalize(model, { evaluate: evaluateWith(backend) }), backend);
}
