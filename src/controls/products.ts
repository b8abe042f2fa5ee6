import { PushforwardError } from "../base/index.ts";
import {
  allNames,
  floatTensor,
  freshName,
  type Graph,
  intTensor,
  type Model,
  type Node,
  node,
  readAttributes,
  type Tensor,
} from "../onnx/index.ts";
import { OTHER_KINDS } from "./kinds.ts";
import { multiplies, type WeightLayer } from "./layers.ts";

/** The output of a node that multiplies by weights, bias aside. */
export interface Product {
  readonly node: string;
  readonly tensor: string;
  /** The layers whose weights the node multiplies by: one, but for an Einsum of several. */
  readonly layers: readonly WeightLayer[];
}

/** A graph in which the product of each layer is a tensor of its own, to which the bias is added. */
export interface Products {
  readonly graph: Graph;
  /** In graph order. */
  readonly products: readonly Product[];
}

/**
 * The graph of a network with the bias of each layer set apart.
 *
 * @throws PushforwardError `op-unsupported` for layers whose output is not proportional to their weights, or is not seen
 */
export function withProducts(model: Model, layers: readonly WeightLayer[]): Products {
  for (const layer of layers) refuseUnseen(layer);
  const { graph } = model.onnx;
  const byNode = new Map<string, WeightLayer[]>();
  for (const layer of layers) {
    for (const use of layer.uses) byNode.set(use.node, [...(byNode.get(use.node) ?? []), layer]);
  }
  const taken = allNames(graph);
  const nodeNames = new Set(graph.nodes.map(({ name }) => name));
  const products: Product[] = [];
  const initializers = new Map(graph.initializers);
  const constant = (name: string, tensor: Tensor): string => {
    const own = freshName(taken, name);
    initializers.set(own, tensor);
    return own;
  };
  const apart = (multiplying: Node): Node[] => {
    const { name, op, inputs, outputs } = multiplying;
    const [output = ""] = outputs;
    const { position: at, to } = multiplies({ op, domain: "" })?.bias ?? { position: inputs.length };
    const bias = inputs[at] ?? "";
    if (bias === "") {
      products.push({ node: name, tensor: output, layers: byNode.get(name)! });
      return [multiplying];
    }
    const tensor = freshName(taken, `${output}_product`);
    products.push({ node: name, tensor, layers: byNode.get(name)! });
    const others = inputs.map((input, i) => (i === at ? "" : input));
    const product = {
      ...multiplying,
      inputs: at === inputs.length - 1 ? others.slice(0, at) : others,
      outputs: [tensor],
    };
    const term = freshName(taken, `${output}_bias`);
    const beta = readAttributes(multiplying.attributes).float("beta", 1);
    const rank = model.values.get(output)!.shape.length;
    const operands =
      to === "output"
        ? { op: "Mul", inputs: [bias, constant(`${output}_beta`, floatTensor([], [beta]))] }
        : { op: "Reshape", inputs: [bias, constant(`${output}_shape`, intTensor(channelShape(rank)))] };
    return [
      product,
      node({ ...operands, outputs: [term], name: freshName(nodeNames, term) }),
      node({ op: "Add", inputs: [tensor, term], outputs: [output], name: freshName(nodeNames, `${name}_sum`) }),
    ];
  };
  const nodes = graph.nodes.flatMap((own) => (byNode.has(own.name) ? apart(own) : own));
  return { graph: { ...graph, nodes, initializers }, products };
}

/** [1, −1, 1, …], the shape of a bias that is added to all channels. */
const channelShape = (rank: number): number[] => [1, -1, ...new Array<number>(rank - 2).fill(1)];

function refuseUnseen({ node, op, inside }: WeightLayer): void {
  const isCell = multiplies({ op, domain: "" })?.isCell === true;
  if (!isCell && inside === undefined) return;
  throw new PushforwardError("op-unsupported", {
    what: isCell
      ? "The weights of a recurrent cell have no gain that sets the root mean square of its output."
      : `The output of a layer inside the node "${inside}" cannot be compared with that of the trained network.`,
    where: { node, op },
    fix: OTHER_KINDS,
  });
}
