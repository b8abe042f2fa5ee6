import { type Evaluate, type Graph, operatorKey, readAttributes, type Tensor } from "../../src/onnx/index.ts";
import { compositeOps } from "./composites/index.ts";
import { elementwise } from "./elementwise.ts";
import { indexing } from "./indexing.ts";
import { matrix } from "./matrix.ts";
import { quantized } from "./quantized.ts";
import { recurrent } from "./recurrent.ts";
import { reduction } from "./reduction.ts";
import { resize } from "./resize.ts";
import { scanWith } from "./scan.ts";
import { shape } from "./shape.ts";
import { type Array64, fromTensor, type ReferenceOps } from "./tensor.ts";
import { window } from "./window.ts";

const referenceOps: ReferenceOps = {
  ...compositeOps,
  ...elementwise,
  ...indexing,
  ...matrix,
  ...quantized,
  ...recurrent,
  ...reduction,
  ...resize,
  ...shape,
  ...window,
};

/**
 * Runs a graph node by node in float64, by definitions written for clarity and apart from the rules: the truth for
 * derivatives by differences. Its own forward results are held against ONNX Runtime's.
 *
 * @throws Error naming an operator that it does not know
 */
export function interpret(graph: Graph, feeds: ReadonlyMap<string, Array64>): Map<string, Array64> {
  const values = new Map(feeds);
  for (const [name, tensor] of graph.initializers) if (!values.has(name)) values.set(name, fromTensor(tensor));
  for (const node of graph.nodes) {
    const { op, inputs, outputs, attributes } = node;
    const define = op === "Scan" ? scanWith(interpret, values) : referenceOps[operatorKey(node)];
    if (define === undefined) throw new Error(`the reference interpreter does not know ${op}`);
    const args = inputs.map((name) => (name === "" ? undefined : values.get(name)));
    const result = define(args, readAttributes(attributes), outputs.length);
    const results = Array.isArray(result) ? (result as readonly Array64[]) : [result as Array64];
    results.forEach((value, i) => {
      if (outputs[i]) values.set(outputs[i], value);
    });
  }
  return values;
}

/** The interpreter where a backend is asked for; what it returns is float64. */
export const evaluate64: Evaluate = async ({ graph }, feeds, fetches) => {
  const values = interpret(graph, new Map([...feeds].map(([name, tensor]) => [name, fromTensor(tensor)])));
  return new Map(fetches.map((name) => [name, asTensor(values.get(name)!)]));
};

function asTensor({ type, shape, data }: Array64): Tensor {
  if (type === "float32") return { type: "float64", shape, data };
  return { type: "int64", shape, data: BigInt64Array.from(data, (value) => BigInt(value)) };
}
