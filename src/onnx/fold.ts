import type { Shape } from "../base/index.ts";
import { readsOf, subgraphsOf, withInner } from "./graph.ts";
import type { Graph, Node, Tensor, TensorType } from "./model.ts";
import type { Observed } from "./observation.ts";
import { type FormatFacts, formatFacts } from "./operator-facts.ts";

/** Whether a node, or one in a graph inside it, draws at random. */
export const isRandom = (node: Node): boolean =>
  withInner(node).some(({ op, inputs }) => {
    const { isRandom = false, drawsBy } = formatFacts(op);
    return isRandom && (drawsBy === undefined || Boolean(inputs[drawsBy]));
  });

/** The tensors that a run of the graph can return: all outputs of nodes that are tensors, and the outputs of the graph. */
export function observable(graph: Graph): string[] {
  const names = graph.nodes.flatMap((node) => (formatFacts(node.op).makesTensors === false ? [] : node.outputs));
  return [...new Set([...names, ...graph.outputs.map(({ name }) => name)])].filter((name) => name !== "");
}

/**
 * The names of the tensors that are the same for all inputs with the bound shapes: they do not depend on an input, or only on shapes
 * that do not depend on the values of inputs. If `observed` is given, only observed tensors are included. The shapes of `decided` tensors
 * count as the same for all inputs.
 */
export function constantsOf(
  graph: Graph,
  observed?: Pick<Observed, "types">,
  decided: ReadonlySet<string> = new Set(),
): Set<string> {
  const constant = new Set(graph.initializers.keys());
  const shapeVaries = new Set<string>();
  for (const node of graph.nodes) {
    // CastLike uses only the type of its second input, and every floating-point type is float32 here.
    const reads = node.op === "CastLike" ? node.inputs.slice(0, 1) : readsOf(node);
    const asksShape = node.domain === "" && formatFacts(node.op).asksShape;
    const fixed = asksShape
      ? !reads.some((name) => shapeVaries.has(name))
      : !isRandom(node) && reads.every((name) => constant.has(name));
    if (fixed && node.outputs.every((output) => output === "" || observed?.types.has(output) !== false)) {
      for (const output of node.outputs) constant.add(output);
    } else if (hasVaryingShape(node, reads, constant, shapeVaries)) {
      for (const output of node.outputs) if (!decided.has(output)) shapeVaries.add(output);
    }
  }
  return constant;
}

/** The inputs whose values determine the shapes of a node's outputs. Those of a repetition follow from the shapes of its inputs. */
export const shapedByOf = ({ op, repeats = false }: Node): NonNullable<FormatFacts["shapedBy"]> =>
  (repeats ? undefined : formatFacts(op).shapedBy) ?? [];

function hasVaryingShape(
  node: Node,
  reads: readonly string[],
  constant: ReadonlySet<string>,
  varies: ReadonlySet<string>,
): boolean {
  const { makesTensors } = formatFacts(node.op);
  const shapedBy = shapedByOf(node);
  if (shapedBy === "values" || makesTensors === false || reads.some((name) => varies.has(name))) return true;
  return shapedBy.some((position) => {
    const input = node.inputs[position] ?? "";
    return input !== "" && !constant.has(input);
  });
}

/**
 * The graph without nodes that compute constants, which become initializers with the observed values, and without nodes that no output
 * needs.
 */
export function foldGraph(graph: Graph, observed: Observed, decided: ReadonlySet<string> = new Set()): Graph {
  const constant = constantsOf(graph, observed, decided);
  const needed = new Set(graph.outputs.map(({ name }) => name));
  const nodes: Node[] = [];
  for (const node of [...graph.nodes].reverse()) {
    const computed = node.outputs.filter((output) => output !== "" && !constant.has(output));
    if (!computed.some((output) => needed.has(output))) continue;
    nodes.push(node);
    for (const name of readsOf(node)) needed.add(name);
  }
  const made = madeIn(graph, constant);
  const initializers = new Map<string, Tensor>();
  for (const name of [...graph.initializers.keys(), ...constant]) {
    if (!needed.has(name)) continue;
    const tensor = graph.initializers.get(name) ?? observed.values.get(name);
    if (tensor === undefined) continue;
    initializers.set(name, made.has(name) ? { ...tensor, isMade: true } : tensor);
  }
  const outputs = graph.outputs.map((output) => {
    const type = observed.types.get(output.name);
    return type === undefined ? output : { name: output.name, ...type };
  });
  return { ...graph, nodes: nodes.reverse(), initializers, outputs };
}

/**
 * The constants that are computed from what expansions made, and from no numbers of the file. Its int64 tensors are extents, axes and
 * indices, and do not count.
 */
function madeIn(graph: Graph, constant: ReadonlySet<string>): Set<string> {
  const made = new Set<string>();
  const stored = new Set<string>();
  for (const [name, { type, isMade }] of graph.initializers) {
    if (isMade) made.add(name);
    else if (type !== "int64") stored.add(name);
  }
  for (const node of graph.nodes) {
    const reads = readsOf(node);
    const isStored = subgraphsOf(node).length > 0 || reads.some((name) => stored.has(name));
    const isMade = reads.some((name) => made.has(name));
    for (const output of node.outputs.filter((name) => constant.has(name))) {
      if (isStored) stored.add(output);
      else if (isMade) made.add(output);
    }
  }
  return made;
}

/** The type and shape of every tensor of a folded graph. */
export function typesOf(graph: Graph, observed: Observed): Map<string, TensorType> {
  const types = new Map<string, TensorType>();
  for (const { name, type = "float32", shape = [] } of graph.inputs) types.set(name, { type, shape: shape as Shape });
  for (const [name, { type, shape }] of graph.initializers) types.set(name, { type, shape });
  for (const name of graph.nodes.flatMap((node) => node.outputs)) {
    const type = observed.types.get(name);
    if (type !== undefined) types.set(name, type);
  }
  return types;
}
