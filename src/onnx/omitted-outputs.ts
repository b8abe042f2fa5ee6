import { allNames, freshName, mapSubgraphs, subgraphsOf } from "./graph.ts";
import type { Graph, Node } from "./model.ts";
import { formatFacts } from "./operator-facts.ts";

/**
 * The graph with a name for every output that an operator must have, and without empty names at the end of other lists. A file
 * may leave out the names of outputs that it does not use, but ONNX Runtime crashes if an output is required and has no name.
 */
export function withRequiredOutputs(graph: Graph, taken = allNames(graph)): Graph {
  const nodes = graph.nodes.map((node) => {
    const outputs = requiredOutputs(node, taken);
    return mapSubgraphs(outputs === undefined ? node : { ...node, outputs }, (inner) =>
      withRequiredOutputs(inner, taken),
    );
  });
  return { ...graph, nodes };
}

/** Whether the graph, or one inside it, leaves out an output that an operator must have. */
export const leavesOutOutputs = (graph: Graph): boolean =>
  graph.nodes.some((node) => {
    const required = requiredOutputs(node, new Set()) ?? [];
    return required.some((name, i) => name !== (node.outputs[i] ?? "")) || subgraphsOf(node).some(leavesOutOutputs);
  });

/** `undefined` if the node's outputs need no change. */
function requiredOutputs(node: Node, taken: Set<string>): string[] | undefined {
  const { op, outputs } = node;
  const count = countOf(node);
  if (outputs.length >= count && !outputs.includes("")) return undefined;
  const fresh = () => freshName(taken, `${node.name || op}/unnamed`);
  const padded = Array.from({ length: Math.max(outputs.length, count) }, (_, i) => outputs[i] ?? "");
  const named = padded.map((output, i) => (output === "" && i < count ? fresh() : output));
  return named.slice(0, named.findLastIndex((output) => output !== "") + 1);
}

function countOf({ op, domain, attributes, outputs }: Node): number {
  if (domain !== "") return 1;
  const { outputs: required = 1 } = formatFacts(op);
  if (required === "as listed") return outputs.length;
  const training = attributes.training_mode;
  const trains = op === "BatchNormalization" && training?.kind === "int" && training.value !== 0;
  return trains ? 3 : required;
}
