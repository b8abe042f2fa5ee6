import { sizeOf } from "../../base/index.ts";
import { float, int, ints, intTensor, text, toNumbers, zeros } from "../build.ts";
import type { Node } from "../model.ts";
import { type OperatorRewriting, type Rewrite, standard } from "../rewrite.ts";
import { defaultScale } from "./attend.ts";
import { refuse } from "./microsoft-attention.ts";
import { reshape, scalar, silu, slice } from "./parts.ts";

/** The tokens of each sequence among those that are packed one after the other. */
type Parts = readonly (readonly [from: number, until: number])[];

/** @throws PushforwardError `op-unsupported` if the ends of the sequences depend on an input */
export function partsOf(node: Node, to: Rewrite, ends: string): Parts {
  const value = to.value(ends);
  if (value === undefined) throw refuse(node, "A packing that depends on an input");
  const all = toNumbers(value);
  return all.slice(1).map((until, i) => [all[i]!, until]);
}

/** Tensors one after the other. */
export const joined = (to: Rewrite, parts: readonly string[], axis = 0): string =>
  parts.length === 1 ? parts[0]! : to.add("Concat", parts, { axis: int(axis) });

/** A causal convolution of each channel, sequence by sequence, each with a state that comes before it. */
function causalConvolution(node: Node, to: Rewrite): Node {
  const [x = "", weight = "", ends = "", bias = "", past = "", captured = "", delta = ""] = node.inputs;
  const [shape, kernel] = [to.shape(x), to.shape(weight)];
  if (shape === undefined || kernel === undefined) return node;
  if (delta !== "") throw refuse(node, "A kernel that changes from token to token");
  const read = to.attributes;
  const [channels = 1, , width = 1] = kernel;
  const step = read.int("dilation", 1);
  const before = (width - 1) * step;
  const rows = to.add("Transpose", [x], { perm: ints([1, 0]) });
  const sequences = partsOf(node, to, ends).map(([from, until], b) => {
    const own = reshape(to, slice(to, rows, from, until, 1), [1, channels, until - from]);
    return { whole: joined(to, [slice(to, past, b, b + 1, 0), own], 2), length: until - from, from };
  });
  const results = sequences.map(({ whole, length }) => {
    const y = to.add("Conv", bias === "" ? [whole, weight] : [whole, weight, bias], {
      group: int(channels),
      dilations: ints([step]),
    });
    return to.add("Transpose", [reshape(to, y, [channels, length])], { perm: ints([1, 0]) });
  });
  const [, state = "", update = ""] = node.outputs;
  if (state !== "") {
    const states = sequences.map(({ whole, length }) => slice(to, whole, length, length + before, 2));
    to.add("Identity", [joined(to, states)], {}, state);
  }
  if (update !== "") {
    const capacity = read.int("state_update_capacity", 0);
    const counts = to.value(captured);
    if (counts === undefined) throw refuse(node, "A capture that depends on an input");
    const updates = sequences.map(({ from, length }, b) => {
      const count = Math.max(0, Math.min(toNumbers(counts)[b]!, capacity, length));
      const rest = to.constant("rest", zeros("float32", [capacity - count, channels]));
      return reshape(to, joined(to, [slice(to, x, from, from + count, 0), rest]), [1, capacity, channels]);
    });
    to.add("Identity", [joined(to, updates)], {}, update);
  }
  const all = joined(to, results);
  return standard(node, "Identity", [read.text("activation", "none") === "none" ? all : silu(to, all)]);
}

/** Vectors along the last axis in units of their length. */
function unitVectors(to: Rewrite, x: string): string {
  const norm = to.add("ReduceL2", [x, to.constant("last", intTensor([-1]))], { keepdims: int(1) });
  return to.add("Div", [x, norm]);
}

/** Numbers of heads, or of keys within heads, as `width` numbers in the order of the heads. */
function spread(to: Rewrite, x: string, heads: number, width: number): string {
  const count = sizeOf(to.shape(x) ?? []);
  if (count === width) return reshape(to, x, [width]);
  const copies = to.constant("copies", intTensor([heads, width / heads]));
  return reshape(to, to.add("Expand", [reshape(to, x, [heads, 1]), copies]), [width]);
}

/** The logarithm of how much of the state remains, [tokens, width], as the recurrence takes it. */
function decayOf(node: Node, to: Rewrite, decay: string, heads: number, width: number): string {
  const [, , , , , , , rates = "", shifts = ""] = node.inputs;
  const kind = to.attributes.text("gate_activation", "none");
  if (kind === "none") return decay;
  const moved = to.add("Add", [decay, spread(to, shifts, heads, width)]);
  const rate = to.add("Exp", [spread(to, rates, heads, width)]);
  if (kind === "softplus" || kind === "qwen") {
    return to.add("Neg", [to.add("Mul", [rate, to.add("Softplus", [moved])])]);
  }
  if (kind !== "sigmoid" && kind !== "kda") throw refuse(node, `The gate ${kind}`);
  const bound = scalar(to, "bound", to.attributes.float("gate_lower_bound", -5));
  return to.add("Mul", [bound, to.add("Sigmoid", [to.add("Mul", [rate, moved])])]);
}

/**
 * The recurrence of LinearAttention for sequences that are packed one after the other, with states that have the axis of values first.
 *
 * @see Yang et al. 2024, "Gated Delta Networks"
 */
function gatedDeltaNet(node: Node, to: Rewrite): Node {
  const [q = "", k = "", v = "", ends = "", decay = "", beta = "", start = ""] = node.inputs;
  const read = to.attributes;
  const [shape, startShape] = [to.shape(q), to.shape(start)];
  if (shape === undefined) return node;
  if (node.outputs[2]) throw refuse(node, "What of a state can be replayed");
  const isFlat = k === "";
  const [, ownHeads, ownValueSize, ownSize] = startShape ?? [];
  const isApart = !isFlat && shape.length === 4;
  const size = isFlat ? ownSize! : shape.at(-1)!;
  const [heads, valueSize] = isFlat ? [ownHeads!, ownValueSize!] : (to.shape(v)!.slice(-2) as [number, number]);
  const groups = isFlat ? (shape.at(-1)! - heads * valueSize) / (2 * size) : shape.at(-2)!;
  const tokens = sizeOf(shape.slice(0, isFlat ? -1 : -2));

  const widths = [groups * size, groups * size, heads * valueSize];
  const rowsOf = (x: string, i: number): string => {
    if (!isFlat) return reshape(to, x, [tokens, widths[i]!]);
    const from = widths.slice(0, i).reduce((sum, one) => sum + one, 0);
    return slice(to, reshape(to, q, [tokens, -1]), from, from + widths[i]!);
  };
  const unit = (x: string) =>
    read.int("qk_l2_norm", 0) === 0
      ? x
      : reshape(to, unitVectors(to, reshape(to, x, [tokens, groups, size])), [tokens, groups * size]);
  const [queries, keys, values] = [unit(rowsOf(q, 0)), unit(rowsOf(k, 1)), rowsOf(v, 2)];
  const rule = read.text("update_rule", "gated_delta");
  const flat = (x: string) => reshape(to, x, [tokens, -1]);
  const decayWidth = sizeOf(to.shape(decay) ?? []) / tokens;
  const gate = rule.startsWith("gated") ? decayOf(node, to, flat(decay), heads, decayWidth) : "";
  const isSigmoid = read.text("beta_activation", "none") === "sigmoid";
  const rate = rule.endsWith("delta") ? (isSigmoid ? to.add("Sigmoid", [flat(beta)]) : flat(beta)) : "";

  const batch = startShape?.[0] ?? 1;
  const parts =
    ends === ""
      ? Array.from({ length: batch }, (_, b) => [(b * tokens) / batch, ((b + 1) * tokens) / batch] as const)
      : partsOf(node, to, ends);
  const swapped = (x: string) => to.add("Transpose", [x], { perm: ints([0, 1, 3, 2]) });
  const runs = parts.map(([from, until], b) => {
    const own = (x: string, width: number) =>
      x === "" ? "" : reshape(to, slice(to, x, from, until, 0), [1, until - from, width]);
    const state = start === "" ? "" : swapped(slice(to, start, b, b + 1, 0));
    const inputs = [own(queries, widths[0]!), own(keys, widths[1]!), own(values, widths[2]!), state];
    return to.addAll(2, "LinearAttention", [...inputs, own(gate, decayWidth), own(rate, heads)], {
      q_num_heads: int(groups),
      kv_num_heads: int(heads),
      scale: float(read.float("scale", 0) || defaultScale(size)),
      update_rule: text(rule),
    });
  });
  const [, final = ""] = node.outputs;
  if (final !== "")
    to.add(
      "Identity",
      [
        joined(
          to,
          runs.map(([, state = ""]) => swapped(state)),
        ),
      ],
      {},
      final,
    );
  const outer = isApart ? shape.slice(0, 2) : [tokens];
  const all = joined(
    to,
    runs.map(([y = ""]) => y),
    1,
  );
  return standard(node, "Reshape", [all, to.constant("whole", intTensor([...outer, heads, valueSize]))]);
}

/** Operators of sequences of different lengths, packed one after the other, with states. */
export const microsoftVarlen: Readonly<Record<string, OperatorRewriting>> = {
  "com.microsoft:GatedDeltaNet": {
    attributes: [
      "beta_activation",
      "chunk_size",
      "gate_activation",
      "gate_lower_bound",
      "qk_l2_norm",
      "scale",
      "state_update_capacity",
      "update_rule",
    ],
    looksAt: [0, 2, 3, 4, 6, 7, 8],
    rewrite: gatedDeltaNet,
  },
  "com.microsoft:VarlenCausalConvWithState": {
    attributes: ["activation", "delta_offset", "dilation", "group_size", "state_update_capacity"],
    looksAt: [0, 1, 2, 5],
    rewrite: causalConvolution,
  },
};
