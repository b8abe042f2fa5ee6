import type { Shape } from "../base/index.ts";
import { type Model, type Node, type readAttributes, toNumbers } from "../onnx/index.ts";
import type { ProgramBuilder } from "./builder.ts";
import type { PrimalBuilder, Value } from "./primal.ts";
import type { LinearBuilder, Tangent } from "./program.ts";

/** The attributes of a node, and the shapes of its inputs and outputs. */
export interface ShapedNode {
  readonly attributes: ReturnType<typeof readAttributes>;
  readonly inputs: readonly { readonly shape: Shape }[];
  readonly outputs: readonly { readonly shape: Shape }[];
}

/** A node of the model, as it is given to its rule. */
export interface RuleNode extends ShapedNode {
  readonly op: string;
  readonly node: Node;
  /**
   * An optional input that is missing or empty is `undefined`; read it with `optional`. Behind the inputs stand the tensors around the node
   * that graphs inside it read.
   */
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  optional(i: number): Value | undefined;
  /** Whether input i has a tangent. Values should be kept only for inputs that have one. */
  varies(i: number): boolean;
  /**
   * Applies the rules of the nodes in a graph inside it, which is given as a model.
   *
   * @throws Error with the reason if the graph cannot be differentiated between these tensors
   */
  inside(model: Model, ends: { readonly sources: readonly string[]; readonly targets: readonly string[] }): Inside;
}

/** What the rules of the nodes in a graph inside a node record. */
export interface Inside {
  readonly l: ProgramBuilder;
  readonly primal: PrimalBuilder;
  /** How the names begin of the tensors that `primal` adds. */
  readonly prefix: string;
  readonly tangents: ReadonlyMap<string, Tangent>;
  /** The nodes of the graph in which numbers within rounding of each other count as equal. */
  readonly settled: { readonly nodes: readonly Node[]; readonly helpers: PrimalBuilder };
}

/** Maps the tangents of a node's inputs (`undefined` for inputs that do not vary) to those of its outputs. */
export type LinearMap = (l: LinearBuilder, ...tangents: readonly Tangent[]) => Tangent | readonly Tangent[];

/**
 * The derivative of one ONNX operator. A rule keeps the values that it needs from the primal pass, and returns a map that records
 * only linear operations. The transpose is derived from these.
 */
export type Rule = (node: RuleNode, primal: PrimalBuilder) => LinearMap;

/** The rule of an operator with a derivative of zero (comparisons, rounding, shapes). */
export const constant: Rule = () => () => undefined;

/** The rule of an operator that changes only the shape of its first input; the entries stay in the same order. */
export const reshaped: Rule =
  ({ outputs: [y] }) =>
  (l, dx) =>
    l.reshape(dx, y!.shape);

/** The rule of an elementwise function of one input: dy = f′ ∘ dx, where the primal pass computes f′ from x and y. */
export const diagonal =
  (derivative: (primal: PrimalBuilder, x: Value, y: Value, node: RuleNode) => Value): Rule =>
  (node, primal) => {
    const slope = primal.keep(derivative(primal, node.inputs[0]!, node.outputs[0]!, node));
    return (l, dx) => l.scale(slope, dx);
  };

/** An axis counted from the right: −1 is last. */
export const fromRight = (axis: number, shape: Shape) => (axis < 0 ? axis : axis - shape.length);

/** The numbers of an input that determines a shape. They must be the same at every input of the model. */
export function steering(node: RuleNode, i: number): number[] | undefined {
  const value = node.optional(i);
  if (value === undefined) return undefined;
  if (value.constant === undefined) throw new Error(`input ${i} of ${node.op} must not depend on the network's input`);
  return toNumbers(value.constant);
}
