import { PushforwardError, type Shape } from "../base/index.ts";
import { readAttributes } from "./build.ts";
import { freshName } from "./graph.ts";
import type { Attributes, Node, Tensor } from "./model.ts";

/**
 * What a rewriting of one node may use. Helper nodes and constants go before the node and take its name as a prefix; the
 * node that a rewriting returns keeps name and outputs of the old one, so taps stay where they were.
 */
export interface Rewrite {
  /** Version of ai.onnx that the node was written for. */
  readonly opset: number;
  /** The node's attributes; only those that the rewriting declares can be read. */
  readonly attributes: ReturnType<typeof readAttributes>;
  /** Shape of an input, where it was observed: not if a subgraph computes it. */
  shape(name: string): Shape | undefined;
  /**
   * Value of an input that is the same at every input of the model, be it an initializer, a Constant node or computed from
   * such; `undefined` for all others, and for what a subgraph computes.
   */
  value(name: string): Tensor | undefined;
  /** A new constant; returns its name. */
  constant(role: string, tensor: Tensor): string;
  /** A new node with one output; returns the output's name. `output` is given for outputs of the old node. */
  add(op: string, inputs: readonly string[], attributes?: Attributes, output?: string): string;
}

/** Rewrites a node into the form of opset 18; the node itself where it has that form. */
export type Rewriting = (node: Node, to: Rewrite) => Node;

/** How one operator is rewritten. */
export interface OperatorRewriting {
  /** All attributes that the rewriting knows: what it reads, carries over or may leave out. A node with another is refused. */
  readonly attributes: readonly string[];
  /** Positions of the inputs at whose shape or value it looks; it sees no others. */
  readonly looksAt?: readonly number[];
  readonly rewrite: Rewriting;
}

/** What one run showed of the tensors that rewritings look at. */
export interface Seen {
  readonly shapes: ReadonlyMap<string, Shape>;
  /** Those that are the same at every input of the model. */
  readonly constants: ReadonlyMap<string, Tensor>;
}

/** The names, nodes and constants that rewritings add to a graph. */
export interface Growth extends Seen {
  readonly opset: number;
  readonly taken: Set<string>;
  readonly nodes: Node[];
  readonly initializers: Map<string, Tensor>;
}

/**
 * Rewrites the node; whatever is added is pushed onto `growth`.
 *
 * @throws PushforwardError `op-unsupported` naming the attributes that the rewriting does not know
 */
export function rewriteNode(node: Node, { attributes, rewrite }: OperatorRewriting, growth: Growth): Node {
  const others = Object.keys(node.attributes).filter((name) => !attributes.includes(name));
  if (others.length > 0) {
    const [attribute, is] = others.length === 1 ? ["attribute", "is"] : ["attributes", "are"];
    throw new PushforwardError("op-unsupported", {
      what: `The ${attribute} ${others.join(", ")} of ${node.op} ${is} not known here.`,
      where: { node: node.name || node.outputs[0], op: node.op },
      fix: `Export the model without ${others.length === 1 ? "it" : "them"}, or in opset 18.`,
    });
  }
  return rewrite(node, rewriteAt(node, attributes, growth));
}

function rewriteAt(
  node: Node,
  known: readonly string[],
  { opset, taken, nodes, initializers, shapes, constants }: Growth,
): Rewrite {
  const prefix = node.name || node.outputs[0] || node.op;
  return {
    opset,
    attributes: readAttributes(node.attributes, known),
    shape: (name) => shapes.get(name),
    value: (name) => initializers.get(name) ?? constants.get(name),
    constant(role, tensor) {
      const name = freshName(taken, `${prefix}/${role}`);
      initializers.set(name, tensor);
      return name;
    },
    add(op, inputs, attributes = {}, output = freshName(taken, `${prefix}/${op}`)) {
      nodes.push({ name: output, op, domain: "", inputs, outputs: [output], attributes });
      return output;
    },
  };
}

/** The attributes without some of them. */
export function without(attributes: Attributes, ...names: readonly string[]): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => !names.includes(name)));
}

/** The node as a standard one: other operator, inputs and attributes, the same name and first output. */
export function standard(node: Node, op: string, inputs: readonly string[], attributes: Attributes = {}): Node {
  return { ...node, op, domain: "", inputs, attributes, outputs: node.outputs.slice(0, 1) };
}
