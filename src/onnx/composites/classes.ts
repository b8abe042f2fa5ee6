import { castTo, floatTensor, int, intTensor } from "../build.ts";
import type { Node, Tensor } from "../model.ts";
import { type Rewrite, standard } from "../rewrite.ts";
import { scalar } from "./parts.ts";

/** The first input as rows of floats: a vector becomes one row. */
export function rowsOf(node: Node, to: Rewrite): string {
  const [input = ""] = node.inputs;
  const x = floatsOf(input, to);
  return to.shape(input)?.length === 1 ? to.add("Reshape", [x, to.constant("row", intTensor([1, -1]))]) : x;
}

/** A tensor of numbers as floats. */
export function floatsOf(name: string, to: Rewrite): string {
  const type = to.type(name)?.type;
  return type === undefined || type === "float32" ? name : to.add("Cast", [name], castTo("float32"));
}

/** A constant vector, or a number if it has one entry. */
export const vector = (to: Rewrite, role: string, values: readonly number[]): string =>
  to.constant(role, values.length === 1 ? floatTensor([], values) : floatTensor([values.length], values));

/**
 * What is made of scores at last, in each row. ONNX Runtime leaves rows of one score as they are, but for PROBIT.
 *
 * @see ONNX Runtime, core/providers/cpu/ml/ml_common.h
 */
export function transformed(node: Node, to: Rewrite, scores: string, columns: number, transform: string): Node {
  if (transform === "PROBIT") return probit(node, to, scores);
  if (columns === 1) return standard(node, "Identity", [scores]);
  if (transform === "LOGISTIC") return standard(node, "Sigmoid", [scores]);
  if (transform === "SOFTMAX") return standard(node, "Softmax", [scores], { axis: int(-1) });
  if (transform === "SOFTMAX_ZERO") return softmaxWithoutZeros(node, to, scores);
  return standard(node, "Identity", [scores]);
}

/** Softmax over the scores that are not 0; those that are stay. */
function softmaxWithoutZeros(node: Node, to: Rewrite, scores: string): Node {
  const axes = to.constant("axes", intTensor([-1]));
  const largest = to.add("ReduceMax", [scores, axes], { keepdims: int(1) });
  const counts = to.add("Greater", [to.add("Abs", [scores]), scalar(to, "least", 1e-7)]);
  const powers = to.add("Exp", [to.add("Sub", [scores, largest])]);
  const total = to.add("ReduceSum", [to.add("Where", [counts, powers, scalar(to, "none", 0)]), axes], {
    keepdims: int(1),
  });
  const rest = to.add("Mul", [scores, to.add("Exp", [to.add("Neg", [largest])])]);
  return standard(node, "Div", [to.add("Where", [counts, powers, rest]), total]);
}

/** The quantile of a normal distribution, √2 · erf⁻¹(2x − 1), by the approximation of ONNX Runtime (Winitzki 2008). */
function probit(node: Node, to: Rewrite, x: string): Node {
  const A = 0.147;
  const place = to.add("Sub", [to.add("Mul", [x, scalar(to, "two", 2)]), scalar(to, "one", 1)]);
  const logarithm = to.add("Log", [to.add("Sub", [scalar(to, "one", 1), to.add("Mul", [place, place])])]);
  const half = to.add("Mul", [logarithm, scalar(to, "half", 0.5)]);
  const v = to.add("Add", [half, scalar(to, "offset", 2 / (Math.PI * A))]);
  const under = to.add("Sub", [to.add("Mul", [v, v]), to.add("Mul", [logarithm, scalar(to, "inverse", 1 / A)])]);
  const size = to.add("Sqrt", [to.add("Sub", [to.add("Sqrt", [under]), v])]);
  const signed = to.add("Mul", [to.add("Sign", [place]), size]);
  return standard(node, "Mul", [signed, scalar(to, "root", Math.SQRT2)]);
}

/** Numbers or texts of classes; their places if there are none. */
export function classLabels(to: Rewrite, count: number): Tensor {
  const numbers = to.attributes.ints("classlabels_ints");
  const texts = to.attributes.strings("classlabels_strings");
  if (texts !== undefined && texts.length > 0) return { type: "string", shape: [texts.length], data: texts };
  return intTensor(numbers !== undefined && numbers.length > 0 ? numbers : Array.from({ length: count }, (_, i) => i));
}

/** Names the label of each row as the first output of the node. `places` is int64 [rows]. */
export function nameLabels(node: Node, to: Rewrite, labels: Tensor, places: string): void {
  if (node.outputs[0]) to.add("Gather", [to.constant("labels", labels), places], { axis: int(0) }, node.outputs[0]);
}

/** The node of the scores, which are the second output. */
export const scoresOf = (node: Node): Node => ({ ...node, outputs: node.outputs.slice(1) });

/** The places of the largest scores. */
export const largestOf = (to: Rewrite, scores: string): string =>
  to.add("ArgMax", [scores], { axis: int(1), keepdims: int(0) });

/** The place of a row of one score: 1 where it is positive. */
export function signOf(to: Rewrite, score: string): string {
  const isPositive = to.add("Greater", [score, scalar(to, "zero", 0)]);
  return to.add("Reshape", [to.add("Cast", [isPositive], castTo("int64")), to.constant("flat", intTensor([-1]))]);
}

/** Both scores of two classes, from that of the second: together 0 for signed ones, else together 1. */
export function bothScores(node: Node, to: Rewrite, score: string, signed: boolean): Node {
  const other = signed ? to.add("Neg", [score]) : to.add("Sub", [scalar(to, "one", 1), score]);
  return standard(node, "Concat", [other, score], { axis: int(1) });
}
