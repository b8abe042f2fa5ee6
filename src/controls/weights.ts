import { type Attribute, allNames, floatTensor, freshName, type Graph, type Model, type Node } from "../onnx/index.ts";
import { pathOf, type WeightLayer } from "./layers.ts";

/** The weights of some layers of a network. */
export function weightsOf(model: Model, layers: readonly WeightLayer[]): Map<WeightLayer, Float32Array> {
  const byName = new Map(initializersIn(model.onnx.graph, ""));
  return new Map(layers.map((layer) => [layer, byName.get(layer.weights)!]));
}

function* initializersIn(graph: Graph, path: string): Generator<[string, Float32Array]> {
  for (const [name, { data }] of graph.initializers) if (data instanceof Float32Array) yield [path + name, data];
  for (const node of graph.nodes) {
    for (const [name, attribute] of Object.entries(node.attributes)) {
      if (attribute.kind === "graph") yield* initializersIn(attribute.value, pathOf(path, node, name));
    }
  }
}

/**
 * The network with other weights in some layers. Shared weights stay, and the nodes that multiply by them read a new
 * initializer.
 */
export function withWeights(model: Model, weights: ReadonlyMap<WeightLayer, Float32Array>): Model {
  const { graph } = model.onnx;
  const taken = allNames(graph);
  const layers = new Map([...weights.keys()].map((layer) => [layer.weights, layer]));
  const values = new Map(model.values);
  /** The names of the copies, by where they are read. */
  const renamed = new Map<string, string>();

  const replaceIn = (inner: Graph, path: string): Graph => {
    const initializers = new Map(inner.initializers);
    for (const [name, tensor] of inner.initializers) {
      const layer = layers.get(path + name);
      if (layer === undefined) continue;
      const own = layer.shared ? freshName(taken, `${name}_drawn`) : name;
      initializers.set(own, floatTensor(tensor.shape, weights.get(layer)!));
      if (own === name) continue;
      if (path === "") values.set(own, { type: "float32", shape: tensor.shape });
      for (const { node, position } of layer.uses) renamed.set(`${position} ${node}`, own);
    }
    return { ...inner, initializers, nodes: inner.nodes.map((node) => replaceAt(node, path)) };
  };
  const replaceAt = (node: Node, path: string): Node => {
    const inputs = node.inputs.map((name, position) => renamed.get(`${position} ${node.name}`) ?? name);
    const attributes = Object.entries(node.attributes).map(([name, attribute]): [string, Attribute] => {
      if (attribute.kind !== "graph") return [name, attribute];
      return [name, { kind: "graph", value: replaceIn(attribute.value, pathOf(path, node, name)) }];
    });
    return { ...node, inputs, attributes: Object.fromEntries(attributes) };
  };
  // The structure of the network with its own weights says nothing of this one, which keeps it as it is.
  const { structure: _, ...others } = model;
  return { ...others, onnx: { ...model.onnx, graph: replaceIn(graph, "") }, values };
}
