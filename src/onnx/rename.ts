import { mapSubgraphs } from "./graph.ts";
import type { Graph, Node } from "./model.ts";

type Rename = (name: string) => string;

const asIs: Rename = (name) => name;

/** The graph with other names for its tensors, in its subgraphs too; nodes keep theirs unless `nodeName` is given. */
export function renameTensors(graph: Graph, tensorName: Rename, nodeName: Rename = asIs): Graph {
  const end = <T extends { readonly name: string }>(info: T): T => ({ ...info, name: tensorName(info.name) });
  return {
    name: graph.name,
    inputs: graph.inputs.map(end),
    outputs: graph.outputs.map(end),
    nodes: graph.nodes.map((node) => renameInNode(node, tensorName, nodeName)),
    initializers: new Map([...graph.initializers].map(([name, tensor]) => [tensorName(name), tensor])),
    ...(graph.values && { values: new Map([...graph.values].map(([name, type]) => [tensorName(name), type])) }),
  };
}

/** The node with other names for the tensors that it reads and computes, in its subgraphs too. */
export function renameInNode(node: Node, tensorName: Rename, nodeName: Rename = asIs): Node {
  const [inputs, outputs] = [node.inputs.map(tensorName), node.outputs.map(tensorName)];
  const own = { ...node, name: nodeName(node.name), inputs, outputs };
  return mapSubgraphs(own, (graph) => renameTensors(graph, tensorName, nodeName));
}
