import type { Shape } from "../base/index.ts";
import { type readAttributes, toNumbers } from "../onnx/index.ts";
import type { PrimalBuilder, Value } from "./primal.ts";
import type { LinearBuilder, Tangent } from "./program.ts";

/** A node of the model as its rule sees it. */
export interface RuleNode {
  readonly op: string;
  /** A trailing or empty optional input is absent: read those with `optional`. */
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attributes: ReturnType<typeof readAttributes>;
  optional(i: number): Value | undefined;
  /** Whether input i has a tangent: only then is anything about it worth keeping. */
  varies(i: number): boolean;
}

/** Maps the tangents of a node's inputs (absent where they do not vary) to those of its outputs. */
type LinearMap = (l: LinearBuilder, ...tangents: readonly Tangent[]) => Tangent | readonly Tangent[];

/**
 * The derivative of one ONNX operator: keeps what it needs of the primal pass, and returns a map made of linear operations
 * only. The transpose is derived from those.
 */
export type Rule = (node: RuleNode, primal: PrimalBuilder) => LinearMap;

export type Rules = Readonly<Record<string, Rule>>;

/** An operator whose outputs do not move with its inputs (comparisons, rounding, shapes). */
export const constant: Rule = () => () => undefined;

/** A reinterpretation of the entries of its first input in the same order. */
export const reshaped: Rule =
  ({ outputs: [y] }) =>
  (l, dx) =>
    l.reshape(dx, y!.shape);

/** An elementwise function of one input: dy = f′ ∘ dx, f′ computed in the primal pass from x and y. */
export const diagonal =
  (derivative: (primal: PrimalBuilder, x: Value, y: Value, node: RuleNode) => Value): Rule =>
  (node, primal) => {
    const slope = primal.keep(derivative(primal, node.inputs[0]!, node.outputs[0]!, node));
    return (l, dx) => l.scale(slope, dx);
  };

/** An axis counted from the right: −1 is last. */
export const fromRight = (axis: number, shape: Shape) => (axis < 0 ? axis : axis - shape.length);

/** Numbers of a constant input; they steer the shape, so they must be the same at every input. */
export function steering(node: RuleNode, i: number): number[] | undefined {
  const value = node.optional(i);
  if (value === undefined) return undefined;
  if (value.constant === undefined) throw new Error(`input ${i} of ${node.op} must not depend on the network's input`);
  return toNumbers(value.constant);
}
