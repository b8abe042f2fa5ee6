import type { Attribute, Graph, Node, OnnxModel } from "./model.ts";

/** The name of an operator in tables: `Conv`, or `domain:op` outside ai.onnx. */
export const operatorKey = ({ domain = "", op }: Pick<Node, "op"> & Partial<Pick<Node, "domain">>): string =>
  domain === "" ? op : `${domain}:${op}`;

/** The graphs in the attributes of a node (the branches of If, the body of Loop). */
export function subgraphsOf(node: Node): Graph[] {
  return Object.values(node.attributes).flatMap((attribute) => (attribute.kind === "graph" ? [attribute.value] : []));
}

/** A node, and the nodes of all graphs inside it. */
export const withInner = (node: Node): Node[] => [
  node,
  ...subgraphsOf(node).flatMap(({ nodes }) => nodes.flatMap(withInner)),
];

/** The node with each of its subgraphs replaced; the same node if it has none. */
export function mapSubgraphs(node: Node, replace: (graph: Graph) => Graph): Node {
  if (subgraphsOf(node).length === 0) return node;
  const attributes = Object.entries(node.attributes).map(([name, attribute]): [string, Attribute] => [
    name,
    attribute.kind === "graph" ? { kind: "graph", value: replace(attribute.value) } : attribute,
  ]);
  return { ...node, attributes: Object.fromEntries(attributes) };
}

/** The names that this graph defines: inputs, initializers and outputs of nodes. */
export function definedNames(graph: Graph): Set<string> {
  const names = new Set([...graph.inputs.map((input) => input.name), ...graph.initializers.keys()]);
  for (const node of graph.nodes) for (const output of node.outputs) if (output !== "") names.add(output);
  return names;
}

/** The names of all tensors that this graph, or a graph inside it, defines or uses. */
export function allNames(graph: Graph): Set<string> {
  const names = definedNames(graph);
  for (const node of graph.nodes) {
    for (const input of node.inputs) names.add(input);
    for (const inner of subgraphsOf(node)) for (const name of allNames(inner)) names.add(name);
  }
  return names;
}

/** All tensors that a node reads: its inputs, and the tensors of surrounding graphs that its subgraphs use. */
export function readsOf(node: Node): string[] {
  return [...node.inputs.filter((input) => input !== ""), ...subgraphsOf(node).flatMap(capturesOf)];
}

/** The nodes that some tensors depend on, in graph order. What the tensors `ends` depend on is left out. */
export function nodesBehind(nodes: readonly Node[], tensors: readonly string[], ends: readonly string[] = []): Node[] {
  const needed = new Set(tensors);
  const behind = [...nodes].reverse().filter((node) => {
    const leads = node.outputs.some((output) => needed.has(output));
    if (leads) for (const name of readsOf(node)) if (!ends.includes(name)) needed.add(name);
    return leads;
  });
  return behind.reverse();
}

/** The graph with only the nodes that some tensors depend on, and the initializers that these read. What the tensors `ends` depend on is left out. */
export function partBehind(graph: Graph, tensors: readonly string[], ends: readonly string[] = []): Graph {
  const nodes = nodesBehind(graph.nodes, tensors, ends);
  const read = new Set([...nodes.flatMap(readsOf), ...tensors]);
  const initializers = new Map([...graph.initializers].filter(([name]) => read.has(name)));
  return { ...graph, nodes, initializers };
}

function capturesOf(graph: Graph): string[] {
  const own = definedNames(graph);
  const read = [...graph.nodes.flatMap(readsOf), ...graph.outputs.map((output) => output.name)];
  return read.filter((name) => !own.has(name));
}

/** Where the search for a free name goes on, by names: an unrolled loop asks thousands of times for the same one. */
const searched = new WeakMap<Set<string>, Map<string, number>>();

/** The wanted name, or, if it is taken, that name with the first number that makes it unique. The result is added to `taken`. */
export function freshName(taken: Set<string>, wanted: string): string {
  let name = wanted;
  if (taken.has(name)) {
    const from = searched.get(taken) ?? new Map<string, number>();
    searched.set(taken, from);
    let i = from.get(wanted) ?? 2;
    for (name = `${wanted}_${i}`; taken.has(name); name = `${wanted}_${i}`) i++;
    from.set(wanted, i + 1);
  }
  taken.add(name);
  return name;
}

/** The wanted word, or, if a name of a tensor in the graph has it between slashes, that word with the first number that none has. */
export const freshWord = (graph: Graph, wanted: string): string =>
  freshName(new Set([...allNames(graph)].flatMap((name) => name.split("/"))), wanted);

/** The model around another graph. */
export const withGraph = (model: OnnxModel, graph: Partial<Graph>): OnnxModel => ({
  ...model,
  graph: { ...model.graph, ...graph },
});
