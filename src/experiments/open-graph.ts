import { Network } from "../jacobian/index.ts";
import { normalize, type OnnxModel } from "../onnx/index.ts";
import { type Backend, evaluateWith } from "../runtime/index.ts";

/** A graph that was built here as a network. Its weights are inputs, so that it is compiled once for all draws. */
export async function openGraph(graph: OnnxModel, backend: Backend): Promise<Network> {
  return new Network(await normalize(graph, { evaluate: evaluateWith(backend) }), backend);
}
