import { int } from "../build.ts";
import type { Node } from "../model.ts";
import { type OperatorRewriting, type Rewrite, standard } from "../rewrite.ts";
import { type Writer, writerOf } from "./writer.ts";

/**
 * −Σ w · x at the target's class, where the weight w of a place is that of its class, and 0 for a target that is ignored. The mean
 * divides by the sum of the weights.
 *
 * @param x the logarithms of probabilities [N, C, …]
 */
function negativeLogLikelihood(node: Node, to: Rewrite, write: Writer, x: string): Node {
  const [, target = "", weight = ""] = node.inputs;
  const shape = to.shape(node.inputs[0] ?? "")!;
  const places = shape.slice(2).map(() => 1);
  const [classes] = shape.slice(1) as [number];
  const column = [classes, ...places];
  const wide = write.op("Unsqueeze", [write.op("Cast", [target], { to: int(INT64) }), write.ints([1])]);
  const numbers = write.ints([...Array(classes).keys()], column);
  const isClass = write.op("Equal", [wide, numbers]);
  const ignored = to.attributes.has("ignore_index") ? write.ints([to.attributes.int("ignore_index", -1)]) : undefined;
  const counts =
    ignored === undefined ? isClass : write.op("And", [isClass, write.op("Not", [write.op("Equal", [wide, ignored])])]);
  const zero = write.number(0);
  const weights = weight === "" ? write.number(1) : write.reshape(weight, column);
  const axes = [0, ...places.map((_, i) => i + 1)];
  const reduction = to.attributes.text("reduction", "mean");
  let shares = write.op("Where", [counts, weights, zero]);
  // Shares of the whole, and not sums that are divided at the end, whose derivatives nearly cancel.
  if (reduction === "mean") shares = write.div(shares, write.sum(shares, [0, ...axes.map((axis) => axis + 1)], true));
  const taken = write.op("Where", [counts, write.mul(x, shares), zero]);
  const losses = write.op("Neg", [write.sum(taken, [1])]);
  if (reduction === "none") return standard(node, "Identity", [losses]);
  return standard(node, "ReduceSum", [losses, write.ints(axes)], { keepdims: int(0) });
}

const INT64 = 7;
const ATTRIBUTES = ["ignore_index", "reduction"];

/** The losses of classifiers. */
export const loss: Readonly<Record<string, OperatorRewriting>> = {
  NegativeLogLikelihoodLoss: {
    attributes: ATTRIBUTES,
    looksAt: [0],
    rewrite: (node, to) => negativeLogLikelihood(node, to, writerOf(to), node.inputs[0] ?? ""),
  },
  SoftmaxCrossEntropyLoss: {
    attributes: ATTRIBUTES,
    looksAt: [0],
    rewrite: (node, to) => {
      const write = writerOf(to);
      const logs = write.op("LogSoftmax", [node.inputs[0] ?? ""], { axis: int(1) }, node.outputs[1] || undefined);
      return negativeLogLikelihood(node, to, write, logs);
    },
  },
};
