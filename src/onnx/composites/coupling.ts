import { castTo, filled, floatTensor, int, ints, intTensor } from "../build.ts";
import type { Attributes, Graph, Node } from "../model.ts";
import type { Rewrite } from "../rewrite.ts";
import { reshape, scalar } from "./parts.ts";

/** The most rounds, and the error that ends them, times the number of classes. */
const ROUNDS = 100;
const ERROR = 0.005;

/**
 * The probabilities of classes [rows, classes] from those of the first of each two classes [rows, pairs], in the order 0–1, 0–2, …, 1–2, ….
 * They are the p that minimizes pᵀQp with Σp = 1, as far as an iteration gets that ends early: a Loop.
 *
 * @see Wu, Lin and Weng 2004, "Probability estimates for multi-class classification by pairwise coupling", algorithm 2
 */
export function coupled(to: Rewrite, ofPairs: string, rows: number, classes: number): string {
  const matrix = quadraticForm(to, ofPairs, rows, classes);
  const start = to.constant("start", filled([rows, classes], 1 / classes));
  const rounds = to.constant("rounds", intTensor([ROUNDS], []));
  return to.add("Loop", [rounds, "", start], { body: { kind: "graph", value: roundOf(to, matrix, classes) } });
}

/** Q [rows, classes, classes]: the sums of rⱼᵢ² over j on the diagonal, and −rⱼᵢrᵢⱼ elsewhere. */
function quadraticForm(to: Rewrite, ofPairs: string, rows: number, classes: number): string {
  const size = classes ** 2;
  const pairs = (classes * (classes - 1)) / 2;
  const [spread, others] = [new Float32Array(pairs * size), new Float32Array(size)];
  for (let i = 0, pair = 0; i < classes; i++) {
    for (let j = i + 1; j < classes; j++, pair++) {
      spread[pair * size + i * classes + j] = 1;
      spread[pair * size + j * classes + i] = -1;
      others[j * classes + i] = 1;
    }
  }
  const ofFirst = to.add("MatMul", [ofPairs, to.constant("spread", floatTensor([pairs, size], spread))]);
  const all = to.add("Add", [ofFirst, to.constant("others", floatTensor([size], others))]);
  const r = reshape(to, all, [rows, classes, classes]);
  const turned = to.add("Transpose", [r], { perm: ints([0, 2, 1]) });
  const axis = to.constant("axis", intTensor([2]));
  const sums = to.add("ReduceSum", [to.add("Mul", [turned, turned]), axis], { keepdims: int(1) });
  const unit = Float32Array.from({ length: size }, (_, at) => (at % (classes + 1) === 0 ? 1 : 0));
  const diagonal = to.add("Mul", [sums, to.constant("unit", floatTensor([classes, classes], unit))]);
  return to.add("Sub", [diagonal, to.add("Mul", [turned, r])]);
}

/** One round for the rows whose error is not small yet. It goes on as long as there was such a row. */
function roundOf(to: Rewrite, matrix: string, classes: number): Graph {
  const limit = scalar(to, "limit", ERROR / classes);
  const [one, two] = [scalar(to, "one", 1), scalar(to, "two", 2)];
  const [last, middle] = [to.constant("last", intTensor([-1])), to.constant("column", intTensor([2]))];
  const prefix = `${limit}/round`;
  const nodes: Node[] = [];
  const add = (op: string, inputs: readonly string[], attributes: Attributes = {}): string => {
    const name = `${prefix}/${op}${nodes.length}`;
    nodes.push({ name, op, domain: "", inputs, outputs: [name], attributes });
    return name;
  };
  const kept = { keepdims: int(1) };
  const start = `${prefix}/p`;
  const product = add("Squeeze", [add("MatMul", [matrix, add("Unsqueeze", [start, middle])]), middle]);
  const value = add("ReduceSum", [add("Mul", [start, product]), last], kept);
  const error = add("ReduceMax", [add("Abs", [add("Sub", [product, value])]), last], kept);
  const isOpen = add("GreaterOrEqual", [error, limit]);
  let [p, qp, pqp] = [start, product, value];
  for (let i = 0; i < classes; i++) {
    const place = to.constant("place", intTensor([i]));
    const row = add("Squeeze", [add("Gather", [matrix, place], { axis: int(1) }), to.constant("row", intTensor([1]))]);
    const own = add("Gather", [row, place], { axis: int(1) });
    const ofOwn = add("Gather", [qp, place], { axis: int(1) });
    const change = add("Div", [add("Sub", [pqp, ofOwn]), own]);
    const scale = add("Add", [change, one]);
    const unit = Float32Array.from({ length: classes }, (_, at) => (at === i ? 1 : 0));
    const moved = add("Add", [p, add("Mul", [change, to.constant("unit", floatTensor([classes], unit))])]);
    const grown = add("Mul", [change, add("Add", [add("Mul", [change, own]), add("Mul", [ofOwn, two])])]);
    pqp = add("Div", [add("Add", [pqp, grown]), add("Mul", [scale, scale])]);
    qp = add("Div", [add("Add", [qp, add("Mul", [change, row])]), scale]);
    p = add("Div", [moved, scale]);
  }
  const next = add("Where", [isOpen, p, start]);
  const anyOpen = add("ReduceMax", [add("Cast", [isOpen], castTo("int32"))], { keepdims: int(0) });
  const goesOn = add("Cast", [anyOpen], castTo("bool"));
  return {
    name: "round",
    inputs: [
      { name: `${prefix}/number`, type: "int64", shape: [] },
      { name: `${prefix}/goes`, type: "bool", shape: [] },
      { name: start, type: "float32", shape: undefined },
    ],
    outputs: [
      { name: goesOn, type: "bool", shape: [] },
      { name: next, type: "float32", shape: undefined },
    ],
    nodes,
    initializers: new Map(),
  };
}
