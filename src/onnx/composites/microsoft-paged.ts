import { ints, intTensor, toNumbers } from "../build.ts";
import type { Node } from "../model.ts";
import { type OperatorRewriting, type Rewrite, standard } from "../rewrite.ts";
import {
  type AttentionSizes,
  attend,
  biasOf,
  defaultScale,
  fromHeads,
  spanTensor,
  swapLastTwo,
  toHeads,
} from "./attend.ts";
import { refuse } from "./microsoft-attention.ts";
import { unitRms } from "./microsoft-gates.ts";
import { turned } from "./microsoft-grouped.ts";
import { joined, partsOf } from "./microsoft-varlen.ts";
import { reshape, slice } from "./parts.ts";

/** Numbers of an input. @throws PushforwardError `op-unsupported` if they depend on another input */
function numbersOf(node: Node, to: Rewrite, position: number): number[] {
  const value = to.value(node.inputs[position] ?? "");
  if (value === undefined) throw refuse(node, "A cache whose pages depend on an input");
  return toNumbers(value);
}

/** One of the sequences: its tokens, how many came before, and in which rows of the cache its entries stand. */
interface Sequence {
  readonly from: number;
  readonly count: number;
  readonly past: number;
  readonly rows: readonly number[];
}

function sequencesOf(node: Node, to: Rewrite, block: number): Sequence[] {
  const [past, table] = [numbersOf(node, to, 6), numbersOf(node, to, 7)];
  const pages = table.length / past.length;
  return partsOf(node, to, node.inputs[5] ?? "").map(([from, until], b) => {
    const rows = Array.from({ length: past[b]! + until - from }, (_, place) => {
      const page = table[b * pages + Math.floor(place / block)] ?? -1;
      if (page < 0) throw refuse(node, "A cache without a page for some entries");
      return page * block + (place % block);
    });
    return { from, count: until - from, past: past[b]!, rows };
  });
}

/**
 * Attention of tokens that are packed without padding, with a cache of keys and values that stands in pages: those of each sequence are
 * written, and then read with those before.
 *
 * @see Kwon et al. 2023, "Efficient Memory Management for Large Language Model Serving with PagedAttention"
 */
function pagedAttention(node: Node, to: Rewrite): Node {
  const [q = "", k = "", v = "", keyCache = "", valueCache = "", , , , cosCache = "", sinCache = ""] = node.inputs;
  const [slots = "", sink = "", queryNorm = "", keyNorm = "", keyScale = "", valueScale = ""] = node.inputs.slice(10);
  const read = to.attributes;
  const [shape, pages] = [to.shape(q), to.shape(keyCache)];
  if (shape === undefined || pages === undefined) return node;
  if (keyScale !== "" || valueScale !== "") throw refuse(node, "A quantized cache");
  const [heads, groups] = [read.int("num_heads", 1), read.int("kv_num_heads", 1)];
  const isLatent = read.text("kv_cache_layout", "SEPARATE") === "LATENT";
  const [tokens = 0] = shape;
  const [count = 1, block = 1, , size = 1] = pages;
  const valueSize = isLatent ? read.int("v_head_size", 0) || size : size;
  const sequences = sequencesOf(node, to, block);

  const part = (x: string, from: number, of: number): string => {
    const own = x === "" ? slice(to, q, from * size, (from + of) * size) : x;
    return toHeads(to, reshape(to, own, [1, tokens, of * size]), [1, tokens, of * size], of);
  };
  const epsilon = read.float("qk_norm_epsilon", 1e-6);
  const normed = (x: string, scale: string) => (scale === "" ? x : unitRms(to, x, scale, epsilon));
  const places = sequences.flatMap(({ count: own, past }) => Array.from({ length: own }, (_, i) => past + i));
  const turn = (x: string, of: number): string => {
    if (read.int("do_rotary", 0) === 0) return x;
    const offset = read.int("rotary_offset", 0);
    const positions = to.constant("positions", intTensor(places, [1, tokens]));
    const rest = offset === 0 ? x : slice(to, x, offset, size);
    const own = turned(node, to, {
      x: rest,
      shape: [1, of, tokens, size - offset],
      caches: [cosCache, sinCache],
      positions,
      past: 0,
    });
    return offset === 0 ? own : joined(to, [slice(to, x, 0, offset), own], 3);
  };
  const queries = turn(normed(part(k === "" ? "" : q, 0, heads), queryNorm), heads);
  const rowsOf = (x: string) =>
    reshape(to, to.add("Transpose", [x], { perm: ints([0, 2, 1, 3]) }), [tokens, groups * size]);
  const keyRows = rowsOf(turn(normed(part(k, heads, groups), keyNorm), groups));

  const written = sequences.flatMap(({ rows, past }) => rows.slice(past));
  const targets = slots === "" ? written : numbersOf(node, to, 10);
  const kept = [...targets.keys()].filter((token) => targets[token]! >= 0);
  const update = (cache: string, rows: string): string => {
    const flat = reshape(to, cache, [count * block, groups * size]);
    const chosen = to.add("Gather", [rows, to.constant("kept", intTensor(kept))]);
    const at = to.constant(
      "slots",
      intTensor(
        kept.map((token) => targets[token]!),
        [kept.length, 1],
      ),
    );
    return to.add("ScatterND", [flat, at, chosen]);
  };
  const keys = update(keyCache, keyRows);
  const values = isLatent ? keys : update(valueCache, rowsOf(part(v, heads + groups, groups)));
  const [, newKeys = "", newValues = ""] = node.outputs;
  if (newKeys !== "") reshape(to, keys, pages, newKeys);
  if (newValues !== "") reshape(to, values, pages, newValues);

  const window = read.int("local_window_size", -1);
  const span = { ahead: read.int("is_causal", 1) === 0 ? undefined : 0, behind: window > 0 ? window - 1 : undefined };
  const results = sequences.map(({ from, count: rows, past, rows: places }) => {
    const sizes: AttentionSizes = { batch: 1, heads, groups, rows, columns: past + rows, size, valueSize };
    const cached = (cache: string) => {
      const own = to.add("Gather", [cache, to.constant("rows", intTensor(places))]);
      return toHeads(to, reshape(to, own, [1, past + rows, groups * size]), [1, past + rows, groups * size], groups);
    };
    const own = cached(values);
    const { y } = attend(to, {
      q: slice(to, queries, from, from + rows, 2),
      kT: swapLastTwo(to, cached(keys)),
      v: valueSize === size ? own : slice(to, own, 0, valueSize),
      sizes,
      scale: read.float("scale", 0) || defaultScale(size),
      softcap: read.float("softcap", 0),
      bias: biasOf(to, to.constant("span", spanTensor(span, sizes, past).tensor)),
      sink: sink === "" ? undefined : reshape(to, sink, [1, heads, 1, 1]),
    });
    return to.add("Reshape", fromHeads(to, y, sizes));
  });
  const whole = to.constant("whole", intTensor([tokens, heads * valueSize]));
  return standard(node, "Reshape", [joined(to, results, 1), whole]);
}

/** Attention of ONNX Runtime with a cache in pages. */
export const paged: Readonly<Record<string, OperatorRewriting>> = {
  "com.microsoft:PagedAttention": {
    attributes: [
      "do_rotary",
      "is_causal",
      "k_cache_dtype",
      "k_quant_type",
      "kv_cache_layout",
      "kv_num_heads",
      "local_window_size",
      "num_heads",
      "qk_norm_epsilon",
      "rotary_interleaved",
      "rotary_offset",
      "scale",
      "softcap",
      "v_cache_dtype",
      "v_head_size",
      "v_quant_type",
    ],
    looksAt: [0, 3, 5, 6, 7, 8, 10],
    rewrite: pagedAttention,
  },
};
