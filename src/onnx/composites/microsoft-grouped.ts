import { int, intTensor, toNumbers } from "../build.ts";
import type { Node } from "../model.ts";
import { type OperatorRewriting, type Rewrite, standard } from "../rewrite.ts";
import {
  type AttentionSizes,
  attend,
  biasOf,
  defaultScale,
  fromHeads,
  type Span,
  spanTensor,
  swapLastTwo,
  toHeads,
} from "./attend.ts";
import { appended } from "./cache.ts";
import { refuse } from "./microsoft-attention.ts";
import { reshape, scalar, slice } from "./parts.ts";
import { rotate } from "./rotary.ts";

interface Turning {
  readonly x: string;
  readonly shape: readonly [batch: number, heads: number, length: number, size: number];
  /** The cosines and the sines of all positions. */
  readonly caches: readonly string[];
  readonly positions: string;
  readonly past: number;
}

/** The rotation of queries and keys by their positions: those given, or else those that follow the cache. */
export function turned(node: Node, to: Rewrite, { x, shape, caches, positions, past }: Turning): string {
  const [cosCache = "", sinCache = ""] = caches;
  const half = to.shape(cosCache)?.[1];
  if (half === undefined) throw refuse(node, "Rotation without caches");
  const [batch, , length] = shape;
  const angles = (cache: string) => {
    if (positions === "") return slice(to, cache, past, past + length, 0);
    return reshape(to, to.add("Gather", [cache, positions]), [batch, 1, length, half]);
  };
  return rotate(to, {
    x,
    shape,
    cos: angles(cosCache),
    sin: angles(sinCache),
    turning: 2 * half,
    interleaved: to.attributes.int("rotary_interleaved", 0) !== 0,
  });
}

/** How many entries of a cache count, which `seqlens_k` says if it is known; all of them otherwise. */
function countOfPast(node: Node, to: Rewrite, length: number): number {
  const [, , , pastKey = "", , counts = ""] = node.inputs;
  const size = pastKey === "" ? 0 : (to.shape(pastKey)?.[2] ?? 0);
  const value = to.value(counts);
  if (value === undefined || size === 0) return size;
  const [first = 0, ...others] = toNumbers(value).map((last) => last + 1 - length);
  if (first <= 0) return 0;
  if (others.some((other) => other !== first)) throw refuse(node, "A cache with samples of different lengths");
  return Math.min(first, size);
}

/** Attention of heads that share keys and values, causal, with rotation, caches, windows and sinks. */
function groupQueryAttention(node: Node, to: Rewrite): Node {
  const [
    q = "",
    k = "",
    v = "",
    pastKey = "",
    pastValue = "",
    counts = "",
    ,
    ,
    ,
    positions = "",
    added = "",
    sink = "",
  ] = node.inputs;
  const read = to.attributes;
  const qShape = to.shape(q);
  if (qShape === undefined || (pastKey !== "" && to.shape(pastKey) === undefined)) return node;
  if (node.inputs.slice(12, 14).some((input) => input !== "")) throw refuse(node, "A quantized cache");
  if (read.int("sliding_window_cache", 0) !== 0) throw refuse(node, "A cache that holds a window");
  const [heads, groups] = [read.int("num_heads", 1), read.int("kv_num_heads", 1)];
  const [batch = 1, rows = 1, width = 1] = qShape;
  const isPacked = k === "";
  const size = width / (isPacked ? heads + 2 * groups : heads);
  const past = countOfPast(node, to, rows);
  const part = (x: string, from: number, count: number) =>
    toHeads(to, isPacked ? slice(to, q, from * size, (from + count) * size) : x, [batch, rows, count * size], count);
  const isTurned = read.int("do_rotary", 0) !== 0;
  const turn = (x: string, count: number) =>
    isTurned
      ? turned(node, to, { x, shape: [batch, count, rows, size], caches: node.inputs.slice(7, 9), positions, past })
      : x;
  const [queryNorm = "", keyNorm = ""] = node.inputs.slice(14);
  const query = turn(normed(to, part(q, 0, heads), queryNorm), heads);
  const own = [turn(normed(to, part(k, heads, groups), keyNorm), groups), part(v, heads + groups, groups)];
  const buffer = pastKey === "" ? 0 : to.shape(pastKey)![2]!;
  const [keys = "", values = ""] = own.map((x, i) =>
    appended(to, x, { before: [pastKey, pastValue][i]!, buffer, past, rows }, node.outputs[i + 1] ?? ""),
  );
  const sizes: AttentionSizes = { batch, heads, groups, rows, columns: past + rows, size, valueSize: size };
  const window = read.int("local_window_size", -1);
  const span: Span = {
    ahead: read.int("causal", 1) === 0 ? undefined : 0,
    behind: window > 0 ? window - 1 : undefined,
  };
  const allowed = to.add("And", [
    to.constant("span", spanTensor(span, sizes, past).tensor),
    withinCounts(to, sizes, counts),
  ]);
  const bias = biasOf(to, allowed, added === "" ? scalar(to, "zero", 0) : added);
  const isSmooth = read.int("smooth_softmax", 0) > 0;
  const { y, ...inner } = attend(to, {
    q: query,
    kT: swapLastTwo(to, keys),
    v: values,
    sizes,
    scale: read.float("scale", 0) || defaultScale(size),
    softcap: read.float("softcap", 0),
    bias,
    sink: sink !== "" ? reshape(to, sink, [1, heads, 1, 1]) : isSmooth ? scalar(to, "sink", 0) : undefined,
  });
  const shown = node.outputs[3] ?? "";
  if (shown !== "") {
    if (read.int("qk_output", 0) === 2) to.add("Identity", [inner.probabilities], {}, shown);
    else to.add("Where", [allowed, inner.capped, scalar(to, "unseen", 0)], {}, shown);
  }
  return standard(node, "Reshape", fromHeads(to, y, sizes));
}

/** Each head in units of its root mean square, times a vector, if there is one. */
function normed(to: Rewrite, x: string, scale: string): string {
  if (scale === "") return x;
  const square = to.add("ReduceMean", [to.add("Mul", [x, x]), to.constant("last", intTensor([-1]))], {
    keepdims: int(1),
  });
  const epsilon = scalar(to, "epsilon", to.attributes.float("qk_norm_epsilon", 1e-6));
  return to.add("Mul", [to.add("Div", [x, to.add("Sqrt", [to.add("Add", [square, epsilon])])]), scale]);
}

/** The keys before the end of each sample, which `seqlens_k` gives as the place of the last one. */
function withinCounts(to: Rewrite, { batch, columns }: AttentionSizes, counts: string): string {
  const places = { type: "int32", shape: [columns], data: Int32Array.from({ length: columns }, (_, j) => j) } as const;
  return to.add("LessOrEqual", [to.constant("places", places), reshape(to, counts, [batch, 1, 1, 1])]);
}

export const groupedAttention: Readonly<Record<string, OperatorRewriting>> = {
  "com.microsoft:GroupQueryAttention": {
    attributes: [
      "causal",
      "do_rotary",
      "k_norm_epsilon",
      "k_quant_type",
      "kv_cache_bit_width",
      "kv_num_heads",
      "local_window_size",
      "num_heads",
      "q_norm_epsilon",
      "qk_norm_epsilon",
      "qk_output",
      "rotary_interleaved",
      "scale",
      "sliding_window_cache",
      "smooth_softmax",
      "softcap",
      "v_quant_type",
    ],
    looksAt: [0, 3, 5, 7],
    rewrite: groupQueryAttention,
  },
  "com.microsoft:RotaryEmbedding": {
    attributes: ["interleaved", "is_packed_batching", "num_heads", "rotary_embedding_dim", "scale"],
    looksAt: [0, 1, 2],
    rewrite: rotaryEmbedding,
  },
};

/** Input, positions and caches in another order than in ONNX; one position is that of the first place. */
function rotaryEmbedding(node: Node, to: Rewrite): Node {
  const [x = "", positions = "", cosCache = "", sinCache = ""] = node.inputs;
  const read = to.attributes;
  const [shape, placed, cache] = [to.shape(x), to.shape(positions), to.shape(cosCache)];
  if (shape === undefined || placed === undefined || cache === undefined) return node;
  const isPacked = shape.length === 3;
  const turning = read.int("rotary_embedding_dim", 0) || 2 * cache[1]!;
  const [batch = 1] = shape;
  const length = isPacked ? shape[1]! : shape[2]!;
  const heads = read.int("num_heads", 0) || (isPacked && turning > 0 ? shape[2]! / turning : 1);
  const parted = isPacked ? [batch, length, heads, shape[2]! / heads] : shape;
  const places = to.constant("places", intTensor(Array.from({ length }, (_, i) => i)));
  const chosen = placed.length === 1 ? to.add("Add", [positions, places]) : positions;
  const samples = placed.length === 1 ? 1 : batch;
  const angles = (from: string) => {
    const rows = to.add("Gather", [from, chosen]);
    return reshape(to, rows, isPacked ? [samples, length, 1, turning / 2] : [samples, 1, length, turning / 2]);
  };
  const interleaved = read.int("interleaved", 0) !== 0;
  const scale = read.float("scale", 1);
  const start = isPacked ? reshape(to, x, parted) : x;
  const y = rotate(to, { x: start, shape: parted, cos: angles(cosCache), sin: angles(sinCache), turning, interleaved });
  const scaled = scale === 1 ? y : to.add("Mul", [y, scalar(to, "scale", scale)]);
  return standard(node, "Reshape", [scaled, to.constant("whole", intTensor(shape))]);
}
