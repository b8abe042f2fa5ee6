import { freshWord, int, type Model, type Node, node } from "../onnx/index.ts";
import { operatorOf } from "./operators/index.ts";
import { isOfDerivative, type Kink, PREFIXES, PrimalBuilder, type Value } from "./primal.ts";
import type { Operand } from "./program.ts";

/**
 * The nodes of a model, in which nodes that compare floats are rewritten so that numbers within the tolerance count as equal,
 * and the helper values of the new nodes, whose names begin with `prefix`. Kinks are recorded for nodes that depend on a source.
 */
export function settleComparisons(
  nodes: readonly Node[],
  { onnx: { graph }, values }: Model,
  moves: (node: Node) => boolean,
  prefix = freshWord(graph, PREFIXES.comparisons),
): { readonly nodes: readonly Node[]; readonly helpers: PrimalBuilder } {
  const helpers = new PrimalBuilder(prefix);
  const all = nodes.flatMap((one) => {
    const settle = operatorOf(one)?.settle;
    if (settle === undefined || values.get(one.inputs[0]!)?.type !== "float32") return [one];
    // The comparisons of a derivative have their tolerance already, and say nothing of the network.
    if (isOfDerivative(one.outputs.at(-1)!)) return [one];
    const lookUp = (name: string): Value => ({ name, ...values.get(name)!, constant: graph.initializers.get(name) });
    const [before, kinksBefore] = [helpers.nodes.length, helpers.kinks.length];
    helpers.owner = one.outputs[0];
    const { name, attributes, outputs } = one;
    const result = settle(helpers, one.inputs.map(lookUp), { attributes, outputs: outputs.map(lookUp) });
    if (result === undefined) return [one];
    // If the last output is not the only one, the rule records the kinks.
    if (outputs.length > 1 || !moves(one)) helpers.kinks.length = kinksBefore;
    const copy = node({ op: "Identity", inputs: [result.name], outputs: outputs.slice(-1), name });
    const unread = `${result.name}/unsettled`;
    const itself =
      outputs.length > 1 ? [{ ...one, name: `${name}/values`, outputs: [...outputs.slice(0, -1), unread] }] : [];
    return [...itself, ...helpers.nodes.slice(before), copy];
  });
  return { nodes: all, helpers };
}

/** The output of a primal graph that counts kinks. */
export interface KinkCounts {
  /** The name of the output with the counts: int64, one for each entry of `of`. */
  readonly counts: Operand;
  readonly of: readonly Pick<Kink, "of" | "kind">[];
}

/** Counts the kinks of each node; `undefined` if no node can have any. */
export function countKinks(primal: PrimalBuilder, kinks: readonly Kink[]): KinkCounts | undefined {
  if (kinks.length === 0) return undefined;
  const numbers = kinks.map(({ at }) => primal.reshape(primal.total(primal.cast(at, "int64")), [1]));
  const counts = primal.op("Concat", numbers, [numbers.length], { axis: int(0) }, "int64");
  return { counts, of: kinks.map(({ of, kind }) => ({ of, kind })) };
}
