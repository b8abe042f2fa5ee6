import { type Array64, array, at, build, type ReferenceOps } from "../tensor.ts";
import { attend, join, pack, spread, turn, unpack } from "./attention.ts";

/** Columns of the last axis of a tensor of three axes. */
const columns = (x: Array64, from: number, width: number): Array64 =>
  build([x.shape[0]!, x.shape[1]!, width], ([b = 0, i = 0, e = 0]) => at(x, [b, i, from + e]));

const NONE = -1e300;

/** What masks of whole numbers, as ONNX Runtime defines them, add to a score. */
function masked(mask: Array64 | undefined, batch: number, past: number, filter: number) {
  return ([b = 0, , i = 0, j = 0]: readonly number[]): number => {
    if (mask === undefined) return 0;
    const [first = 0] = mask.shape;
    switch (mask.shape.length) {
      case 1:
        return j < mask.data[b]! && (first !== 2 * batch || j >= mask.data[batch + b]!) ? 0 : filter;
      case 2:
        return at(mask, [b, j]) > 0 ? 0 : filter;
      case 3:
        return at(mask, [b, i, j]) > 0 ? 0 : filter;
      default:
        return at(mask, [b, 0, past + i, j]) > 0 ? 0 : filter;
    }
  };
}

/** The parts that may be packed in one tensor: queries, keys and values, or keys and values. */
function parts(q: Array64, k: Array64 | undefined, v: Array64 | undefined, heads: number): Array64[] {
  const one = (x: Array64, index: number) =>
    build([x.shape[0]!, x.shape[1]!, heads * x.shape[4]!], ([b = 0, i = 0, e = 0]) =>
      at(x, [b, i, Math.floor(e / x.shape[4]!), index, e % x.shape[4]!]),
    );
  if (q.shape.length === 5) return [one(q, 0), one(q, 1), one(q, 2)];
  if (k === undefined) {
    const width = q.shape[2]! / 3;
    return [columns(q, 0, width), columns(q, width, width), columns(q, 2 * width, width)];
  }
  if (k!.shape.length === 5) return [q, one(k!, 0), one(k!, 1)];
  return [q, k!, v!];
}

const multiHead =
  (places: Readonly<Record<"bias" | "keys" | "added" | "past", number>>): ReferenceOps[string] =>
  (inputs, read, outputs) => {
    const heads = read.int("num_heads", 1);
    const [q, k, v] = parts(inputs[0]!, inputs[1], inputs[2], heads) as [Array64, Array64, Array64];
    const bias = inputs[places.bias];
    const moved = (x: Array64, from: number) =>
      bias === undefined || x.shape.length === 4
        ? x
        : build(x.shape, (index) => at(x, index) + bias.data[from + index[2]!]!);
    const width = q.shape[2]!;
    const kWidth = k.shape.length === 4 ? 0 : k.shape[2]!;
    const query = unpack(moved(q, 0), heads);
    const [pastKey, pastValue, length] = [0, 1, 2].map((i) => inputs[places.past + i]);
    const past = length?.data[0] ?? pastKey?.shape[2] ?? 0;
    const [ownKey, ownValue] = [unpack(moved(k, width), heads), unpack(moved(v, width + kWidth), heads)];
    const [key, value] = [joinAt(pastKey, ownKey, past), joinAt(pastValue, ownValue, past)];
    const mask = masked(inputs[places.keys], query.shape[0]!, past, read.float("mask_filter_value", -10000));
    const added = inputs[places.added];
    const isCausal = read.int("unidirectional", 0) !== 0;
    const all = attend({
      q: query,
      k: key,
      v: value,
      scale: read.float("scale", 0) || 1 / Math.sqrt(query.shape[3]!),
      bias: (index) =>
        mask(index) + (added ? spread(added, index) : 0) + (isCausal && index[3]! > index[2]! + past ? NONE : 0),
    });
    return [pack(all.y), filled(pastKey, key), filled(pastValue, value), all.scores].slice(0, outputs);
  };

/** The first entries of a cache along its axis 2, and then others. */
function joinAt(cache: Array64 | undefined, x: Array64, past: number): Array64 {
  if (cache === undefined || past === 0) return x;
  const [batch = 1, heads = 1, , size = 1] = cache.shape;
  return join(
    build([batch, heads, past, size], (index) => at(cache, index)),
    x,
  );
}

/** A cache whose first entries are replaced; it grows if it is shorter. */
function filled(cache: Array64 | undefined, x: Array64): Array64 {
  if (cache === undefined || cache.shape[2]! <= x.shape[2]!) return x;
  return build(cache.shape, (index) => at(index[2]! < x.shape[2]! ? x : cache, index));
}

/** The attention operators of ONNX Runtime, by its description of them. */
export const microsoftAttention: ReferenceOps = {
  "com.microsoft:Attention"([x, weights, bias, mask, past, added], read, outputs) {
    const heads = read.int("num_heads", 1);
    const [batch = 1, rows = 1, inner = 1] = x!.shape;
    const total = weights!.shape[1]!;
    const widths = read.ints("qkv_hidden_sizes") ?? [total / 3, total / 3, total / 3];
    const projected = build([batch, rows, total], ([b = 0, i = 0, e = 0]) => {
      let sum = bias?.data[e] ?? 0;
      for (let d = 0; d < inner; d++) sum += at(x!, [b, i, d]) * at(weights!, [d, e]);
      return sum;
    });
    const starts = [0, widths[0]!, widths[0]! + widths[1]!];
    const [query, ownKey, ownValue] = starts.map((from, i) => unpack(columns(projected, from, widths[i]!), heads));
    const half = (index: number) => {
      if (past === undefined) return undefined;
      const shape = past.shape.slice(1);
      const size = shape.reduce((product, extent) => product * extent, 1);
      return array(shape, past.data.subarray(index * size, (index + 1) * size));
    };
    const [key, value] = [join(half(0), ownKey!), join(half(1), ownValue!)];
    const before = past?.shape[3] ?? 0;
    const hides = masked(mask, batch, before, read.float("mask_filter_value", -10000));
    const isCausal = read.int("unidirectional", 0) !== 0;
    const { y } = attend({
      q: query!,
      k: key,
      v: value,
      scale: read.float("scale", 0) || 1 / Math.sqrt(query!.shape[3]!),
      bias: (index) =>
        hides(index) + (added ? spread(added, index) : 0) + (isCausal && index[3]! > index[2]! + before ? NONE : 0),
    });
    if (outputs === 1) return pack(y);
    const present = array([2, ...key.shape], Float64Array.from([...key.data, ...value.data]));
    return [pack(y), present];
  },
  "com.microsoft:MultiHeadAttention": multiHead({ bias: 3, keys: 4, added: 5, past: 6 })!,
  "com.microsoft:DecoderMaskedMultiHeadAttention": multiHead({ keys: 3, added: 4, past: 5, bias: 10 })!,
  "com.microsoft:GroupQueryAttention"(inputs, read, outputs) {
    const [q, k, v, pastKey, pastValue, counts, total, cos, sin, positions, added, sinks] = inputs;
    const [heads, groups] = [read.int("num_heads", 1), read.int("kv_num_heads", 1)];
    const isPacked = k === undefined;
    const size = q!.shape[2]! / (isPacked ? heads + 2 * groups : heads);
    const part = (x: Array64 | undefined, from: number, count: number) =>
      unpack(isPacked ? columns(q!, from * size, count * size) : x!, count);
    const rows = q!.shape[1]!;
    const buffer = pastKey?.shape[2] ?? 0;
    const pastOf = (b: number) =>
      buffer === 0 ? 0 : Math.max(0, counts!.data[b]! + 1 - (inputs[16]?.data[b] ?? rows));
    const length = rows + Math.max(...Array.from(counts!.data, (_, b) => pastOf(b)));
    const turning = cos ? 2 * cos.shape[1]! : 0;
    const turned = (x: Array64) =>
      read.int("do_rotary", 0) === 0
        ? x
        : turn(x, turning, read.int("rotary_interleaved", 0) !== 0, ([b = 0, , i = 0], pair) => {
            const place = positions === undefined ? pastOf(b) + i : at(positions, [b, i]);
            return [at(cos!, [place, pair]), at(sin!, [place, pair])];
          });
    const normed = (x: Array64, gain: Array64 | undefined) => {
      if (gain === undefined) return x;
      const epsilon = read.float("qk_norm_epsilon", 1e-6);
      return build(x.shape, (index) => {
        const head = Array.from({ length: size }, (_, d) => at(x, [...index.slice(0, 3), d]));
        const square = head.reduce((sum, value) => sum + value ** 2, 0) / size;
        return (at(x, index) / Math.sqrt(square + epsilon)) * gain.data[index[3]!]!;
      });
    };
    const query = turned(normed(part(q, 0, heads), inputs[14]));
    const joined = (before: Array64 | undefined, x: Array64, columns: number) =>
      build([x.shape[0]!, groups, columns, size], ([b = 0, g = 0, j = 0, d = 0]) => {
        const past = pastOf(b);
        if (j < past) return at(before!, [b, g, j, d]);
        return j < past + rows ? at(x, [b, g, j - past, d]) : 0;
      });
    const ownKey = turned(normed(part(k, heads, groups), inputs[15]));
    const ownValue = part(v, heads + groups, groups);
    const [key, value] = [joined(pastKey, ownKey, length), joined(pastValue, ownValue, length)];
    const window = read.int("local_window_size", -1);
    const isCausal = read.int("causal", 1) !== 0;
    const isHidden = ([b = 0, , i = 0, j = 0]: readonly number[]): boolean => {
      const place = pastOf(b) + i;
      return (isCausal && j > place) || (window > 0 && j <= place - window) || j > counts!.data[b]!;
    };
    const all = attend({
      q: query,
      k: key,
      v: value,
      scale: read.float("scale", 0) || 1 / Math.sqrt(size),
      softcap: read.float("softcap", 0),
      sink: sinks ? (_b, h) => sinks.data[h]! : read.int("smooth_softmax", 0) > 0 ? () => 0 : undefined,
      bias: (index) => (isHidden(index) ? NONE : added ? spread(added, index) : 0),
    });
    const room = Math.max(buffer, total!.data[0]!);
    const seen = build(all.capped.shape, (index) => (isHidden(index) ? 0 : at(all.capped, index)));
    const shown = read.int("qk_output", 0) === 2 ? all.probabilities : seen;
    return [pack(all.y), joined(pastKey, ownKey, room), joined(pastValue, ownValue, room), shown].slice(0, outputs);
  },
  "com.microsoft:SparseAttention"(inputs, read, outputs) {
    const [q, k, v, pastKey, pastValue, starts, blocks, , lengths, cos, sin] = inputs;
    const [heads, groups] = [read.int("num_heads", 1), read.int("kv_num_heads", 1)];
    const size = pastKey!.shape[3]!;
    const rows = q!.shape[1]!;
    const past = lengths!.data[0]! - rows;
    const part = (x: Array64 | undefined, from: number, count: number) =>
      unpack(x === undefined ? columns(q!, from * size, count * size) : x, count);
    const turned = (x: Array64) =>
      read.int("do_rotary", 0) === 0
        ? x
        : turn(x, 2 * cos!.shape[1]!, read.int("rotary_interleaved", 0) !== 0, ([, , i = 0], pair) => [
            at(cos!, [past + i, pair]),
            at(sin!, [past + i, pair]),
          ]);
    const key = joinAt(pastKey, turned(part(k, heads, groups)), past);
    const value = joinAt(pastValue, part(v, heads + groups, groups), past);
    const block = read.int("sparse_block_size", 64);
    const { y } = attend({
      q: turned(part(k === undefined ? undefined : q, 0, heads)),
      k: key,
      v: value,
      scale: read.float("scale", 0) || 1 / Math.sqrt(size),
      bias: ([, h = 0, i = 0, j = 0]) => {
        const layout = h % starts!.shape[0]!;
        const row = Math.floor((past + i) / block);
        const [from, until] = [at(starts!, [layout, row]), at(starts!, [layout, row + 1])];
        const own = Array.from({ length: until - from }, (_, n) => at(blocks!, [layout, from + n]));
        return j <= past + i && own.includes(Math.floor(j / block)) ? 0 : NONE;
      },
    });
    return [pack(y), filled(pastKey, key), filled(pastValue, value)].slice(0, outputs);
  },
  "com.microsoft:RotaryEmbedding"([x, positions, cos, sin], read) {
    const turning = read.int("rotary_embedding_dim", 0) || 2 * cos!.shape[1]!;
    const heads = read.int("num_heads", 0) || (x!.shape.length === 3 ? x!.shape[2]! / turning : 1);
    const scale = read.float("scale", 1);
    const turned = turn(unpack(x!, heads), turning, read.int("interleaved", 0) !== 0, ([b = 0, , i = 0], pair) => {
      const place = positions!.shape.length === 1 ? positions!.data[0]! + i : at(positions!, [b, i]);
      return [at(cos!, [place, pair]), at(sin!, [place, pair])];
    });
    const y = x!.shape.length === 3 ? pack(turned) : turned;
    return array(
      y.shape,
      y.data.map((value) => value * scale),
    );
  },
};
