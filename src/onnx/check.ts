import { PushforwardError } from "../base/index.ts";
import { checkFlow } from "./check-flow.ts";
import { mapSubgraphs, readsOf, subgraphsOf, withGraph } from "./graph.ts";
import type { Graph, Node, OnnxModel } from "./model.ts";
import { checkOpset } from "./opset-range.ts";

/**
 * Checks that a model can run, and returns it with its nodes in an order in which they can run. Every name must be defined
 * once, every tensor that a node reads must be defined, there must be no cycle, and every operator set must be imported.
 *
 * @throws PushforwardError `model-invalid` for a graph that cannot run, `op-unsupported` for an opset that is not supported
 */
export function checkModel(model: OnnxModel, file?: string): OnnxModel {
  try {
    checkOpset(model);
    checkLayout(model.graph);
    checkImports(model);
    const graph = sortGraph(model.graph, new Set());
    checkBodies(graph);
    return withGraph(model, graph);
  } catch (error) {
    throw error instanceof PushforwardError ? error.at({ file }) : error;
  }
}

/** The operators in which ONNX Runtime holds feature maps in blocks of channels, as wide as the vectors of one processor. */
const BLOCKED = "com.microsoft.nchwc";

function checkLayout({ nodes }: Graph): void {
  for (const node of nodes) {
    subgraphsOf(node).forEach(checkLayout);
    if (node.domain !== BLOCKED) continue;
    throw new PushforwardError("op-unsupported", {
      what: `The file is a graph that ONNX Runtime has optimized for one processor: the node is of ${BLOCKED}.`,
      where: placeOf(node),
      fix: "Open the model from which it was made, or save it again with the optimization level ORT_ENABLE_EXTENDED or a lower one.",
    });
  }
}

function checkBodies({ nodes }: Graph): void {
  for (const node of nodes) {
    checkFlow(node);
    subgraphsOf(node).forEach(checkBodies);
  }
}

function checkImports({ opsets, graph }: OnnxModel): void {
  for (const node of graph.nodes) {
    if (opsets.has(node.domain)) continue;
    throw new PushforwardError("model-invalid", {
      what: `The model does not say which version of the operator set "${node.domain || "ai.onnx"}" it uses.`,
      where: placeOf(node),
      fix: "The file is damaged or was cut off: download or export it again.",
    });
  }
}

/**
 * The graph (and its subgraphs) with every node after the nodes that it reads from. `outer` are the names of
 * surrounding graphs.
 */
function sortGraph(graph: Graph, outer: ReadonlySet<string>): Graph {
  const producers = producersOf(graph);
  const known = new Set([...outer, ...producers.keys()]);
  checkDefined(graph, known);
  const nodes = inOrder(graph.nodes, producers).map((node) => mapSubgraphs(node, (inner) => sortGraph(inner, known)));
  return { ...graph, nodes };
}

/** Every name that the graph defines, with the node that produces it (`undefined` for inputs and initializers). */
function producersOf(graph: Graph): Map<string, Node | undefined> {
  const producers = new Map<string, Node | undefined>();
  const define = (name: string, node?: Node) => {
    if (producers.has(name)) {
      throw new PushforwardError("model-invalid", {
        what: `Two tensors are named "${name}".`,
        where: node && placeOf(node),
        fix: "Tensor names must be unique. Export the model again.",
      });
    }
    producers.set(name, node);
  };
  for (const { name } of graph.inputs) define(name);
  for (const name of graph.initializers.keys()) define(name);
  for (const node of graph.nodes) for (const output of node.outputs) if (output !== "") define(output, node);
  return producers;
}

function checkDefined(graph: Graph, known: ReadonlySet<string>): void {
  for (const node of graph.nodes) {
    const missing = node.inputs.find((input) => input !== "" && !known.has(input));
    if (missing === undefined) continue;
    throw new PushforwardError("model-invalid", {
      what: `The node reads "${missing}", which no node, input or initializer defines.`,
      where: placeOf(node),
      fix: "The file is incomplete: export the model again.",
    });
  }
  const missing = graph.outputs.find(({ name }) => !known.has(name));
  if (missing === undefined) return;
  throw new PushforwardError("model-invalid", {
    what: `The graph's output "${missing.name}" is not computed by any node.`,
    fix: "The file is incomplete: export the model again.",
  });
}

/**
 * The nodes in an order in which each follows the nodes that it reads from. If they are in such an order, it does not
 * change.
 */
function inOrder(nodes: readonly Node[], producers: ReadonlyMap<string, Node | undefined>): readonly Node[] {
  const before = new Map(
    nodes.map((node) => [node, readsOf(node).flatMap((name) => producers.get(name) ?? [])] as const),
  );
  const place = new Map(nodes.map((node, i) => [node, i] as const));
  const after = new Map<Node, Node[]>(nodes.map((node) => [node, []]));
  const missing = new Map<Node, number>();
  for (const [node, earlier] of before) {
    missing.set(node, earlier.length);
    for (const one of earlier) after.get(one)!.push(node);
  }
  // In how many passes through the list a node is reached, if each pass takes the nodes whose inputs are there.
  const pass = new Map<Node, number>(nodes.map((node) => [node, 0]));
  const ready = nodes.filter((node) => missing.get(node) === 0);
  for (const node of ready) {
    for (const next of after.get(node)!) {
      const own = pass.get(node)! + (place.get(node)! < place.get(next)! ? 0 : 1);
      pass.set(next, Math.max(pass.get(next)!, own));
      missing.set(next, missing.get(next)! - 1);
      if (missing.get(next) === 0) ready.push(next);
    }
  }
  if (ready.length < nodes.length) {
    const done = new Set(ready);
    throw cycleError(
      nodes.filter((node) => !done.has(node)),
      before,
    );
  }
  return ready.sort((a, b) => pass.get(a)! - pass.get(b)! || place.get(a)! - place.get(b)!);
}

function cycleError(held: readonly Node[], before: ReadonlyMap<Node, readonly Node[]>): PushforwardError {
  const all = new Set(held);
  const path = new Set<Node>();
  let node = held[0]!;
  while (!path.has(node)) {
    path.add(node);
    node = before.get(node)!.find((earlier) => all.has(earlier))!;
  }
  const cycle = [...path].slice([...path].indexOf(node)).reverse();
  const names = [...cycle, cycle[0]!].map(({ name, outputs }) => name || outputs[0]);
  return new PushforwardError("model-invalid", {
    what: `The graph has a cycle: ${names.join(" → ")}.`,
    where: placeOf(cycle[0]!),
    fix: "The graph of a network must have no cycles. Export the model again.",
  });
}

const placeOf = (node: Node) => ({ node: node.name || node.outputs[0], op: node.op });
