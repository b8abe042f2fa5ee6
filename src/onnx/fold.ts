import { type Shape, tableOf } from "../base/index.ts";
import { readsOf, subgraphsOf } from "./graph.ts";
import type { Graph, Node, Tensor, TensorType } from "./model.ts";

/** Operators with random outputs, which are never constant. */
const random = new Set([
  "Bernoulli",
  "Dropout",
  "Multinomial",
  "RandomNormal",
  "RandomNormalLike",
  "RandomUniform",
  "RandomUniformLike",
]);

/** Whether a node, or one in a graph inside it, draws at random. */
export const isRandom = (node: Node): boolean =>
  random.has(node.op) || subgraphsOf(node).some((inner) => inner.nodes.some(isRandom));

/** Operators whose output is not a tensor, so that it cannot be fetched. */
const notATensor = new Set([
  "Optional",
  "SequenceConstruct",
  "SequenceEmpty",
  "SequenceErase",
  "SequenceInsert",
  "SequenceMap",
  "SplitToSequence",
]);

/** Operators for which the *values* of the inputs determine the number of entries of the output. */
const shapedByValues = new Set([
  "Compress",
  "If",
  "Loop",
  "NonMaxSuppression",
  "NonZero",
  "Scan",
  "StringSplit",
  "Unique",
]);

/** The positions of the inputs that determine the shape of the output. */
const shapeInputs = tableOf<Readonly<Record<string, readonly number[]>>>({
  AffineGrid: [1],
  CenterCropPad: [1],
  Col2Im: [1, 2],
  ConstantOfShape: [0],
  Expand: [1],
  MaxUnpool: [2],
  OneHot: [1],
  Pad: [1, 3],
  Range: [0, 1, 2],
  Reshape: [1],
  Resize: [1, 2, 3],
  Slice: [1, 2, 3, 4],
  Split: [1],
  Squeeze: [1],
  Tile: [1],
  TopK: [1],
  Unsqueeze: [1],
  Upsample: [1],
});

/** The tensors that a run of the graph can return: all outputs of nodes that are tensors, and the outputs of the graph. */
export function observable(graph: Graph): string[] {
  const names = graph.nodes.flatMap((node) => (notATensor.has(node.op) ? [] : node.outputs));
  return [...new Set([...names, ...graph.outputs.map(({ name }) => name)])].filter((name) => name !== "");
}

/**
 * The names of the tensors that are the same for all inputs with the bound shapes: they do not depend on an input, or only on shapes
 * that do not depend on the values of inputs. If `observed` is given, only observed tensors are included.
 */
export function constantsOf(graph: Graph, observed?: ReadonlyMap<string, Tensor>): Set<string> {
  const constant = new Set(graph.initializers.keys());
  const shapeVaries = new Set<string>();
  for (const node of graph.nodes) {
    // CastLike uses only the type of its second input, and every floating-point type is float32 here.
    const reads = node.op === "CastLike" ? node.inputs.slice(0, 1) : readsOf(node);
    const asksShape = node.domain === "" && (node.op === "Shape" || node.op === "Size");
    const fixed = asksShape
      ? !reads.some((name) => shapeVaries.has(name))
      : !random.has(node.op) && reads.every((name) => constant.has(name));
    if (fixed && node.outputs.every((output) => output === "" || observed?.has(output) !== false)) {
      for (const output of node.outputs) constant.add(output);
    } else if (hasVaryingShape(node, reads, constant, shapeVaries)) {
      for (const output of node.outputs) shapeVaries.add(output);
    }
  }
  return constant;
}

function hasVaryingShape(
  node: Node,
  reads: readonly string[],
  constant: ReadonlySet<string>,
  varies: ReadonlySet<string>,
): boolean {
  if (shapedByValues.has(node.op) || notATensor.has(node.op) || reads.some((name) => varies.has(name))) return true;
  const byValue = node.op.startsWith("Reduce") ? [1] : (shapeInputs[node.op] ?? []);
  return byValue.some((position) => {
    const input = node.inputs[position] ?? "";
    return input !== "" && !constant.has(input);
  });
}

/**
 * The graph without nodes that compute constants, which become initializers with the observed values, and without nodes that no output
 * needs.
 */
export function foldGraph(graph: Graph, observed: ReadonlyMap<string, Tensor>): Graph {
  const constant = constantsOf(graph, observed);
  const needed = new Set(graph.outputs.map(({ name }) => name));
  const nodes: Node[] = [];
  for (const node of [...graph.nodes].reverse()) {
    const computed = node.outputs.filter((output) => output !== "" && !constant.has(output));
    if (!computed.some((output) => needed.has(output))) continue;
    nodes.push(node);
    for (const name of readsOf(node)) needed.add(name);
  }
  const initializers = new Map<string, Tensor>();
  for (const name of [...graph.initializers.keys(), ...constant]) {
    const tensor = graph.initializers.get(name) ?? observed.get(name);
    if (needed.has(name) && tensor !== undefined) initializers.set(name, tensor);
  }
  const outputs = graph.outputs.map((output) => {
    const tensor = observed.get(output.name);
    return tensor === undefined ? output : { name: output.name, type: tensor.type, shape: tensor.shape };
  });
  return { ...graph, nodes: nodes.reverse(), initializers, outputs };
}

/** The type and shape of every tensor of a folded graph. */
export function typesOf(graph: Graph, observed: ReadonlyMap<string, Tensor>): Map<string, TensorType> {
  const types = new Map<string, TensorType>();
  for (const { name, type = "float32", shape = [] } of graph.inputs) types.set(name, { type, shape: shape as Shape });
  for (const [name, { type, shape }] of graph.initializers) types.set(name, { type, shape });
  for (const name of graph.nodes.flatMap((node) => node.outputs)) {
    const tensor = observed.get(name);
    if (tensor !== undefined) types.set(name, { type: tensor.type, shape: tensor.shape });
  }
  return types;
}
