import { tableOf } from "../base/index.ts";
import { allNames, freshName, mapSubgraphs, subgraphsOf } from "./graph.ts";
import type { Graph, Node } from "./model.ts";

/** Operators whose number of outputs is the number of names that the node lists, so that every name counts. */
const variadic = new Set(["If", "Loop", "Scan", "Split"]);

/** Operators that must name more than their first output. */
const required = tableOf<Readonly<Record<string, number>>>({ DynamicQuantizeLinear: 3, StringSplit: 2, TopK: 2 });

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
  const isVariadic = variadic.has(op) && node.domain === "";
  const count = isVariadic ? outputs.length : countOf(node);
  if (outputs.length >= count && !outputs.includes("")) return undefined;
  const fresh = () => freshName(taken, `${node.name || op}/unnamed`);
  const padded = Array.from({ length: Math.max(outputs.length, count) }, (_, i) => outputs[i] ?? "");
  const named = padded.map((output, i) => (output === "" && i < count ? fresh() : output));
  return named.slice(0, named.findLastIndex((output) => output !== "") + 1);
}

function countOf({ op, domain, attributes }: Node): number {
  if (domain !== "") return 1;
  const training = attributes.training_mode;
  const trains = op === "BatchNormalization" && training?.kind === "int" && training.value !== 0;
  return trains ? 3 : (required[op] ?? 1);
}
