import { floatTensor, int, intTensor } from "../build.ts";
import type { Node } from "../model.ts";
import { type OperatorRewriting, type Rewrite, standard } from "../rewrite.ts";
import { bothScores, classLabels, largestOf, nameLabels, rowsOf, scoresOf, transformed, vector } from "./classes.ts";
import { coupled } from "./coupling.ts";
import { scalar } from "./parts.ts";

const KERNEL = ["kernel_type", "kernel_params", "coefficients", "support_vectors", "rho", "post_transform"] as const;

/** A matrix of weights, with one row of the list in each column. */
function columns(to: Rewrite, role: string, list: readonly number[], count: number): string {
  const extent = list.length / count;
  const data = Float32Array.from(list, (_, i) => list[(i % count) * extent + Math.floor(i / count)]!);
  return to.weights(role, floatTensor([extent, count], data));
}

/** The kernel between each row of x and each of `count` vectors. */
function kernel(to: Rewrite, x: string, vectors: readonly number[], count: number, type: string): string {
  const [gamma = 0, shift = 0, degree = 3] = to.attributes.floats("kernel_params") ?? [];
  const products = to.add("MatMul", [x, columns(to, "vectors", vectors, count)]);
  const scaled = () => to.add("Mul", [products, scalar(to, "gamma", gamma)]);
  const shifted = () => to.add("Add", [scaled(), scalar(to, "shift", shift)]);
  switch (type) {
    case "POLY":
      return to.add("Pow", [shifted(), scalar(to, "degree", degree)]);
    case "SIGMOID":
      return to.add("Tanh", [shifted()]);
    case "RBF":
      return to.add("Exp", [to.add("Mul", [squaredDistances(to, x, vectors, count), scalar(to, "gamma", -gamma)])]);
    default:
      return products;
  }
}

/** |x − v|², from the differences themselves, which loses no digits near a vector. */
function squaredDistances(to: Rewrite, x: string, vectors: readonly number[], count: number): string {
  const points = to.weights("points", floatTensor([count, vectors.length / count], vectors));
  const apart = to.add("Sub", [to.add("Unsqueeze", [x, to.constant("axis", intTensor([1]))]), points]);
  return to.add("ReduceSumSquare", [apart, to.constant("axes", intTensor([-1]))], { keepdims: int(0) });
}

/** Σ coefficient · K(x, vector) + ρ, or, without support vectors, the product with the coefficients. */
const regressor: OperatorRewriting = {
  attributes: [...KERNEL, "n_supports", "one_class"],
  looksAt: [0],
  rewrite(node, to) {
    const read = to.attributes;
    const x = rowsOf(node, to);
    const coefficients = read.floats("coefficients") ?? [];
    const count = read.int("n_supports", 0);
    const values =
      count > 0 ? kernel(to, x, read.floats("support_vectors") ?? [], count, read.text("kernel_type", "LINEAR")) : x;
    const sum = to.add("MatMul", [
      values,
      to.weights("coefficients", floatTensor([coefficients.length, 1], coefficients)),
    ]);
    const total = to.add("Add", [sum, scalar(to, "rho", read.floats("rho")?.[0] ?? 0)]);
    if (read.int("one_class", 0) === 0) return standard(node, "Identity", [total]);
    const isInside = to.add("Greater", [total, scalar(to, "zero", 0)]);
    return standard(node, "Where", [isInside, scalar(to, "inside", 1), scalar(to, "outside", -1)]);
  },
};

/** The decisions between each two classes, in the order 0–1, 0–2, …, 1–2, …, as one matrix product with the kernels. */
function decisions(
  to: Rewrite,
  x: string,
  perClass: readonly number[],
  pairs: readonly (readonly [number, number])[],
): string {
  const read = to.attributes;
  const vectors = read.floats("support_vectors") ?? [];
  const count = perClass.reduce((sum, one) => sum + one, 0);
  const classOf = perClass.flatMap((own, i) => new Array<number>(own).fill(i));
  const coefficients = read.floats("coefficients") ?? [];
  const weights = Float32Array.from({ length: count * pairs.length }, (_, place) => {
    const [vectorAt, pair] = [Math.floor(place / pairs.length), pairs[place % pairs.length]!];
    const [i, j] = pair;
    const own = classOf[vectorAt]!;
    if (own !== i && own !== j) return 0;
    return coefficients[(own === i ? j - 1 : i) * count + vectorAt]!;
  });
  const kernels = kernel(to, x, vectors, count, read.text("kernel_type", "LINEAR"));
  const sums = to.add("MatMul", [kernels, to.weights("coefficients", floatTensor([count, pairs.length], weights))]);
  return to.add("Add", [sums, vector(to, "rho", read.floats("rho") ?? [0])]);
}

/** How many decisions each class wins, [rows, classes]. */
function votes(to: Rewrite, scores: string, classes: number, pairs: readonly (readonly [number, number])[]): string {
  const wins = to.add("Cast", [to.add("Greater", [scores, scalar(to, "zero", 0)])], { to: int(1) });
  const losses = to.add("Sub", [scalar(to, "one", 1), wins]);
  const matrix = (of: 0 | 1) =>
    floatTensor(
      [pairs.length, classes],
      Float32Array.from({ length: pairs.length * classes }, (_, place) =>
        pairs[Math.floor(place / classes)]![of] === place % classes ? 1 : 0,
      ),
    );
  const ofWins = to.add("MatMul", [wins, to.constant("first", matrix(0))]);
  return to.add("Add", [ofWins, to.add("MatMul", [losses, to.constant("second", matrix(1))])]);
}

/** One classifier for each class, without support vectors. */
function linear(node: Node, to: Rewrite): Node {
  const read = to.attributes;
  const coefficients = read.floats("coefficients") ?? [];
  const rows = classLabels(to, 1).data.length;
  const sums = to.add("MatMul", [rowsOf(node, to), columns(to, "coefficients", coefficients, rows)]);
  const scores = to.add("Add", [sums, scalar(to, "rho", read.floats("rho")?.[0] ?? 0)]);
  nameLabels(node, to, classLabels(to, rows), largestOf(to, scores));
  return transformed(scoresOf(node), to, scores, rows, read.text("post_transform", "NONE"));
}

/** The probability of the first of each two classes, 1 / (1 + exp(a · score + b)), kept away from 0 and 1 as ONNX Runtime does. */
function probabilities(to: Rewrite, scores: string): string {
  const [a, b] = ["prob_a", "prob_b"].map((name) => vector(to, name, to.attributes.floats(name) ?? [0]));
  const place = to.add("Neg", [to.add("Add", [to.add("Mul", [scores, a!]), b!])]);
  const bounds = [1e-7, 1 - 1e-7].map((bound) => scalar(to, "bound", bound));
  return to.add("Clip", [to.add("Sigmoid", [place]), ...bounds]);
}

/** Decisions between each two classes, or, with their parameters (prob_a, prob_b), the probabilities of the classes. */
const classifier: OperatorRewriting = {
  attributes: [...KERNEL, "classlabels_ints", "classlabels_strings", "prob_a", "prob_b", "vectors_per_class"],
  looksAt: [0],
  rewrite(node, to) {
    const read = to.attributes;
    const perClass = read.ints("vectors_per_class") ?? [];
    const transform = read.text("post_transform", "NONE");
    if (transform === "PROBIT") return node;
    if (perClass.length === 0) return linear(node, to);
    const classes = perClass.length;
    const pairs = perClass.flatMap((_, i) => perClass.slice(i + 1).map((__, k) => [i, i + 1 + k] as const));
    const [input = ""] = node.inputs;
    const shape = to.shape(input);
    const scores = decisions(to, rowsOf(node, to), perClass, pairs);
    nameLabels(node, to, classLabels(to, classes), largestOf(to, votes(to, scores, classes, pairs)));
    if ((read.floats("prob_a") ?? []).length > 0) {
      const all = coupled(to, probabilities(to, scores), shape?.length === 2 ? shape[0]! : 1, classes);
      return transformed(scoresOf(node), to, all, classes, transform);
    }
    if (classes > 2) return transformed(scoresOf(node), to, scores, pairs.length, transform);
    const score = transform === "LOGISTIC" ? to.add("Sigmoid", [scores]) : scores;
    return bothScores(scoresOf(node), to, score, transform === "NONE");
  },
};

/** Machines of support vectors. */
export const supportVectors: Readonly<Record<string, OperatorRewriting>> = {
  "ai.onnx.ml:SVMClassifier": classifier,
  "ai.onnx.ml:SVMRegressor": regressor,
};
