import { type Filters, operatorOf, type Weights } from "../autodiff/index.ts";
import { PushforwardError, type Shape } from "../base/index.ts";
import { type Graph, type Model, type Node, type Tensor, weightsInside } from "../onnx/index.ts";

/** An input of a node, by the node's name and the input's place. */
interface Read {
  readonly node: string;
  readonly position: number;
}

/** A layer: a tensor of weights, and the nodes that multiply by it. */
export interface WeightLayer {
  /** The first node that multiplies by the weights; the layer has its operator, or that of the file of which it is a step. */
  readonly node: string;
  readonly op: string;
  /** The initializer. One of the body of a Loop or a branch of an If has the path of that graph before its name. */
  readonly weights: string;
  readonly shape: Shape;
  /** How the weights form filters at the first node. */
  readonly filters: Filters;
  /** Where nodes multiply by the weights, in graph order; several places if the weights are tied. */
  readonly uses: readonly Read[];
  /** Whether something else reads the weights too, such as a lookup in a table of embeddings. It keeps the trained values. */
  readonly shared: boolean;
  /** The outermost node around the layer, of a layer in the body of a Loop or a branch of an If. */
  readonly inside: string | undefined;
}

/** The path of the graph in an attribute of a node, as it stands before the names of the graph's initializers. */
export const pathOf = (around: string, node: Node, attribute: string): string => `${around}${node.name}/${attribute}/`;

/** An initializer that a node can see. */
interface Constant {
  readonly weights: string;
  readonly tensor: Tensor;
  /** Whether nodes that are not folded stand between the initializer and what is seen. */
  readonly computed: boolean;
}

type Scope = ReadonlyMap<string, Constant>;

interface Found {
  readonly layers: Map<string, Omit<WeightLayer, "shared"> & { readonly uses: Read[] }>;
  /** How often each initializer is read. */
  readonly reads: Map<string, number>;
  /** The inputs of the network, weights among them. */
  readonly inputs: ReadonlySet<string>;
}

/**
 * The layers of a network, in graph order. The weights of a layer are a float32 initializer by which a Conv, ConvTranspose,
 * DeformConv, MatMul, Gemm, Einsum, GRU, LSTM or RNN multiplies and over which it sums, also in the body of a Loop and in
 * the branches of an If. Biases, scales, statistics and tables that are looked up are not weights, nor are matrices that the
 * expansion of an operator made, such as that of a Fourier transform (`isMade`). A matrix of the file that was not learned cannot be
 * told from weights, and is a layer too. Weights that were made inputs are those of layers as before.
 *
 * @throws PushforwardError `op-unsupported` for weights that are not an initializer of floats: those of an operator outside the format,
 * and those that the body of a Loop computes; `usage` for a weight that is an input and that something else reads too
 */
export function weightLayers(model: Model): WeightLayer[] {
  const { graph } = weightsInside(model).onnx;
  const inputs = new Set(model.onnx.graph.inputs.map(({ name }) => name));
  const found: Found = { layers: new Map(), reads: new Map(), inputs };
  search(graph, "", new Map(), undefined, found);
  return [...found.layers.values()].map((layer) => {
    const shared = found.reads.get(layer.weights)! > layer.uses.length;
    if (shared && inputs.has(layer.weights)) throw sharedInput(layer);
    return { ...layer, shared };
  });
}

/** What is drawn for the products would not be the input, whose trained values the other nodes keep. */
const sharedInput = ({ weights, node, op }: Pick<WeightLayer, "weights" | "node" | "op">): PushforwardError =>
  new PushforwardError("usage", {
    what: `No control can be drawn with "${weights}" as an input: it is multiplied by, and also read otherwise, as a table of embeddings.`,
    where: { node, op },
    fix: `Open the network without "${weights}" among its inputs.`,
  });

function search(graph: Graph, path: string, outer: Scope, inside: string | undefined, found: Found): void {
  const scope = new Map(outer);
  const countRead = (name: string) => {
    const { weights } = scope.get(name) ?? {};
    if (weights !== undefined) found.reads.set(weights, (found.reads.get(weights) ?? 0) + 1);
  };
  for (const { name } of graph.inputs) scope.delete(name);
  for (const [name, tensor] of graph.initializers) scope.set(name, { weights: path + name, tensor, computed: false });
  for (const node of graph.nodes) {
    refuseHidden(node, scope);
    node.inputs.forEach(countRead);
    for (const position of multiplies(node)?.positions(node) ?? []) addUse(node, position, scope, inside, found);
    const [first] = node.inputs.map((name) => scope.get(name));
    for (const output of node.outputs) {
      if (first !== undefined && passesOn(node)) scope.set(output, { ...first, computed: true });
      else scope.delete(output);
    }
    for (const [name, attribute] of Object.entries(node.attributes)) {
      if (attribute.kind !== "graph") continue;
      search(attribute.value, pathOf(path, node, name), scope, inside ?? node.name, found);
    }
  }
  for (const { name } of graph.outputs) countRead(name);
}

function addUse(
  node: Node,
  position: number,
  scope: Scope,
  inside: string | undefined,
  { layers, inputs }: Found,
): void {
  const constant = scope.get(node.inputs[position] ?? "");
  if (constant === undefined || constant.tensor.shape.length === 0 || constant.tensor.isMade) return;
  const { weights, tensor, computed } = constant;
  if (computed) {
    const fix = inputs.has(weights) ? `Open the network without "${weights}" among its inputs.` : undefined;
    throw refusal(node, `they are computed from "${weights}" each time`, fix);
  }
  if (tensor.type !== "float32") return;
  const filters = multiplies(node)?.filters(node, position, tensor.shape);
  if (filters === undefined) return;
  const use = { node: node.name, position };
  const known = layers.get(weights);
  if (known !== undefined) known.uses.push(use);
  else {
    const { shape } = tensor;
    layers.set(weights, {
      node: node.name,
      op: node.step?.of ?? node.op,
      weights,
      shape,
      filters,
      uses: [use],
      inside,
    });
  }
}

/** How a node multiplies by weights, if it does. */
export function multiplies(node: Pick<Node, "op" | "domain">): Weights | undefined {
  return operatorOf(node)?.weights;
}

/** Whether the output of a node is its first input in another form. */
const passesOn = (node: Node): boolean => operatorOf(node)?.rearranges === true;

/** @throws PushforwardError `op-unsupported` for a node with weights that cannot be drawn */
function refuseHidden(node: Node, scope: Scope): void {
  const matrices = node.inputs.filter((name) => (scope.get(name)?.tensor.shape.length ?? 0) >= 2);
  if (
    operatorOf(node) === undefined &&
    node.domain !== "" &&
    (matrices.length > 0 || node.attributes.coefficients !== undefined)
  ) {
    throw refusal(node, `the operator set "${node.domain}" is not the format's own`);
  }
}

function refusal(
  node: Node,
  reason: string,
  fix = "Export the network with its weights as float initializers of standard operators.",
): PushforwardError {
  return new PushforwardError("op-unsupported", {
    what: `No control can be drawn for the weights of this node: ${reason}.`,
    where: { node: node.name, op: node.op },
    fix,
  });
}
