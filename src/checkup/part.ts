import { type Model, type Node, readsOf } from "../onnx/index.ts";

/** The part of a model that consists of some nodes: what they read from elsewhere are its inputs, `target` is its output. */
export function partOf({ onnx, values }: Model, nodes: readonly Node[], target: string): Model {
  const { graph } = onnx;
  const made = new Set(nodes.flatMap(({ outputs }) => outputs));
  const read = [...new Set(nodes.flatMap(readsOf))].filter((name) => !made.has(name));
  const inputs = read.filter((name) => !graph.initializers.has(name));
  const info = (name: string) => ({ name, ...values.get(name)! });
  const part = {
    name: graph.name,
    inputs: inputs.map(info),
    outputs: [info(target)],
    nodes,
    initializers: new Map([...graph.initializers].filter(([name]) => read.includes(name))),
  };
  const own = new Set([...made, ...read]);
  return { onnx: { ...onnx, graph: part }, values: new Map([...values].filter(([name]) => own.has(name))) };
}
