import { castTo, int, ints, intTensor, zeros } from "../build.ts";
import type { Node } from "../model.ts";
import { type OperatorRewriting, type Rewrite, standard } from "../rewrite.ts";
import { type AttentionSizes, attend, biasOf, defaultScale, swapLastTwo, toHeads } from "./attend.ts";
import { plus, reshape, slice } from "./parts.ts";

const axis = (to: Rewrite, value: number): string => to.constant("axis", intTensor([value]));

/** Whether each place of each sample is before the sample's end, [batch, length]; `counts` are of any whole type. */
function isToken(to: Rewrite, counts: string, batch: number, length: number): string {
  const places = to.constant("places", intTensor(Array.from({ length }, (_, i) => i)));
  return to.add("Less", [places, reshape(to, to.add("Cast", [counts], castTo("int64")), [batch, 1])]);
}

/** The places where a condition holds, one after the other. */
const placesWhere = (to: Rewrite, condition: string): string => reshape(to, to.add("NonZero", [condition]), [-1]);

/** The tokens of all samples, one after the other, without those behind the ends of samples. */
function removePadding(node: Node, to: Rewrite): Node {
  const [x = "", counts = ""] = node.inputs;
  const shape = to.shape(x);
  if (shape === undefined) return node;
  const [batch = 1, length = 1, width = 1] = shape;
  const isOne = reshape(to, isToken(to, counts, batch, length), [batch * length]);
  const [, offsets = "", sums = "", longest = ""] = node.outputs;
  if (offsets !== "") {
    const parts = [placesWhere(to, isOne), placesWhere(to, to.add("Not", [isOne]))];
    const all = to.add("Cast", [to.add("Concat", parts, { axis: int(0) })], castTo("int32"));
    reshape(to, all, [batch, length], offsets);
  }
  if (sums !== "") {
    const none = to.constant("none", { type: "int32", shape: [1], data: Int32Array.of(0) });
    const ends = to.add("CumSum", [counts, to.constant("along", intTensor([0], []))]);
    to.add("Concat", [none, ends], { axis: int(0) }, sums);
  }
  if (longest !== "") to.add("ReduceMax", [counts], { keepdims: int(1) }, longest);
  return standard(node, "Compress", [reshape(to, x, [batch * length, width]), isOne], { axis: int(0) });
}

/** The places of tokens, of which the first ones are listed, [tokens]. */
const listed = (to: Rewrite, offsets: string, tokens: number): string =>
  slice(to, to.add("Cast", [reshape(to, offsets, [-1])], castTo("int64")), 0, tokens, 0);

/** Tokens [tokens, width] at their places, with zeros elsewhere: [batch · length, width]. */
function spreadOut(to: Rewrite, x: string, places: string, tokens: number, rows: number, width: number): string {
  const none = to.constant("padding", zeros("float32", [rows, width]));
  return to.add("ScatterND", [none, reshape(to, places, [tokens, 1]), x]);
}

function restorePadding(node: Node, to: Rewrite): Node {
  const [x = "", offsets = ""] = node.inputs;
  const [shape, placed] = [to.shape(x), to.shape(offsets)];
  if (shape === undefined || placed === undefined) return node;
  const [tokens = 0, width = 1] = shape;
  const [batch = 1, length = 1] = placed;
  const whole = spreadOut(to, x, listed(to, offsets, tokens), tokens, batch * length, width);
  return standard(node, "Reshape", [whole, to.constant("whole", intTensor([batch, length, width]))]);
}

/** Queries, keys and values of tokens [tokens, width] each, and where these lie. */
interface Packed {
  readonly parts: readonly [q: string, k: string, v: string];
  readonly widths: readonly [number, number, number];
  readonly tokens: number;
  readonly offsets: string;
  /** Where the tokens of each sample begin, and where the last ones end. */
  readonly ends: string;
  readonly added: string;
}

/** Attention of tokens to those of the same sample. */
function packedAttention(node: Node, to: Rewrite, { parts, widths, tokens, offsets, ends, added }: Packed): Node {
  const placed = to.shape(offsets);
  if (placed === undefined) return node;
  const [batch = 1, length = 1] = placed;
  const heads = to.attributes.int("num_heads", 1);
  const places = listed(to, offsets, tokens);
  const [q = "", k = "", v = ""] = parts.map((x, i) =>
    toHeads(to, spreadOut(to, x, places, tokens, batch * length, widths[i]!), [batch, length, widths[i]!], heads),
  );
  const [size, valueSize] = [widths[0] / heads, widths[2] / heads];
  const sizes: AttentionSizes = { batch, heads, groups: heads, rows: length, columns: length, size, valueSize };
  const counts = to.add("Sub", [slice(to, ends, 1, batch + 1, 0), slice(to, ends, 0, batch, 0)]);
  const keys = biasOf(to, reshape(to, isToken(to, counts, batch, length), [batch, 1, 1, length]));
  const { y } = attend(to, {
    q,
    kT: swapLastTwo(to, k),
    v,
    sizes,
    scale: to.attributes.float("scale", 0) || defaultScale(size),
    bias: plus(to, keys, added),
  });
  const rows = reshape(to, to.add("Transpose", [y], { perm: ints([0, 2, 1, 3]) }), [batch * length, widths[2]]);
  return standard(node, "Gather", [rows, places], { axis: int(0) });
}

/** Projections of one input, and their attention. */
function ofOneInput(node: Node, to: Rewrite): Node {
  const [x = "", weights = "", bias = "", offsets = "", ends = "", added = ""] = node.inputs;
  const [shape, wShape] = [to.shape(x), to.shape(weights)];
  if (shape === undefined || wShape === undefined) return node;
  const third = wShape[1]! / 3;
  const [a = third, b = third, c = third] = to.attributes.ints("qkv_hidden_sizes") ?? [];
  const all = plus(to, to.add("MatMul", [x, weights]), bias);
  const parts = [slice(to, all, 0, a), slice(to, all, a, a + b), slice(to, all, a + b, a + b + c)] as const;
  return packedAttention(node, to, { parts, widths: [a, b, c], tokens: shape[0]!, offsets, ends, added });
}

/** The same after projections, which may be packed in one input: [tokens, heads, 3, size]. */
function ofThreeInputs(node: Node, to: Rewrite): Node {
  const [q = "", k = "", v = "", bias = "", offsets = "", ends = "", added = ""] = node.inputs;
  const [shape, vShape] = [to.shape(q), to.shape(v)];
  if (shape === undefined || (v !== "" && vShape === undefined)) return node;
  const [tokens = 0, second = 1, , size = 1] = shape;
  const width = shape.length === 4 ? second * size : second;
  const widths = [width, width, vShape?.[1] ?? width] as const;
  const one = (index: number) =>
    reshape(to, to.add("Squeeze", [slice(to, q, index, index + 1, 2), axis(to, 2)]), [tokens, width]);
  const apart = shape.length === 4 ? [one(0), one(1), one(2)] : [q, k, v];
  let from = 0;
  const [a = "", b = "", c = ""] = apart.map((x, i) => {
    const start = from;
    from += widths[i]!;
    return bias === "" ? x : to.add("Add", [x, slice(to, bias, start, from)]);
  });
  return packedAttention(node, to, { parts: [a, b, c], widths, tokens, offsets, ends, added });
}

/** Operators of tokens that are packed without padding. */
export const microsoftPadding: Readonly<Record<string, OperatorRewriting>> = {
  "com.microsoft:PackedAttention": {
    attributes: ["num_heads", "qkv_hidden_sizes", "scale"],
    looksAt: [0, 1, 3],
    rewrite: ofOneInput,
  },
  "com.microsoft:PackedMultiHeadAttention": {
    attributes: ["mask_filter_value", "num_heads", "scale"],
    looksAt: [0, 2, 4],
    rewrite: ofThreeInputs,
  },
  "com.microsoft:RemovePadding": { attributes: [], looksAt: [0], rewrite: removePadding },
  "com.microsoft:RestorePadding": { attributes: [], looksAt: [0, 1], rewrite: restorePadding },
};
