import { mapSubgraphs, withGraph } from "./graph.ts";
import type { Attribute, DataType, Graph, Node, OnnxModel, Tensor, ValueInfo } from "./model.ts";
import { dataTypes, toFloat32Array } from "./tensor-types.ts";

const otherFloats = new Set<DataType>(["float16", "bfloat16", "float64"]);
const otherCodes = new Set<number>([...otherFloats].map((type) => dataTypes[type].code));

/** Whether an element type is a floating-point type. */
export const isFloat = (type: DataType): boolean => type === "float32" || otherFloats.has(type);

/** Attributes that name an element type by its code. */
const typeAttributes = new Set(["to", "dtype", "output_dtype", "output_datatype", "stash_type", "softmax_precision"]);

/** A tensor of any floating-point type as float32 (float64 is rounded). Other tensors are returned unchanged. */
export function toFloat32(tensor: Tensor): Tensor {
  if (!otherFloats.has(tensor.type)) return tensor;
  return { type: "float32", shape: tensor.shape, data: toFloat32Array(tensor) };
}

/** The model in float32 throughout: weights, inputs, outputs, and the types that attributes name. */
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
  info.type !== undefined && otherFloats.has(info.type) ? { ...info, type: "float32" } : info;

function nodeInFloat32(node: Node): Node {
  const attributes = Object.entries(node.attributes).map(([name, attribute]): [string, Attribute] => {
    if (attribute.kind === "tensor") return [name, { kind: "tensor", value: toFloat32(attribute.value) }];
    const isOther = attribute.kind === "int" && typeAttributes.has(name) && otherCodes.has(attribute.value);
    return [name, isOther ? { kind: "int", value: dataTypes.float32.code } : attribute];
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
  return halves.find(([type]) => mentions(graph, type))?.[1] ?? 2 ** -24;
}

/** Whether an input, a constant or an attribute of the graph, or of a graph inside it, has this element type. */
function mentions(graph: Graph, type: DataType): boolean {
  const { code } = dataTypes[type];
  const inAttribute = ([name, attribute]: [string, Attribute]) =>
    (attribute.kind === "tensor" && attribute.value.type === type) ||
    (attribute.kind === "int" && attribute.value === code && typeAttributes.has(name)) ||
    (attribute.kind === "graph" && mentions(attribute.value, type));
  return (
    graph.inputs.some((input) => input.type === type) ||
    [...graph.initializers.values()].some((tensor) => tensor.type === type) ||
    graph.nodes.some(({ attributes }) => Object.entries(attributes).some(inAttribute))
  );
}
