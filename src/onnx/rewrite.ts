import type { Shape } from "../base/index.ts";
import { freshName } from "./graph.ts";
import type { Attributes, Node, Tensor } from "./model.ts";

/**
 * What a rewriting of one node may use. Helper nodes and constants go before the node and take its name as a prefix; the
 * node that a rewriting returns keeps name and outputs of the old one, so taps stay where they were.
 */
export interface Rewrite {
  /** Version of ai.onnx that the node was written for. */
  readonly opset: number;
  /** Shape of a tensor, where it was observed; inside subgraphs none is. */
  shape(name: string): Shape | undefined;
  /** Value of a tensor that is an initializer. */
  value(name: string): Tensor | undefined;
  /** A new constant; returns its name. */
  constant(role: string, tensor: Tensor): string;
  /** A new node with one output; returns the output's name. `output` is given for outputs of the old node. */
  add(op: string, inputs: readonly string[], attributes?: Attributes, output?: string): string;
}

/** Rewrites a node into the form of opset 18; the node itself where it has that form. */
export type Rewriting = (node: Node, to: Rewrite) => Node;

/** The names, nodes and constants that rewritings add to a graph. */
export interface Growth {
  readonly opset: number;
  readonly taken: Set<string>;
  readonly nodes: Node[];
  readonly initializers: Map<string, Tensor>;
  readonly shapes: ReadonlyMap<string, Shape>;
}

/** What the rewriting of `node` may use; whatever it adds is pushed onto `growth`. */
export function rewriteAt(node: Node, { opset, taken, nodes, initializers, shapes }: Growth): Rewrite {
  const prefix = node.name || node.outputs[0] || node.op;
  return {
    opset,
    shape: (name) => shapes.get(name),
    value: (name) => initializers.get(name),
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
