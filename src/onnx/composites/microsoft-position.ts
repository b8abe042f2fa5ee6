import { int, intTensor, toNumbers } from "../build.ts";
import type { Node } from "../model.ts";
import { type OperatorRewriting, type Rewrite, standard } from "../rewrite.ts";
import { toHeads } from "./attend.ts";
import { refuse } from "./microsoft-attention.ts";
import { reshape, scalar, slice } from "./parts.ts";

/**
 * The bucket of a distance: each small one has its own, and large ones share more and more, up to the largest.
 *
 * @see Raffel et al. 2020, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer", sec. 2.1
 */
function bucketOf(distance: number, all: number, most: number, isBidirectional: boolean): number {
  const count = isBidirectional ? all / 2 : all;
  const start = isBidirectional && distance > 0 ? count : 0;
  const size = Math.abs(distance);
  const exact = Math.floor(count / 2);
  if (size < exact) return start + size;
  const [log, whole] = [size / exact, most / exact].map((ratio) => Math.fround(Math.log(ratio))) as [number, number];
  return start + Math.min(exact + Math.trunc(Math.fround(log / whole) * (count - exact)), count - 1);
}

/** A number of a table for each query and key, by the distance between them. The table is stored head by head, whatever its shape says. */
function relativePositionBias(node: Node, to: Rewrite): Node {
  const [table = "", queries = ""] = node.inputs;
  const [shape, count] = [to.shape(table), to.value(queries)];
  if (shape === undefined || count === undefined) return node;
  const [buckets = 1, heads = 1] = shape;
  const [length = 1] = toNumbers(count);
  const [most, isBidirectional] = [
    to.attributes.int("max_distance", 128),
    to.attributes.int("is_bidirectional", 0) !== 0,
  ];
  const places = Array.from({ length: length * length }, (_, at) =>
    bucketOf((at % length) - Math.floor(at / length), buckets, most, isBidirectional),
  );
  const byHead = reshape(to, table, [1, heads, buckets]);
  return standard(node, "Gather", [byHead, to.constant("buckets", intTensor(places, [length, length]))], {
    axis: int(2),
  });
}

/** A bias of positions, times a gate that follows from the queries. */
function gatedRelativePositionBias(node: Node, to: Rewrite): Node {
  const [q = "", ownBias = "", positions = "", weight = "", bias = "", factor = "", offsets = ""] = node.inputs;
  const [shape, wShape] = [to.shape(q), to.shape(weight)];
  if (shape === undefined || wShape === undefined) return node;
  if (offsets !== "") throw refuse(node, "A packed input");
  const heads = to.attributes.int("num_heads", 1);
  const [batch = 1, length = 1, width = 1] = shape;
  const queries = toHeads(to, to.add("Add", [q, ownBias]), [batch, length, width], heads);
  const linear = to.add("Add", [to.add("MatMul", [queries, weight]), bias]);
  const halves = reshape(to, linear, [batch, heads, length, 2, wShape[1]! / 2]);
  const sums = to.add("ReduceSum", [halves, to.constant("last", intTensor([-1]))], { keepdims: int(0) });
  const gates = to.add("Sigmoid", [sums]);
  const [update, reset] = [slice(to, gates, 0, 1), slice(to, gates, 1, 2)];
  const inner = to.add("Sub", [to.add("Mul", [reset, factor]), scalar(to, "one", 1)]);
  const gate = to.add("Add", [to.add("Mul", [update, inner]), scalar(to, "two", 2)]);
  return standard(node, "Mul", [gate, positions]);
}

/** Biases of attention by positions. */
export const microsoftPosition: Readonly<Record<string, OperatorRewriting>> = {
  "com.microsoft:GatedRelativePositionBias": {
    attributes: ["num_heads"],
    looksAt: [0, 3],
    rewrite: gatedRelativePositionBias,
  },
  "com.microsoft:RelativePositionBias": {
    attributes: ["is_bidirectional", "max_distance"],
    looksAt: [0, 1],
    rewrite: relativePositionBias,
  },
};
