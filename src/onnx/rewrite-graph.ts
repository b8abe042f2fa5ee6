import { constantOf } from "./constant-node.ts";
import { definedNames, mapSubgraphs, subgraphsOf } from "./graph.ts";
import type { Graph, Node, OnnxModel } from "./model.ts";
import { type Growth, type OperatorRewriting, rewriteNode } from "./rewrite.ts";

/** How a node is rewritten; `undefined` for one that stays. */
export type RewritingOf = (node: Node) => OperatorRewriting | undefined;

/** The tensors of a model's graph that the rewritings of some of its nodes look at, also those of nodes in their subgraphs. */
export function lookedAt({ graph }: OnnxModel, nodes: readonly Node[], rewritingOf: RewritingOf): string[] {
  const inputsOf = (node: Node): string[] => {
    const positions = rewritingOf(node)?.looksAt ?? [];
    return [
      ...positions.map((i) => node.inputs[i] ?? ""),
      ...subgraphsOf(node).flatMap((inner) => inner.nodes.flatMap(inputsOf)),
    ];
  };
  const computed = { ...graph, nodes: graph.nodes.filter((node) => constantOf(node) === undefined) };
  const defined = definedNames(computed);
  return [...new Set(nodes.flatMap(inputsOf))].filter((name) => defined.has(name));
}

/**
 * The graph with its nodes rewritten, and those of its subgraphs. Constants become initializers.
 *
 * @throws PushforwardError what a rewriting throws, `op-unsupported` for an attribute that it does not know
 */
export function rewriteGraph(
  graph: Graph,
  around: Omit<Growth, "nodes" | "initializers">,
  rewritingOf: RewritingOf,
): Graph {
  const nodes: Node[] = [];
  const initializers = new Map(graph.initializers);
  const growth: Growth = { ...around, nodes, initializers };
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const rewriteInner = (inner: Graph): Graph => {
    const own = definedNames(inner);
    const visible = <T>(known: ReadonlyMap<string, T>) => new Map([...known].filter(([name]) => !own.has(name)));
    const constants = new Map([...around.constants, ...initializers]);
    return rewriteGraph(inner, { ...around, types: visible(around.types), constants: visible(constants) }, rewritingOf);
  };
  for (const node of graph.nodes) {
    const constant = constantOf(node);
    if (constant !== undefined) {
      const [output = ""] = node.outputs;
      if (outputs.has(output)) nodes.push({ ...node, attributes: { value: { kind: "tensor", value: constant } } });
      else initializers.set(output, constant);
      continue;
    }
    const rewriting = rewritingOf(node);
    const rewritten = rewriting === undefined ? node : rewriteNode(node, rewriting, growth);
    nodes.push(mapSubgraphs(trimmed(rewritten), rewriteInner));
  }
  return { ...graph, nodes, initializers };
}

/** The node without absent inputs at the end of its list. */
function trimmed(node: Node): Node {
  const last = node.inputs.findLastIndex((input) => input !== "");
  return last === node.inputs.length - 1 ? node : { ...node, inputs: node.inputs.slice(0, last + 1) };
}
