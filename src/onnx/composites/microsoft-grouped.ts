import { intTensor, toNumbers } from "../build.ts";
import type { Node, Tensor } from "../model.ts";
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
import { appendedInSamples } from "./cache.ts";
import { refuse } from "./microsoft-attention.ts";
import { unitRms } from "./microsoft-gates.ts";
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

/** How many entries of its cache count in each sample, which `seqlens_k` says if it is known; all of them otherwise. */
function countsOfPast(node: Node, to: Rewrite, batch: number, rows: number): number[] {
  const [, , , pastKey = "", , counts = ""] = node.inputs;
  const buffer = pastKey === "" ? 0 : (to.shape(pastKey)?.[2] ?? 0);
  const value = to.value(counts);
  if (value === undefined || buffer === 0) return Array.from({ length: batch }, () => buffer);
  const added = filledRows(node, to);
  return toNumbers(value).map((last, b) => Math.min(Math.max(last + 1 - (added?.[b] ?? rows), 0), buffer));
}

/** How many of the new rows of each sample are no padding, where a chunk says so. */
function filledRows(node: Node, to: Rewrite): readonly number[] | undefined {
  const [filled = ""] = node.inputs.slice(16);
  if (filled === "") return undefined;
  const value = to.value(filled);
  if (value === undefined) throw refuse(node, "Padding that depends on an input");
  return toNumbers(value);
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
    total = "",
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
  const pasts = countsOfPast(node, to, batch, rows);
  const past = Math.max(...pasts);
  const isOfOneLength = pasts.every((own) => own === past);
  const part = (x: string, from: number, count: number) =>
    toHeads(to, isPacked ? slice(to, q, from * size, (from + count) * size) : x, [batch, rows, count * size], count);
  const isTurned = read.int("do_rotary", 0) !== 0;
  const placed = positions === "" && !isOfOneLength ? to.constant("positions", positionsAfter(pasts, rows)) : positions;
  const turn = (x: string, count: number) =>
    isTurned
      ? turned(node, to, {
          x,
          shape: [batch, count, rows, size],
          caches: node.inputs.slice(7, 9),
          positions: placed,
          past,
        })
      : x;
  const [queryNorm = "", keyNorm = ""] = node.inputs.slice(14);
  const epsilon = read.float("qk_norm_epsilon", 1e-6);
  const normed = (x: string, scale: string) => (scale === "" ? x : unitRms(to, x, scale, epsilon));
  const query = turn(normed(part(q, 0, heads), queryNorm), heads);
  const own = [turn(normed(part(k, heads, groups), keyNorm), groups), part(v, heads + groups, groups)];
  const buffer = pastKey === "" ? 0 : to.shape(pastKey)![2]!;
  const given = to.value(total);
  const length = Math.max(buffer, given === undefined ? 0 : toNumbers(given)[0]!);
  const [keys = "", values = ""] = own.map((x, i) => {
    const cache = { before: [pastKey, pastValue][i]!, shape: [batch, groups, buffer, size], pasts, rows } as const;
    return appendedInSamples(to, x, cache, length, node.outputs[i + 1] ?? "");
  });
  const sizes: AttentionSizes = { batch, heads, groups, rows, columns: past + rows, size, valueSize: size };
  const window = read.int("local_window_size", -1);
  const span: Span = {
    ahead: read.int("causal", 1) === 0 ? undefined : 0,
    behind: window > 0 ? window - 1 : undefined,
  };
  const allowed = to.add("And", [
    to.constant("span", spansOf(span, sizes, isOfOneLength ? [past] : pasts)),
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

/** The positions of the new entries of each sample: batch × rows. */
const positionsAfter = (pasts: readonly number[], rows: number): Tensor =>
  intTensor(
    pasts.flatMap((past) => Array.from({ length: rows }, (_, i) => past + i)),
    [pasts.length, rows],
  );

/** The span of each sample, or one for all: samples × 1 × rows × columns truth values. */
function spansOf(span: Span, sizes: AttentionSizes, pasts: readonly number[]): Tensor {
  const data = pasts.flatMap((past) => [...spanTensor(span, sizes, past).tensor.data]);
  return { type: "bool", shape: [pasts.length, 1, sizes.rows, sizes.columns], data: Uint8Array.from(data) };
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
    looksAt: [0, 3, 5, 6, 7, 16],
    rewrite: groupQueryAttention,
  },
};
