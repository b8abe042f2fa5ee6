import { PushforwardError, type Shape } from "../base/index.ts";
import { readAttributes } from "./build.ts";
import { freshName } from "./graph.ts";
import { inline } from "./inline.ts";
import { writtenFor } from "./misfit.ts";
import type { Attributes, Graph, Node, Tensor, TensorType } from "./model.ts";
import { inScopesOf } from "./modules.ts";
import { type Repetition, repetition, withOwnOutputs } from "./repetition.ts";

/**
 * What the rewriting of one node may use. Additional nodes and constants are inserted before the node, and their names start with its
 * name. The node that a rewriting returns has the name and outputs of the old one, so that taps do not change.
 */
export interface Rewrite {
  /** Version of ai.onnx that the node was written for. */
  readonly opset: number;
  /** The attributes of the node. Only those that the rewriting declares can be read. */
  readonly attributes: ReturnType<typeof readAttributes>;
  /** The shape of an input, if it was observed; an input that a subgraph computes is not. */
  shape(name: string): Shape | undefined;
  /** The same for its type and shape. */
  type(name: string): TensorType | undefined;
  /**
   * The value of an input that is the same for every input of the model: an initializer, a Constant node, or computed from
   * these. `undefined` for all others, and for tensors that a subgraph computes.
   */
  value(name: string): Tensor | undefined;
  /** A new constant, which was not learned; returns its name. */
  constant(role: string, tensor: Tensor): string;
  /** A new constant of weights that attributes of the node hold; returns its name. */
  weights(role: string, tensor: Tensor): string;
  /** A new node with one output; returns the output's name. `output` is given for outputs of the old node. */
  add(op: string, inputs: readonly string[], attributes?: Attributes, output?: string): string;
  /** The same for a node with several outputs. */
  addAll(count: number, op: string, inputs: readonly string[], attributes?: Attributes): string[];
  /** A copy of a subgraph of the node, applied to these inputs; returns the names of its outputs. */
  inline(graph: Graph, inputs: readonly string[]): string[];
  /** The fewest steps with which a recurrence is a repetition. */
  readonly manyRounds: number;
  /**
   * A new repetition; returns the names of its last states and of what it stacks. `write` writes a round: from the names of the states and
   * of what the round gets, it returns those of the next states and of what the round gives.
   */
  repeat(
    rounds: Pick<Repetition, "states" | "sliced" | "isReverse">,
    write: (to: Rewrite, inputs: readonly string[]) => readonly string[],
  ): string[];
}

/** Rewrites a node to the form of opset 18. A node that has this form is returned itself. */
export type Rewriting = (node: Node, to: Rewrite) => Node;

/** How one operator is rewritten. */
export interface OperatorRewriting {
  /**
   * All attributes that the rewriting knows, because it reads, copies or may drop them. A node with any other is
   * refused.
   */
  readonly attributes: readonly string[];
  /** The positions of the inputs whose shape or value it uses. It has access to no others. */
  readonly looksAt?: readonly number[];
  /** Whether the nodes that it writes are steps of one operator, so that only the outputs of this operator are taps. */
  readonly inSteps?: true;
  readonly rewrite: Rewriting;
}

/** The types, shapes and values, from one run, of the tensors that rewritings use. */
export interface Seen {
  readonly types: ReadonlyMap<string, TensorType>;
  /** The tensors that are the same at every input of the model. */
  readonly constants: ReadonlyMap<string, Tensor>;
}

/** The names, nodes and constants that rewritings add to a graph. */
export interface Growth extends Seen {
  readonly opset: number;
  readonly manyRounds: number;
  readonly taken: Set<string>;
  readonly nodes: Node[];
  readonly initializers: Map<string, Tensor>;
}

/**
 * Rewrites the node. Additional nodes and constants are added to `growth`.
 *
 * @throws PushforwardError `op-unsupported` naming the attributes that the rewriting does not know
 */
export function rewriteNode(node: Node, { attributes, inSteps, rewrite }: OperatorRewriting, growth: Growth): Node {
  const others = Object.keys(node.attributes).filter((name) => !attributes.includes(name));
  if (others.length > 0) {
    const [attribute, is] = others.length === 1 ? ["attribute", "is"] : ["attributes", "are"];
    throw new PushforwardError("op-unsupported", {
      what: `The ${attribute} ${others.join(", ")} of ${node.op} ${is} not supported.`,
      where: { node: node.name || node.outputs[0], op: node.op },
      fix: `Export the model without ${others.length === 1 ? "it" : "them"}, or in opset 18.`,
    });
  }
  const before = growth.nodes.length;
  const written = writtenFor(node, () => rewrite(node, rewriteAt(node, attributes, growth, inSteps)));
  const rewritten = growth.nodes.length === before ? written : withoutCopy(written, node, growth.nodes);
  for (let i = before; i < growth.nodes.length; i++) growth.nodes[i] = inScopesOf(node, growth.nodes[i]!);
  const within = inScopesOf(node, rewritten);
  return inSteps && rewritten !== node ? { ...within, step: { of: node.op, isOutput: true } } : within;
}

/** In place of a copy of what the last additional node computes, this node: taps have its operator. */
function withoutCopy(rewritten: Node, old: Node, nodes: Node[]): Node {
  const last = nodes.at(-1);
  const [output = ""] = last?.outputs ?? [];
  const isCopy = rewritten.op === "Identity" && rewritten.inputs[0] === output && !old.outputs.includes(output);
  if (last === undefined || !isCopy || last.outputs.length > 1) return rewritten;
  nodes.pop();
  return { ...last, name: rewritten.name, outputs: rewritten.outputs };
}

function rewriteAt(node: Node, known: readonly string[], growth: Growth, inSteps = false): Rewrite {
  const { opset, taken, nodes, initializers, types, constants, manyRounds } = growth;
  const prefix = node.name || node.outputs[0] || node.op;
  const typeOf = (name: string) => initializers.get(name) ?? types.get(name) ?? constants.get(name);
  const define = (role: string, tensor: Tensor): string => {
    const name = freshName(taken, `${prefix}/${role}`);
    initializers.set(name, tensor);
    return name;
  };
  const push = (op: string, inputs: readonly string[], outputs: readonly string[], attributes: Attributes) => {
    const [name = op] = outputs;
    const step = { of: node.op, isOutput: node.outputs.includes(name) };
    nodes.push({ name, op, domain: "", inputs, outputs, attributes, ...(inSteps ? { step } : {}) });
  };
  return {
    opset,
    manyRounds,
    attributes: readAttributes(node.attributes, known),
    shape: (name) => typeOf(name)?.shape,
    type: typeOf,
    value: (name) => initializers.get(name) ?? constants.get(name),
    constant: (role, tensor) => define(role, { ...tensor, isMade: true }),
    weights: define,
    add(op, inputs, attributes = {}, output = freshName(taken, `${prefix}/${op}`)) {
      push(op, inputs, [output], attributes);
      return output;
    },
    addAll(count, op, inputs, attributes = {}) {
      const outputs = Array.from({ length: count }, () => freshName(taken, `${prefix}/${op}`));
      push(op, inputs, outputs, attributes);
      return outputs;
    },
    inline(graph, inputs) {
      const outputs = graph.outputs.map(({ name }) => freshName(taken, `${prefix}/${name}`));
      const inlined = inline(graph, { ...node, inputs, outputs }, taken, { prefixed: true });
      nodes.push(...inlined.nodes);
      for (const [name, tensor] of inlined.initializers) initializers.set(name, tensor);
      return outputs;
    },
    repeat({ states, sliced, isReverse }, write) {
      const own: Node[] = [];
      const inputs = [...states, ...sliced].map(() => freshName(taken, `${prefix}/round`));
      const given = write(rewriteAt(node, known, { ...growth, nodes: own }, inSteps), inputs);
      const ends = (names: readonly string[]) => names.map((name) => ({ name, type: undefined, shape: undefined }));
      const body = { name: `${prefix}/body`, inputs: ends(inputs), outputs: ends(given), nodes: own };
      const outputs = given.map(() => freshName(taken, `${prefix}/rounds`));
      const whole = withOwnOutputs({ ...body, initializers: new Map() }, taken);
      const made = repetition({ states, sliced, isReverse, outputs, body: whole }, outputs[0]!);
      nodes.push({ ...made, ...(inSteps ? { step: { of: node.op, isOutput: false } } : {}) });
      return outputs;
    },
  };
}

/** The attributes without some of them. */
export function without(attributes: Attributes, ...names: readonly string[]): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => !names.includes(name)));
}

/**
 * A standard node in place of the given one, with other operator, inputs and attributes, but the same name and first
 * output.
 */
export function standard(node: Node, op: string, inputs: readonly string[], attributes: Attributes = {}): Node {
  return { ...node, op, domain: "", inputs, attributes, outputs: node.outputs.slice(0, 1) };
}
