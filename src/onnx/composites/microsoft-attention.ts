import { PushforwardError, type Shape } from "../../base/index.ts";
import { castTo, int, intTensor, toNumbers } from "../build.ts";
import type { Node } from "../model.ts";
import { type OperatorRewriting, type Rewrite, standard } from "../rewrite.ts";
import {
  type Attended,
  type AttentionSizes,
  attend,
  biasOf,
  defaultScale,
  fromHeads,
  LOWEST,
  spanTensor,
  swapLastTwo,
  toHeads,
} from "./attend.ts";
import { appended } from "./cache.ts";
import { plus, reshape, scalar, slice } from "./parts.ts";

/** @throws PushforwardError `op-unsupported`, which says what of the node has no expansion */
export const refuse = (node: Node, what: string): PushforwardError =>
  new PushforwardError("op-unsupported", {
    what: `${what} of ${node.op} is not supported.`,
    where: { node: node.name || node.outputs[0], op: node.op },
    fix: "Use the model from before its graph was optimized.",
  });

/** The keys that count, as truth values that broadcast to batch × heads × rows × columns. */
function countedKeys(node: Node, to: Rewrite, mask: string, sizes: AttentionSizes, past: number): string {
  const { batch, rows, columns } = sizes;
  const shape = to.shape(mask) ?? [];
  const [first = 0] = shape;
  if (shape.length === 1) {
    const places = {
      type: "int32",
      shape: [columns],
      data: Int32Array.from({ length: columns }, (_, j) => j),
    } as const;
    const numbers = to.constant("places", places);
    const samples = (from: number) => reshape(to, slice(to, mask, from, from + batch, 0), [batch, 1, 1, 1]);
    const isBeforeEnd = to.add("Less", [numbers, samples(0)]);
    if (first !== 2 * batch || batch === 0) return isBeforeEnd;
    return to.add("And", [isBeforeEnd, to.add("GreaterOrEqual", [numbers, samples(batch)])]);
  }
  const truth = to.add("Cast", [mask], castTo("bool"));
  if (shape.length === 2) return reshape(to, truth, [batch, 1, 1, columns]);
  if (shape.length === 3) return reshape(to, truth, [batch, 1, rows, columns]);
  if (shape.length !== 4) throw refuse(node, "The mask");
  return slice(to, slice(to, truth, past, past + rows, 2), 0, columns, 3);
}

interface Masks {
  readonly keys: string;
  readonly bias: string;
  readonly isCausal: boolean;
  readonly past: number;
  /** What is added to a score that a mask removes. */
  readonly filter: number;
}

/** What is added to the scores; `undefined` for nothing. */
function biasFor(node: Node, to: Rewrite, sizes: AttentionSizes, { keys, bias, isCausal, past, filter }: Masks) {
  const zero = scalar(to, "zero", 0);
  const parts = [
    ...(keys === "" ? [] : [biasOf(to, countedKeys(node, to, keys, sizes, past), zero, filter)]),
    ...(isCausal ? [biasOf(to, to.constant("span", spanTensor({ ahead: 0 }, sizes, past).tensor), zero)] : []),
    ...(bias === "" ? [] : [bias]),
  ];
  if (parts.length === 0) return undefined;
  const [first = "", ...others] = parts;
  const sum = others.reduce((all, part) => to.add("Add", [all, part]), first);
  // Two removals of one score must not add up to −∞.
  return keys !== "" && isCausal ? to.add("Max", [sum, scalar(to, "removed", LOWEST)]) : sum;
}

/** Three tensors of batch × heads × length × size, and what an attention of these fused operators needs of them. */
interface Operands {
  readonly q: string;
  readonly k: string;
  readonly v: string;
  readonly sizes: AttentionSizes;
  readonly masks: Masks;
}

function attendTo(node: Node, to: Rewrite, { q, k, v, sizes, masks }: Operands): Attended {
  const scale = to.attributes.float("scale", 0) || defaultScale(sizes.size);
  return attend(to, { q, kT: swapLastTwo(to, k), v, sizes, scale, bias: biasFor(node, to, sizes, masks) });
}

const cached = (to: Rewrite, before: string, x: string): string =>
  before === "" ? x : to.add("Concat", [before, x], { axis: int(2) });

/** Projections of one input to queries, keys and values, and their attention. */
function attention(node: Node, to: Rewrite): Node {
  const [x = "", weights = "", bias = "", keys = "", past = "", added = "", pastLength = ""] = node.inputs;
  const read = to.attributes;
  const [xShape, wShape, pastShape] = [to.shape(x), to.shape(weights), to.shape(past)];
  if (xShape === undefined || wShape === undefined || (past !== "" && pastShape === undefined)) return node;
  if (read.int("do_rotary", 0) !== 0) throw refuse(node, "do_rotary");
  if (pastLength !== "" || read.int("past_present_share_buffer", 0) !== 0) throw refuse(node, "A shared cache");
  const heads = read.int("num_heads", 1);
  const [batch = 1, rows = 1] = xShape;
  const third = wShape[1]! / 3;
  const widths = read.ints("qkv_hidden_sizes") ?? [third, third, third];
  const [qWidth = 0, kWidth = 0, vWidth = 0] = widths;
  const projected = plus(to, to.add("MatMul", [x, weights]), bias);
  const part = (from: number, width: number) =>
    toHeads(to, slice(to, projected, from, from + width), [batch, rows, width], heads);
  const before = pastShape?.[3] ?? 0;
  const half = (index: number) =>
    past === "" ? "" : reshape(to, slice(to, past, index, index + 1, 0), pastShape!.slice(1));
  const k = cached(to, half(0), part(qWidth, kWidth));
  const v = cached(to, half(1), part(qWidth + kWidth, vWidth));
  const [, present = ""] = node.outputs;
  if (present !== "") {
    const first = to.constant("first", intTensor([0]));
    const pair = [k, v].map((one) => to.add("Unsqueeze", [one, first]));
    to.add("Concat", pair, { axis: int(0) }, present);
  }
  const sizes: AttentionSizes = {
    batch,
    heads,
    groups: heads,
    rows,
    columns: before + rows,
    size: qWidth / heads,
    valueSize: vWidth / heads,
  };
  const masks: Masks = {
    keys,
    bias: added,
    isCausal: read.int("unidirectional", 0) !== 0,
    past: before,
    filter: read.float("mask_filter_value", -10000),
  };
  const { y } = attendTo(node, to, { q: part(0, qWidth), k, v, sizes, masks });
  return standard(node, "Reshape", fromHeads(to, y, sizes));
}

interface Inputs {
  readonly q: string;
  readonly k: string;
  readonly v: string;
  readonly bias: string;
  readonly heads: number;
}

/** Queries, keys and values as batch × heads × length × size, from any of the forms in which they may be given. */
function partedInputs(node: Node, to: Rewrite, { q, k, v, bias, heads }: Inputs) {
  const shapeOf = (name: string): Shape => {
    const shape = to.shape(name);
    if (shape === undefined) throw refuse(node, `The unknown shape of the input ${name}`);
    return shape;
  };
  const qShape = shapeOf(q);
  const [batch = 1] = qShape;
  const packed = (x: string, shape: Shape, index: number): [string, number, number] => {
    const [, length = 1, , , size = 1] = shape;
    return [reshape(to, slice(to, x, index, index + 1, 3), [batch, length, heads * size]), length, heads * size];
  };
  const flat = (x: string): [string, number, number] => {
    const [, length = 1, width = 1] = shapeOf(x);
    return [x, length, width];
  };
  const third = (index: number): [string, number, number] => {
    const [, length = 1, width = 3] = qShape;
    return [slice(to, q, (index * width) / 3, ((index + 1) * width) / 3), length, width / 3];
  };
  const kShape = k === "" ? [] : shapeOf(k);
  const [first, second, last] =
    qShape.length === 5
      ? [packed(q, qShape, 0), packed(q, qShape, 1), packed(q, qShape, 2)]
      : k === ""
        ? [third(0), third(1), third(2)]
        : kShape.length === 5
          ? [flat(q), packed(k, kShape, 0), packed(k, kShape, 1)]
          : kShape.length === 4
            ? [flat(q), undefined, undefined]
            : [flat(q), flat(k), flat(v)];
  let from = 0;
  const part = ([x, length, width]: readonly [string, number, number]) => {
    const own = bias === "" ? x : to.add("Add", [x, slice(to, bias, from, from + width)]);
    from += width;
    return toHeads(to, own, [batch, length, width], heads);
  };
  const parted = { q: part(first), k: second ? part(second) : k, v: last ? part(last) : v };
  const [, rows, width] = first;
  return {
    ...parted,
    batch,
    rows,
    size: width / heads,
    columns: second?.[1] ?? kShape[2]!,
    valueSize: last ? last[2] / heads : shapeOf(v)[3]!,
  };
}

interface Places {
  readonly bias: number;
  readonly keys: number;
  readonly added: number;
  readonly pastKey: number;
}

/** Attention of projected queries, keys and values; the places of the other inputs differ between its two operators. */
const multiHead =
  (places: Places): OperatorRewriting["rewrite"] =>
  (node, to) => {
    const [q = "", k = "", v = ""] = node.inputs;
    const input = (place: number) => node.inputs[place] ?? "";
    const read = to.attributes;
    if (to.shape(q) === undefined) return node;
    const heads = read.int("num_heads", 1);
    const [pastKey, pastValue, pastLength] = [0, 1, 2].map((i) => input(places.pastKey + i)) as [
      string,
      string,
      string,
    ];
    if (input(9) !== "") throw refuse(node, "A cache with several beams");
    const shared = to.value(pastLength);
    if (pastLength !== "" && shared === undefined)
      throw refuse(node, "A shared cache whose length depends on an input");
    const own = partedInputs(node, to, { q, k, v, bias: input(places.bias), heads });
    const { batch, rows, size, valueSize } = own;
    const buffer = pastKey === "" ? 0 : (to.shape(pastKey)?.[2] ?? 0);
    const before = shared === undefined ? buffer : toNumbers(shared)[0]!;
    const [, presentKey = "", presentValue = "", qk = ""] = node.outputs;
    const after = (x: string, past: string, present: string) =>
      appended(to, x, { before: past, buffer, past: before, rows: own.columns }, present);
    const [keys, values] = [after(own.k, pastKey, presentKey), after(own.v, pastValue, presentValue)];
    const sizes: AttentionSizes = { batch, heads, groups: heads, rows, columns: before + own.columns, size, valueSize };
    const masks: Masks = {
      keys: input(places.keys),
      bias: input(places.added),
      isCausal: read.has("unidirectional") && read.int("unidirectional", 0) !== 0,
      past: before,
      filter: read.float("mask_filter_value", -10000),
    };
    const { y, scores } = attendTo(node, to, { q: own.q, k: keys, v: values, sizes, masks });
    if (qk !== "") to.add("Identity", [scores], {}, qk);
    return standard(node, "Reshape", fromHeads(to, y, sizes));
  };

const MULTI_HEAD = ["mask_filter_value", "num_heads", "scale"] as const;

/** The attention operators of ONNX Runtime whose heads have keys of their own. */
export const microsoftAttention: Readonly<Record<string, OperatorRewriting>> = {
  "com.microsoft:Attention": {
    attributes: [
      "do_rotary",
      "mask_filter_value",
      "num_heads",
      "past_present_share_buffer",
      "qkv_hidden_sizes",
      "rotary_embedding_dim",
      "scale",
      "unidirectional",
    ],
    looksAt: [0, 1, 3, 4],
    rewrite: attention,
  },
  "com.microsoft:DecoderMaskedMultiHeadAttention": {
    attributes: [...MULTI_HEAD, "output_qk", "past_present_share_buffer"],
    looksAt: [0, 1, 2, 3, 5, 6, 7],
    rewrite: multiHead({ keys: 3, added: 4, pastKey: 5, bias: 10 }),
  },
  "com.microsoft:MultiHeadAttention": {
    attributes: [...MULTI_HEAD, "unidirectional"],
    looksAt: [0, 1, 2, 4, 6, 7, 8],
    rewrite: multiHead({ bias: 3, keys: 4, added: 5, pastKey: 6 }),
  },
};
