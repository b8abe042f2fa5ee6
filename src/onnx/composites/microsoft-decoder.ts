import { castTo, int, ints } from "../build.ts";
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
import { reshape, scalar, slice } from "./parts.ts";

/** Whether an input that is a truth value holds. @throws PushforwardError `op-unsupported` if it depends on another input */
function flag(node: Node, to: Rewrite, position: number, name: string): boolean {
  const value = to.value(node.inputs[position] ?? "");
  if (value === undefined) throw refuse(node, `The input ${name} that is not constant`);
  return value.data[0] !== 0;
}

/**
 * Attention of a decoder to itself or to what an encoder computed, with keys and values that may be cached. Queries and keys are
 * length × batch × width.
 */
function decoderAttention(node: Node, to: Rewrite): Node {
  const [query = "", key = "", qWeight = "", kvWeight = "", bias = "", mask = "", ...rest] = node.inputs;
  const [keyCache = "", valueCache = ""] = rest;
  const [shape, keyShape] = [to.shape(query), to.shape(key)];
  if (shape === undefined || keyShape === undefined) return node;
  const [rows = 1, batch = 1, width = 1] = shape;
  const heads = to.attributes.int("num_heads", 1);
  const isStatic = flag(node, to, 8, "static_kv");
  const isCached = flag(node, to, 9, "use_past") && flag(node, to, 10, "has_layer_state");
  const isMasked = flag(node, to, 11, "has_key_padding_mask");
  const before = isCached ? to.shape(keyCache)?.[2] : 0;
  if (before === undefined) return node;

  const batchFirst = (x: string) => to.add("Transpose", [x], { perm: ints([1, 0, 2]) });
  const projected = (x: string, weight: string, from: number, count: number) =>
    to.add("Add", [to.add("MatMul", [batchFirst(x), weight]), slice(to, bias, from, from + count)]);
  const q = toHeads(to, projected(query, qWeight, 0, width), [batch, rows, width], heads);
  // Keys and values of an encoder are cached whole; a decoder adds its own to those before.
  const isGiven = isStatic && isCached;
  const [source, length] = isStatic ? [key, keyShape[0]!] : [query, rows];
  const both = isGiven ? "" : projected(source, kvWeight, width, 2 * width);
  const known = (cache: string, from: number): string => {
    if (isGiven) return cache;
    const own = toHeads(to, slice(to, both, from, from + width), [batch, length, width], heads);
    return isCached ? to.add("Concat", [cache, own], { axis: int(2) }) : own;
  };
  const [k, v] = [known(keyCache, 0), known(valueCache, width)];
  const [, newKeys = "", newValues = ""] = node.outputs;
  if (newKeys !== "") to.add("Identity", [k], {}, newKeys);
  if (newValues !== "") to.add("Identity", [v], {}, newValues);

  const size = width / heads;
  const columns = before + (isGiven ? 0 : length);
  const sizes: AttentionSizes = { batch, heads, groups: heads, rows, columns, size, valueSize: size };
  const filter = to.attributes.float("mask_filter_value", -10000);
  const bans = () => {
    const isPadding = reshape(to, mask, [batch, 1, 1, columns]);
    return biasOf(to, to.add("Not", [isPadding]), scalar(to, "zero", 0), filter);
  };
  const { y } = attend(to, {
    q,
    kT: swapLastTwo(to, k),
    v,
    sizes,
    scale: defaultScale(size),
    bias: isMasked ? bans() : undefined,
  });
  const [parts, whole] = fromHeads(to, y, sizes);
  return standard(node, "Transpose", [to.add("Reshape", [parts, whole])], { perm: ints([1, 0, 2]) });
}

/**
 * Attention of each token to those near it and to a few that are global, which attend to all with projections of their own.
 *
 * @see Beltagy et al. 2020, "Longformer: The Long-Document Transformer"
 */
function longformerAttention(node: Node, to: Rewrite): Node {
  const [x = "", weight = "", bias = "", mask = "", globalWeight = "", globalBias = "", marks = ""] = node.inputs;
  const shape = to.shape(x);
  if (shape === undefined) return node;
  const [batch = 1, length = 1, width = 1] = shape;
  const heads = to.attributes.int("num_heads", 1);
  const window = to.attributes.int("window", 0);
  const size = width / heads;
  const sizes = { batch, heads, groups: heads, rows: length, columns: length, size, valueSize: size };
  const ofKeys = reshape(to, mask, [batch, 1, 1, length]);
  const isGlobal = to.add("Cast", [marks], castTo("bool"));
  const near = to.constant("near", spanTensor({ behind: window, ahead: window }, sizes, 0).tensor);
  const seen = to.add("Or", [near, reshape(to, isGlobal, [batch, 1, 1, length])]);
  const attended = (weights: string, biases: string, added: string): string => {
    const all = to.add("Add", [to.add("MatMul", [x, weights]), biases]);
    const part = (index: number) =>
      toHeads(to, slice(to, all, index * width, (index + 1) * width), [batch, length, width], heads);
    const kT = swapLastTwo(to, part(1));
    return attend(to, { q: part(0), kT, v: part(2), sizes, scale: defaultScale(size), bias: added }).y;
  };
  const local = attended(weight, bias, biasOf(to, seen, ofKeys));
  const global = attended(globalWeight, globalBias, ofKeys);
  const y = to.add("Where", [reshape(to, isGlobal, [batch, 1, length, 1]), global, local]);
  return standard(node, "Reshape", fromHeads(to, y, sizes));
}

/** Attention operators of ONNX Runtime that project their inputs, for which it has kernels on cards only. */
export const microsoftDecoder: Readonly<Record<string, OperatorRewriting>> = {
  "com.microsoft:DecoderAttention": {
    attributes: ["mask_filter_value", "num_heads"],
    looksAt: [0, 1, 6, 8, 9, 10, 11],
    rewrite: decoderAttention,
  },
  "com.microsoft:LongformerAttention": {
    attributes: ["num_heads", "window"],
    looksAt: [0],
    rewrite: longformerAttention,
  },
};
