import { float, type Graph, intTensor, type Node, node, type Tensor, valueInfo } from "../../src/onnx/index.ts";

/** A number drawn anew at each pass: what the body of a Loop draws is not fixed when a graph is opened. */
export function drawInLoop(output: string, low = 0, high = 1): Node[] {
  const constant = (name: string, value: Tensor) =>
    node({ op: "Constant", inputs: [], outputs: [name], attributes: { value: { kind: "tensor", value } } });
  const zero: Tensor = { type: "float32", shape: [], data: new Float32Array(1) };
  const body: Graph = {
    name: "body",
    inputs: [
      valueInfo(`${output}/round`, "int64", []),
      valueInfo(`${output}/go`, "bool", []),
      valueInfo(`${output}/before`, "float32", []),
    ],
    outputs: [valueInfo(`${output}/again`, "bool", []), valueInfo(`${output}/next`, "float32", [])],
    nodes: [
      node({ op: "Identity", inputs: [`${output}/go`], outputs: [`${output}/again`] }),
      node({
        op: "RandomUniform",
        inputs: [],
        outputs: [`${output}/next`],
        attributes: { shape: { kind: "ints", value: [] }, low: float(low), high: float(high) },
      }),
    ],
    initializers: new Map(),
  };
  const attributes = { body: { kind: "graph", value: body } } as const;
  return [
    constant(`${output}/rounds`, intTensor([1], [])),
    constant(`${output}/start`, zero),
    node({ op: "Loop", inputs: [`${output}/rounds`, "", `${output}/start`], outputs: [output], attributes }),
  ];
}
