import type { Attributes } from "../onnx/index.ts";
import type { Float64Form } from "./float64/form.ts";
import type { PrimalBuilder, Value } from "./primal.ts";
import type { Rule, ShapedNode } from "./rule.ts";
import type { Weights } from "./weights.ts";

/** To what the values belong that operators keep, by the name that results have for it. */
export const keptFamilies = ["active neurons", "normalizers", "pooling switches", "others"] as const;

/**
 * All that is known of an ONNX operator. Facts that an entry leaves out have the default that their comments name, so that most
 * operators are one line. `test/autodiff/operators.test.ts` compares the facts with what the operator does.
 */
export interface Operator {
  /** Its derivative; a node of an operator without one cannot be differentiated. */
  readonly rule?: Rule;
  /**
   * The attributes that the rule knows: those that it follows, and those that cannot change the derivative (a seed, the precision of
   * a stash). It can read no others, and a node that has another one is refused, but where the derivative is zero whatever they are.
   * None if left out.
   */
  readonly attributes?: readonly string[];
  /** Where its derivative jumps: at neurons, or in windows of which several entries share the extreme. Nowhere if left out. */
  readonly kinks?: "neurons" | "windows";
  /**
   * The last output, where its value jumps at equal numbers, written so that numbers within rounding of each other count as equal.
   * Kinks are recorded. `undefined` for a node that does not jump.
   */
  readonly settle?: (primal: PrimalBuilder, inputs: readonly Value[], node: SettledNode) => Value | undefined;
  /** To what the values belong that it keeps. It keeps none that depend on the point if left out. */
  readonly keeps?: (typeof keptFamilies)[number];
  /** The multiply-adds of a product with its derivative by one of its first two inputs. Elementwise operations do not count: 0. */
  readonly multiplyAdds?: (node: ShapedNode) => number;
  /**
   * How the pass in float64 computes it. ONNX Runtime has a `kernel` (if left out), or one that gives the `first output` in float64
   * and the others in float32, or it has `none`, and the node runs in float32 between casts. Of a repetition the nodes `inside` are computed
   * in float64. A function writes the node with other operators.
   */
  readonly float64?: "kernel" | "first output" | "none" | "inside" | Float64Form;
  /** How it multiplies by weights. */
  readonly weights?: Weights;
  /** Whether it only moves, copies or converts the entries of its first input. Its output is then no tap. */
  readonly rearranges?: true;
  /** How the names of its taps begin, as in the literature; its own name in lower case if left out. */
  readonly tapName?: string;
}

/** A node whose first input holds floats, and the values of its outputs as the node itself computes them. */
export interface SettledNode {
  readonly attributes: Attributes;
  readonly outputs: readonly Value[];
}

export type Operators = Readonly<Record<string, Operator>>;
