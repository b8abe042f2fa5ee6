import { mapSubgraphs, withGraph } from "./graph.ts";
import type { Attribute, DataType, Graph, Node, OnnxModel, Tensor, ValueInfo } from "./model.ts";
import { bytesFor, inBytes, isNarrow, narrowFloats } from "./narrow-types.ts";
import { dataTypeOf, dataTypes, toFloat32Array } from "./tensor-types.ts";

const otherFloats = new Set<DataType>([
  "float16",
  "bfloat16",
  "float64",
  "float8e8m0",
  ...(Object.keys(narrowFloats) as DataType[]),
]);

/** Whether an element type is a floating-point type. */
export const isFloat = (type: DataType): boolean => type === "float32" || otherFloats.has(type);

/** Attributes that name an element type by its code. */
const typeAttributes = new Set([
  "to",
  "dtype",
  "output_dtype",
  "output_datatype",
  "stash_type",
  "softmax_precision",
  "precision",
]);

/**
 * A tensor of any floating-point type as float32 (float64 is rounded), and one of integers of fewer than 8 bits as bytes. Other
 * tensors are returned unchanged.
 */
export function toFloat32(tensor: Tensor): Tensor {
  if (!otherFloats.has(tensor.type)) return inBytes(tensor);
  return { type: "float32", shape: tensor.shape, data: toFloat32Array(tensor) };
}

/** The type in which a normalized graph holds a tensor of the given type. */
const heldType = (type: DataType): DataType => (otherFloats.has(type) ? "float32" : bytesFor(type));

/**
 * The model in float32 throughout, and with bytes in place of integers of fewer than 8 bits: weights, inputs, outputs, and the types
 * that attributes name.
 */
export const inFloat32 = (model: OnnxModel): OnnxModel => withGraph(model, graphInFloat32(model.graph));

function graphInFloat32(graph: Graph): Graph {
  return {
    ...graph,
    inputs: graph.inputs.map(infoInFloat32),
    outputs: graph.outputs.map(infoInFloat32),
    initializers: new Map([...graph.initializers].map(([name, tensor]) => [name, toFloat32(tensor)])),
    nodes: graph.nodes.map(nodeInFloat32),
  };
}

const infoInFloat32 = (info: ValueInfo): ValueInfo =>
  info.type === undefined ? info : { ...info, type: heldType(info.type) };

function nodeInFloat32(node: Node): Node {
  const attributes = Object.entries(node.attributes).map(([name, attribute]): [string, Attribute] => {
    if (attribute.kind === "tensor") return [name, { kind: "tensor", value: toFloat32(attribute.value) }];
    if (attribute.kind !== "int" || !typeAttributes.has(name)) return [name, attribute];
    const type = dataTypeOf(attribute.value);
    return [name, type === undefined ? attribute : { kind: "int", value: dataTypes[heldType(type)].code }];
  });
  return mapSubgraphs({ ...node, attributes: Object.fromEntries(attributes) }, graphInFloat32);
}

/**
 * The largest relative error of one rounding in the coarsest type that a graph computes in; float64 counts as float32.
 */
export function unitRoundoff(graph: Graph): number {
  const halves: readonly (readonly [DataType, number])[] = [
    ["bfloat16", 2 ** -8],
    ["float16", 2 ** -11],
  ];
  return halves.find(([type]) => mentions(graph, (one) => one === type))?.[1] ?? 2 ** -24;
}

/** Whether tensors of a graph may have a type of at most 8 bits that the runtime does not hand out. */
export const hasNarrowTypes = (graph: Graph): boolean => mentions(graph, isNarrow);

/** Whether an input, an output, a constant or an attribute of the graph, or of a graph inside it, has such an element type. */
function mentions(graph: Graph, isSuch: (type: DataType) => boolean): boolean {
  const names = (code: number) => {
    const type = dataTypeOf(code);
    return type !== undefined && isSuch(type);
  };
  const inAttribute = ([name, attribute]: [string, Attribute]) =>
    (attribute.kind === "tensor" && isSuch(attribute.value.type)) ||
    (attribute.kind === "int" && typeAttributes.has(name) && names(attribute.value)) ||
    (attribute.kind === "graph" && mentions(attribute.value, isSuch));
  return (
    [...graph.inputs, ...graph.outputs].some(({ type }) => type !== undefined && isSuch(type)) ||
    [...graph.initializers.values()].some(({ type }) => isSuch(type)) ||
    graph.nodes.some(({ attributes }) => Object.entries(attributes).some(inAttribute))
  );
}
