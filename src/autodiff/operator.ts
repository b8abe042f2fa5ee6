import type { Rule, ShapedNode } from "./rule.ts";

/** To what the values belong that operators keep, by the name that results have for it. */
export const keptFamilies = ["active neurons", "normalizers", "pooling switches", "others"] as const;

/**
 * All that is known of an ONNX operator. Facts that an entry leaves out have the default that their comments name, so that most
 * operators are one line. `test/autodiff/operators.test.ts` compares the facts with what the operator does.
 */
export interface Operator {
  readonly rule: Rule;
  /**
   * The attributes that the rule knows: those that it follows, and those that cannot change the derivative (a seed, the precision of
   * a stash). It can read no others, and a node that has another one is refused. None if left out.
   */
  readonly attributes?: readonly string[];
  /** Where its derivative jumps: at neurons, or in windows of which several entries share the extreme. Nowhere if left out. */
  readonly kinks?: "neurons" | "windows";
  /** To what the values belong that it keeps. It keeps none that depend on the point if left out. */
  readonly keeps?: (typeof keptFamilies)[number];
  /** The multiply-adds of a product with its derivative by one of its first two inputs. Elementwise operations do not count: 0. */
  readonly multiplyAdds?: (node: ShapedNode) => number;
  /** Whether it only moves, copies or converts the entries of its first input. Its output is then no tap. */
  readonly rearranges?: true;
  /** How the names of its taps begin, as in the literature; its own name in lower case if left out. */
  readonly tapName?: string;
}

export type Operators = Readonly<Record<string, Operator>>;
