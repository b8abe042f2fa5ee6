import { normalize, type OnnxModel } from "../onnx/index.ts";
import { type Backend, evaluateWith } from "../runtime/index.ts";
import { Network, type NetworkOptions } from "./network.ts";

/** A graph that was built here as a network. Weights that are inputs may be drawn again and again: it is compiled once for all draws. */
export async function openGraph(graph: OnnxModel, backend: Backend, options: NetworkOptions = {}): Promise<Network> {
  return new Network(await normalize(graph, { evaluate: evaluateWith(backend) }), backend, options);
}
