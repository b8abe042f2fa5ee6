import { type Array64, array, at, build, type ReferenceOp, type ReferenceOps } from "../tensor.ts";

/** batch × length × (heads · size) as batch × heads × length × size. */
export function unpack(x: Array64, heads: number): Array64 {
  if (x.shape.length === 4) return x;
  const [batch = 1, length = 1, width = 1] = x.shape;
  const size = width / heads;
  return build([batch, heads, length, size], ([b = 0, h = 0, i = 0, d = 0]) => at(x, [b, i, h * size + d]));
}

/** The reverse. */
export function pack(x: Array64): Array64 {
  const [batch = 1, heads = 1, length = 1, size = 1] = x.shape;
  return build([batch, length, heads * size], ([b = 0, i = 0, e = 0]) => at(x, [b, Math.floor(e / size), i, e % size]));
}

/** Two tensors one after the other along axis 2. */
export function join(first: Array64 | undefined, second: Array64): Array64 {
  if (first === undefined) return second;
  const [batch = 1, heads = 1, length = 1, size = 1] = second.shape;
  const before = first.shape[2]!;
  return build([batch, heads, before + length, size], ([b = 0, h = 0, i = 0, d = 0]) =>
    i < before ? at(first, [b, h, i, d]) : at(second, [b, h, i - before, d]),
  );
}

/** The entry that a tensor of fewer or shorter axes has at an index, by broadcasting. */
export function spread(x: Array64, index: readonly number[]): number {
  const own = index.slice(index.length - x.shape.length);
  return at(
    x,
    own.map((i, axis) => (x.shape[axis] === 1 ? 0 : i)),
  );
}

export interface Attending {
  /** batch × heads × length × size; k and v may have fewer heads. */
  readonly q: Array64;
  readonly k: Array64;
  readonly v: Array64;
  readonly scale: number;
  readonly softcap?: number;
  /** What is added to a score. */
  readonly bias?: (index: readonly number[]) => number;
  /** A further score of a head without a value. */
  readonly sink?: ((batch: number, head: number) => number) | undefined;
}

/** Attention by its formula, with all that is between. A row whose biases are all −∞ has the result 0. */
export function attend({ q, k, v, scale, softcap = 0, bias = () => 0, sink }: Attending) {
  const [batch = 1, heads = 1, rows = 1, size = 1] = q.shape;
  const [, groups = 1, columns = 1] = k.shape;
  const shape = [batch, heads, rows, columns];
  const group = (head: number) => Math.floor(head / (heads / groups));
  const scores = build(shape, ([b = 0, h = 0, i = 0, j = 0]) => {
    let sum = 0;
    for (let d = 0; d < size; d++) sum += at(q, [b, h, i, d]) * at(k, [b, group(h), j, d]);
    return sum * scale;
  });
  const capped =
    softcap > 0
      ? array(
          shape,
          scores.data.map((s) => softcap * Math.tanh(s / softcap)),
        )
      : scores;
  const biased = build(shape, (index) => at(capped, index) + bias(index));
  const probabilities = build(shape, ([b = 0, h = 0, i = 0, j = 0]) => {
    const all = Array.from({ length: columns }, (_, other) => at(biased, [b, h, i, other]));
    if (all.every((s) => s === Number.NEGATIVE_INFINITY)) return 0;
    if (sink !== undefined) all.push(sink(b, h));
    const most = Math.max(...all);
    return Math.exp(all[j]! - most) / all.reduce((sum, s) => sum + Math.exp(s - most), 0);
  });
  const y = build([batch, heads, rows, v.shape[3]!], ([b = 0, h = 0, i = 0, e = 0]) => {
    let sum = 0;
    for (let j = 0; j < columns; j++) sum += at(probabilities, [b, h, i, j]) * at(v, [b, group(h), j, e]);
    return sum;
  });
  return { y, scores, capped, biased, probabilities };
}

/** Turns pairs of entries of the last axis by the angles that `angle` gives for a place of the others. */
export function turn(
  x: Array64,
  turning: number,
  interleaved: boolean,
  angle: (index: readonly number[], pair: number) => readonly [cos: number, sin: number],
): Array64 {
  const half = turning / 2;
  return build(x.shape, (index) => {
    const d = index.at(-1)!;
    const own = at(x, index);
    if (d >= turning) return own;
    const isFirst = interleaved ? d % 2 === 0 : d < half;
    const pair = interleaved ? Math.floor(d / 2) : d % half;
    const partner = interleaved ? d ^ 1 : (d + half) % turning;
    const other = at(x, [...index.slice(0, -1), partner]);
    const [cos, sin] = angle(index, pair);
    return isFirst ? own * cos - other * sin : own * cos + other * sin;
  });
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** The attention operators of ONNX, by the text of their schemas. */
export const attention: ReferenceOps = {
  Attention([q, k, v, mask, pastKey, pastValue, nonpad], read, outputs) {
    const heads = read.int("q_num_heads", 1);
    const groups = read.int("kv_num_heads", 1);
    const query = unpack(q!, heads);
    const key = join(pastKey, unpack(k!, groups));
    const value = join(pastValue, unpack(v!, groups));
    const rows = query.shape[2]!;
    const [left, right] = [read.int("left_window_size", -1), read.int("right_window_size", -1)];
    const isCausal = read.int("is_causal", 0) !== 0;
    const masked = (index: readonly number[]): number => {
      const [b = 0, , i = 0, j = 0] = index;
      const valid = nonpad?.data[b];
      const position = i + (valid === undefined ? (pastKey?.shape[2] ?? 0) : valid - rows);
      const isHidden =
        (valid !== undefined && j >= valid) ||
        (isCausal && j > position) ||
        (left >= 0 && j < position - left) ||
        (right >= 0 && j > position + right);
      if (isHidden) return Number.NEGATIVE_INFINITY;
      if (mask === undefined) return 0;
      if (j >= mask.shape.at(-1)! && mask.shape.at(-1) !== 1) return Number.NEGATIVE_INFINITY;
      const entry = spread(mask, index);
      return mask.type === "bool" ? (entry ? 0 : Number.NEGATIVE_INFINITY) : entry;
    };
    const all = attend({
      q: query,
      k: key,
      v: value,
      scale: read.float("scale", 1 / Math.sqrt(query.shape[3]!)),
      softcap: read.float("softcap", 0),
      bias: masked,
    });
    const shown = [all.scores, all.capped, all.biased, all.probabilities][read.int("qk_matmul_output_mode", 0)]!;
    return [q!.shape.length === 3 ? pack(all.y) : all.y, key, value, shown].slice(0, outputs);
  },
  RotaryEmbedding([x, cosCache, sinCache, positions], read) {
    const heads = read.int("num_heads", 1);
    const parted = unpack(x!, heads);
    const turning = read.int("rotary_embedding_dim", 0) || parted.shape[3]!;
    const turned = turn(parted, turning, read.int("interleaved", 0) !== 0, ([b = 0, , i = 0], pair) => {
      const place = positions === undefined ? [b, i, pair] : [at(positions, [b, i]), pair];
      return [at(cosCache!, place), at(sinCache!, place)];
    });
    return x!.shape.length === 3 ? pack(turned) : turned;
  },
  LinearAttention([q, k, v, past, decay, beta], read) {
    const [asked, groups] = [read.int("q_num_heads", 1), read.int("kv_num_heads", 1)];
    const heads = Math.max(asked, groups);
    const query = unpack(q!, asked);
    const [batch = 1, , length = 1, size = 1] = query.shape;
    const ofKeys = k!.shape[2]! / size;
    const [key, value] = [unpack(k!, ofKeys), unpack(v!, groups)];
    const keyOf = (g: number) => Math.floor(g / (groups / ofKeys));
    const width = value.shape[3]!;
    const rule = read.text("update_rule", "gated_delta");
    const scale = read.float("scale", 0) || 1 / Math.sqrt(size);
    const ofState = batch * groups * size * width;
    const window = read.int("state_window", 0);
    const S = past ? past.data.slice(past.data.length - ofState) : new Float64Array(ofState);
    const states: Float64Array[] = [];
    const place = (b: number, g: number, d: number, e: number) => ((b * groups + g) * size + d) * width + e;
    const y = array([batch, heads, length, width], new Float64Array(batch * heads * length * width));
    for (let t = 0; t < length; t++) {
      for (let b = 0; b < batch; b++) {
        for (let g = 0; g < groups; g++) {
          const gate = (d: number) => {
            const last = decay!.shape[2]!;
            return Math.exp(at(decay!, [b, t, last === groups ? g : g * size + d]));
          };
          if (rule.startsWith("gated")) {
            for (let d = 0; d < size; d++) for (let e = 0; e < width; e++) S[place(b, g, d, e)]! *= gate(d);
          }
          const news = Array.from({ length: width }, (_, e) => {
            if (!rule.endsWith("delta")) return at(value, [b, g, t, e]);
            let known = 0;
            for (let d = 0; d < size; d++) known += S[place(b, g, d, e)]! * at(key, [b, keyOf(g), t, d]);
            return spread(beta!, [b, t, g]) * (at(value, [b, g, t, e]) - known);
          });
          for (let d = 0; d < size; d++) {
            for (let e = 0; e < width; e++) S[place(b, g, d, e)]! += at(key, [b, keyOf(g), t, d]) * news[e]!;
          }
        }
        for (let h = 0; h < heads; h++) {
          const g = Math.floor(h / (heads / groups));
          for (let e = 0; e < width; e++) {
            let sum = 0;
            for (let d = 0; d < size; d++)
              sum += at(query, [b, Math.floor(h / (heads / asked)), t, d]) * S[place(b, g, d, e)]!;
            y.data[((b * heads + h) * length + t) * width + e] = scale * sum;
          }
        }
      }
      states.push(S.slice());
    }
    if (window === 0) return [pack(y), array([batch, groups, size, width], S)];
    const kept = Array.from({ length: window }, (_, slot) => [
      ...(states[length - window + slot] ?? new Float64Array(ofState)),
    ]);
    return [pack(y), array([window, batch, groups, size, width], kept.flat())];
  },
  CausalConvWithState([x, weight, bias, past], read, outputs) {
    const [channels = 1, , width = 1] = weight!.shape;
    const isLast = read.int("channels_last", 0) !== 0;
    const stateIsLast = read.int("state_channels_last", -1) < 0 ? isLast : read.int("state_channels_last", -1) === 1;
    const [batch = 1] = x!.shape;
    const length = x!.shape[isLast ? 1 : 2]!;
    const across = x!.data.length / (batch * length);
    const from = read.int("input_channel_offset", 0);
    const step = read.int("dilation", 1);
    const before = (width - 1) * step;
    const held = read.int("state_length", 0) || before;
    const window = read.int("state_window", 0);
    const ofState = batch * channels * held;
    const lastSlot = past?.data.slice(past.data.length - ofState);
    const place = (b: number, c: number, i: number) =>
      stateIsLast ? (b * held + i) * channels + c : (b * channels + c) * held + i;
    const entry = (b: number, c: number, i: number) => {
      if (i < 0) return i < -held ? 0 : (lastSlot?.[place(b, c, held + i)] ?? 0);
      return x!.data[isLast ? (b * length + i) * across + from + c : (b * channels + c) * length + i]!;
    };
    const all = build([batch, channels, length], ([b = 0, c = 0, i = 0]) => {
      let sum = bias?.data[c] ?? 0;
      for (let j = 0; j < width; j++) sum += at(weight!, [c, 0, j]) * entry(b, c, i + j * step - before);
      return read.text("activation", "none") === "none" ? sum : sum * sigmoid(sum);
    });
    const outer = isLast && across === channels ? x!.shape.slice(2) : [channels];
    const y = isLast
      ? array(
          [batch, length, ...outer],
          build([batch, length, channels], ([b = 0, i = 0, c = 0]) => at(all, [b, c, i])).data,
        )
      : all;
    const state = new Float64Array(Math.max(window, 1) * ofState);
    for (let slot = 0; slot < Math.max(window, 1); slot++) {
      const places = window === 0 ? length : length - window + slot + 1;
      if (places <= 0) continue;
      for (let b = 0; b < batch; b++) {
        for (let c = 0; c < channels; c++) {
          for (let i = 0; i < held; i++) state[slot * ofState + place(b, c, i)] = entry(b, c, places - held + i);
        }
      }
    }
    const ofOne = stateIsLast ? [batch, held, ...(isLast ? outer : [channels])] : [batch, channels, held];
    const capacity = read.int("state_update_capacity", 0);
    const update = build([batch, capacity, channels], ([b = 0, i = 0, c = 0]) => (i < length ? entry(b, c, i) : 0));
    return [y, array(window === 0 ? ofOne : [window, ...ofOne], state), update].slice(0, outputs);
  },
  Swish([x], read) {
    const alpha = read.float("alpha", 1);
    return build(x!.shape, (index) => at(x!, index) * sigmoid(alpha * at(x!, index)));
  },
  SwiGLU([a, b], read) {
    const alpha = read.float("alpha", 1);
    return build(a!.shape, (index) => at(a!, index) * sigmoid(alpha * at(a!, index)) * at(b!, index));
  },
  "ai.onnx.preview:FlexAttention": ([q, k, v], read) =>
    attend({ q: q!, k: k!, v: v!, scale: read.float("scale", 1 / Math.sqrt(q!.shape[3]!)) }).y,
  RMSNormalization: rmsNormalization,
  SimplifiedLayerNormalization: rmsNormalization,
  "com.microsoft:SimplifiedLayerNormalization": rmsNormalization,
};

function rmsNormalization(...[[x, scale], read, outputs]: Parameters<ReferenceOp>): readonly Array64[] {
  const axis = read.int("axis", -1);
  const first = axis < 0 ? axis + x!.shape.length : axis;
  const count = x!.shape.slice(first).reduce((product, extent) => product * extent, 1);
  const inverse = build(
    x!.shape.map((extent, d) => (d < first ? extent : 1)),
    (_index, row) => {
      const squares = x!.data.subarray(row * count, (row + 1) * count).reduce((sum, value) => sum + value * value, 0);
      return 1 / Math.sqrt(squares / count + read.float("epsilon", 1e-5));
    },
  );
  const y = build(
    x!.shape,
    (index, place) => x!.data[place]! * inverse.data[Math.floor(place / count)]! * spread(scale!, index),
  );
  return [y, inverse].slice(0, outputs);
}
