import type { Attribute, Graph, Node, OnnxModel } from "./model.ts";

/** The graphs that a node carries in its attributes (the branches of If, the body of Loop). */
export function subgraphsOf(node: Node): Graph[] {
  return Object.values(node.attributes).flatMap((attribute) => (attribute.kind === "graph" ? [attribute.value] : []));
}

/** The node with each of its subgraphs replaced; itself where it has none. */
export function mapSubgraphs(node: Node, replace: (graph: Graph) => Graph): Node {
  if (subgraphsOf(node).length === 0) return node;
  const attributes = Object.entries(node.attributes).map(([name, attribute]): [string, Attribute] => [
    name,
    attribute.kind === "graph" ? { kind: "graph", value: replace(attribute.value) } : attribute,
  ]);
  return { ...node, attributes: Object.fromEntries(attributes) };
}

/** Names that this graph itself defines: inputs, initializers, outputs of nodes. */
export function definedNames(graph: Graph): Set<string> {
  const names = new Set([...graph.inputs.map((input) => input.name), ...graph.initializers.keys()]);
  for (const node of graph.nodes) for (const output of node.outputs) if (output !== "") names.add(output);
  return names;
}

/** Names of tensors that this graph or any graph inside it defines or uses. */
export function allNames(graph: Graph): Set<string> {
  const names = definedNames(graph);
  for (const node of graph.nodes) {
    for (const input of node.inputs) names.add(input);
    for (const inner of subgraphsOf(node)) for (const name of allNames(inner)) names.add(name);
  }
  return names;
}

/** Everything that a node reads: its inputs, and what its subgraphs take from the graphs around them. */
export function readsOf(node: Node): string[] {
  return [...node.inputs.filter((input) => input !== ""), ...subgraphsOf(node).flatMap(capturesOf)];
}

function capturesOf(graph: Graph): string[] {
  const own = definedNames(graph);
  const read = [...graph.nodes.flatMap(readsOf), ...graph.outputs.map((output) => output.name)];
  return read.filter((name) => !own.has(name));
}

/** The wanted name, or that name with the first number that makes it free; it is taken from now on. */
export function freshName(taken: Set<string>, wanted: string): string {
  let name = wanted;
  for (let i = 2; taken.has(name); i++) name = `${wanted}_${i}`;
  taken.add(name);
  return name;
}

/** The model around another graph. */
export const withGraph = (model: OnnxModel, graph: Partial<Graph>): OnnxModel => ({
  ...model,
  graph: { ...model.graph, ...graph },
});
