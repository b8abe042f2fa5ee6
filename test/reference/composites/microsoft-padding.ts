import { type Array64, array, at, build, type ReferenceOp, type ReferenceOps } from "../tensor.ts";
import { attend, pack, spread, unpack } from "./attention.ts";

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** Attention of each sample by itself, from the tokens that `ends` says are its own; queries, keys and values are [tokens, width] each. */
function ofSamples(
  parts: readonly [Array64, Array64, Array64],
  ends: Array64,
  heads: number,
  scale: number,
  added?: Array64,
): Array64 {
  const count = ends.shape[0]! - 1;
  const rows = Array.from({ length: count }, (_, b) => {
    const [from, until] = [ends.data[b]!, ends.data[b + 1]!];
    const [q, k, v] = parts.map((x) => {
      const width = x.shape[1]!;
      return unpack(array([1, until - from, width], x.data.slice(from * width, until * width)), heads);
    }) as [Array64, Array64, Array64];
    const bias = added && { bias: ([, h = 0, i = 0, j = 0]: readonly number[]) => spread(added, [b, h, i, j]) };
    return [...pack(attend({ q, k, v, scale: scale || 1 / Math.sqrt(q.shape[3]!), ...bias }).y).data];
  });
  return array([parts[0].shape[0]!, parts[2].shape[1]!], rows.flat());
}

const columns = (x: Array64, from: number, width: number): Array64 =>
  build([x.shape[0]!, width], ([i = 0, e = 0]) => at(x, [i, from + e]));

const affine = (x: Array64, w: Array64, bias: Array64 | undefined): Array64 =>
  build([x.shape[0]!, w.shape[1]!], ([i = 0, j = 0]) => {
    let sum = bias?.data[j] ?? 0;
    for (let d = 0; d < w.shape[0]!; d++) sum += at(x, [i, d]) * at(w, [d, j]);
    return sum;
  });

const removePadding: ReferenceOp = ([x, counts], _read, outputs) => {
  const [batch = 1, length = 1, width = 1] = x!.shape;
  const all = Array.from({ length: batch * length }, (_, place) => place);
  const isToken = (place: number) => place % length < counts!.data[Math.floor(place / length)]!;
  const [tokens, others] = [all.filter(isToken), all.filter((place) => !isToken(place))];
  const ends = Array.from({ length: batch + 1 }, (_, b) => counts!.data.subarray(0, b).reduce((a, c) => a + c, 0));
  return [
    array(
      [tokens.length, width],
      tokens.flatMap((place) => [...x!.data.subarray(place * width, (place + 1) * width)]),
    ),
    array([batch, length], [...tokens, ...others], "int32"),
    array([batch + 1], ends, "int32"),
    array([1], [Math.max(...counts!.data)], "int32"),
  ].slice(0, outputs);
};

/** Operators of packed tokens, and biases of positions, by the description of ONNX Runtime: sample by sample. */
export const microsoftPadding: ReferenceOps = {
  "com.microsoft:GatedRelativePositionBias"([q, ownBias, positions, weight, bias, factor], read) {
    const heads = read.int("num_heads", 1);
    const [batch = 1, length = 1] = q!.shape;
    const size = q!.shape[2]! / heads;
    const half = weight!.shape[1]! / 2;
    return build([batch, heads, length, length], ([b = 0, h = 0, i = 0, j = 0]) => {
      const gate = (which: number) => {
        let sum = 0;
        for (let column = which * half; column < (which + 1) * half; column++) {
          sum += bias!.data[column]!;
          for (let d = 0; d < size; d++) {
            sum += (at(q!, [b, i, h * size + d]) + ownBias!.data[h * size + d]!) * at(weight!, [d, column]);
          }
        }
        return sigmoid(sum);
      };
      return (gate(0) * (gate(1) * factor!.data[h]! - 1) + 2) * at(positions!, [0, h, i, j]);
    });
  },
  "com.microsoft:PackedAttention"([x, w, b, , ends, added], read) {
    const all = affine(x!, w!, b);
    const third = all.shape[1]! / 3;
    const [one = third, two = third, three = third] = read.ints("qkv_hidden_sizes") ?? [];
    const parts = [columns(all, 0, one), columns(all, one, two), columns(all, one + two, three)] as const;
    return ofSamples(parts, ends!, read.int("num_heads", 1), read.float("scale", 0), added);
  },
  "com.microsoft:PackedMultiHeadAttention"([q, k, v, bias, , ends, added], read) {
    const heads = read.int("num_heads", 1);
    const [tokens = 1, , , size = 1] = q!.shape;
    const one = (index: number) =>
      build([tokens, heads * size], ([i = 0, e = 0]) => at(q!, [i, Math.floor(e / size), index, e % size]));
    const apart = q!.shape.length === 4 ? [one(0), one(1), one(2)] : [q!, k!, v!];
    let from = 0;
    const parts = apart.map((x) => {
      const start = from;
      from += x.shape[1]!;
      return build(x.shape, ([i = 0, e = 0]) => at(x, [i, e]) + (bias?.data[start + e] ?? 0));
    }) as [Array64, Array64, Array64];
    return ofSamples(parts, ends!, heads, read.float("scale", 0), added);
  },
  "com.microsoft:RelativePositionBias"([table, queries], read) {
    const [all = 1, heads = 1] = table!.shape;
    const length = queries!.data[0]!;
    const isBoth = read.int("is_bidirectional", 0) !== 0;
    const count = isBoth ? all / 2 : all;
    const exact = Math.floor(count / 2);
    return build([1, heads, length, length], ([, h = 0, i = 0, j = 0]) => {
      const size = Math.abs(j - i);
      const share = Math.log(size / exact) / Math.log(read.int("max_distance", 128) / exact);
      const own = size < exact ? size : Math.min(count - 1, exact + Math.floor(share * (count - exact)));
      return table!.data[h * all + own + (isBoth && j > i ? count : 0)]!;
    });
  },
  "com.microsoft:RemovePadding": removePadding,
  "com.microsoft:RestorePadding"([x, offsets]) {
    const [tokens = 1, width = 1] = x!.shape;
    const y = new Float64Array(offsets!.data.length * width);
    for (let token = 0; token < tokens; token++) {
      y.set(x!.data.subarray(token * width, (token + 1) * width), offsets!.data[token]! * width);
    }
    return array([...offsets!.shape, width], y);
  },
};
