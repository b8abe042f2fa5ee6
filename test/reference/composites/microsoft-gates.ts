import { type Array64, array, at, build, each, type ReferenceOps, zip } from "../tensor.ts";
import { attend, join, pack, spread, turn, unpack } from "./attention.ts";

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const softplus = (x: number) => Math.log1p(Math.exp(x));

/** Parts of the last axis, as long as a scale's last axis, in units of their root mean square, times the scale. */
function normalized(x: Array64, scale: Array64, epsilon: number): Array64 {
  const width = scale.shape.at(-1)!;
  return build(x.shape, (index, place) => {
    const start = place - (place % width);
    const square = x.data.subarray(start, start + width).reduce((sum, value) => sum + value ** 2, 0) / width;
    const own = scale.shape.length === 1 ? scale.data[place % width]! : spread(scale, index);
    return (x.data[place]! / Math.sqrt(square + epsilon)) * own;
  });
}

/** Rows of length × batch × width as batch × length × width, and the reverse. */
const swapped = (x: Array64): Array64 =>
  build([x.shape[1]!, x.shape[0]!, x.shape[2]!], ([b = 0, i = 0, e = 0]) => at(x, [i, b, e]));

/** x W + b, with some columns of W and b. */
const projected = (x: Array64, weight: Array64, bias: Array64, from: number, ofBias: number, width: number): Array64 =>
  build([x.shape[0]!, x.shape[1]!, width], ([b = 0, i = 0, e = 0]) => {
    let sum = bias.data[ofBias + e]!;
    for (let d = 0; d < x.shape[2]!; d++) sum += at(x, [b, i, d]) * at(weight, [d, from + e]);
    return sum;
  });

/** Gates, rotations, and attention that projects its input, by the description of ONNX Runtime. */
export const microsoftGates: ReferenceOps = {
  "com.microsoft:GatedRMSNorm"([x, scale, gate], read) {
    const open = read.text("activation", "silu") === "sigmoid" ? sigmoid : (z: number) => z * sigmoid(z);
    return zip([normalized(x!, scale!, read.float("epsilon", 1e-5)), each(gate!, open)], (a = 0, b = 0) => a * b);
  },
  "com.microsoft:GatedAdd"([x, y, gate, weights]) {
    const inner = gate!.shape.at(-1)!;
    return build(x!.shape, (index) => {
      const row = [...index.slice(0, -1)];
      let open = at(gate!, [...row, 0]);
      if (weights !== undefined) {
        let sum = 0;
        for (let d = 0; d < inner; d++) sum += at(gate!, [...row, d]) * weights.data[d]!;
        open = sigmoid(sum);
      }
      return at(x!, index) + open * at(y!, index);
    });
  },
  "com.microsoft:EngramGate"([key, query, value, keyScale, queryScale, valueScale], read, outputs) {
    const epsilon = read.float("epsilon", 1e-5);
    const [k, q] = [normalized(key!, keyScale!, epsilon), normalized(query!, queryScale!, epsilon)];
    const size = key!.shape.at(-1)!;
    const y = build(key!.shape, ([b = 0, t = 0, h = 0, e = 0]) => {
      let dot = 0;
      for (let d = 0; d < size; d++) dot += at(k, [b, t, h, d]) * at(q, [b, t, h, d]);
      dot /= Math.sqrt(size);
      return sigmoid(Math.sign(dot) * Math.sqrt(Math.max(Math.abs(dot), 1e-6))) * at(value!, [b, t, e]);
    });
    return outputs > 1 ? [y, normalized(y, valueScale!, epsilon)] : y;
  },
  "com.microsoft:LinearAttentionGate"([a, bias, scale, b], _read, outputs) {
    const decay = zip([a!, bias!, scale!], (x = 0, y = 0, z = 0) => z * softplus(x + y));
    return outputs > 1 ? [decay, each(b!, sigmoid)] : decay;
  },
  "com.microsoft:GemmaRotaryEmbedding"([angles, q, qTurned, k, kTurned], _read, outputs) {
    const embedded = (x: Array64, turned: Array64) =>
      build(x.shape, (index) => {
        const [b = 0, , i = 0, d = 0] = index;
        const angle = at(angles!, [b, i, d]);
        return at(x, index) * Math.cos(angle) + at(turned, index) * Math.sin(angle);
      });
    return [embedded(q!, qTurned!), embedded(k!, kTurned!)].slice(0, outputs);
  },
  "com.microsoft:MRotaryEmbedding"([x, positions, cos, sin], read) {
    const half = cos!.shape[1]!;
    const turning = read.int("rotary_embedding_dim", 0) || 2 * half;
    const heads = read.int("num_heads", 0) || (x!.shape.length === 3 ? x!.shape[2]! / turning : 1);
    const [time = 0, height = 0, width = 0] = read.ints("mrope_section") ?? [];
    // T everywhere; then H and W over it.
    const streams = Array.from({ length: half }, () => 0);
    if (read.int("mrope_layout", 0) === 1) {
      for (let pair = 1; pair < height * 3; pair += 3) streams[pair] = 1;
      for (let pair = 2; pair < width * 3; pair += 3) streams[pair] = 2;
    } else streams.fill(1, time, time + height).fill(2, time + height);
    const turned = turn(unpack(x!, heads), turning, read.int("interleaved", 0) !== 0, ([b = 0, , i = 0], pair) => {
      const place = at(positions!, [streams[pair]!, b, i]);
      return [at(cos!, [place, pair]), at(sin!, [place, pair])];
    });
    const y = x!.shape.length === 3 ? pack(turned) : turned;
    return each(y, (value) => value * read.float("scale", 1));
  },
  "com.microsoft:DecoderAttention"(inputs, read, outputs) {
    const [query, key, qWeight, kvWeight, bias, mask, keyCache, valueCache, ...flags] = inputs;
    const [isStatic, usesPast, hasState, hasMask] = flags.map((flag) => flag!.data[0] !== 0);
    const heads = read.int("num_heads", 1);
    const width = query!.shape[2]!;
    const q = unpack(projected(swapped(query!), qWeight!, bias!, 0, 0, width), heads);
    const isCached = usesPast && hasState;
    const of = (cache: Array64 | undefined, from: number): Array64 => {
      if (isCached && isStatic) return cache!;
      const own = projected(swapped(isStatic ? key! : query!), kvWeight!, bias!, from, width + from, width);
      return join(isCached ? cache : undefined, unpack(own, heads));
    };
    const [k, v] = [of(keyCache, 0), of(valueCache, width)];
    const filter = read.float("mask_filter_value", -10000);
    const { y } = attend({
      q,
      k,
      v,
      scale: 1 / Math.sqrt(width / heads),
      bias: ([b = 0, , , j = 0]) => (hasMask && at(mask!, [b, j]) !== 0 ? filter : 0),
    });
    return [swapped(pack(y)), k, v].slice(0, outputs);
  },
  "com.microsoft:LongformerAttention"([x, weight, bias, mask, globalWeight, globalBias, marks], read) {
    const heads = read.int("num_heads", 1);
    const window = read.int("window", 0);
    const [batch = 1, length = 1, width = 1] = x!.shape;
    const scale = 1 / Math.sqrt(width / heads);
    const of = (w: Array64, b: Array64, isSeen: (index: readonly number[]) => boolean) => {
      const [q, k, v] = [0, 1, 2].map((i) => unpack(projected(x!, w, b, i * width, i * width, width), heads)) as [
        Array64,
        Array64,
        Array64,
      ];
      return attend({ q, k, v, scale, bias: (index) => (isSeen(index) ? at(mask!, [index[0]!, index[3]!]) : -1e300) })
        .y;
    };
    const isGlobal = (b: number, i: number) => at(marks!, [b, i]) !== 0;
    const local = of(weight!, bias!, ([b = 0, , i = 0, j = 0]) => Math.abs(i - j) <= window || isGlobal(b, j));
    const global = of(globalWeight!, globalBias!, () => true);
    const y = build([batch, heads, length, width / heads], (index) =>
      at(isGlobal(index[0]!, index[2]!) ? global : local, index),
    );
    return array([batch, length, width], pack(y).data);
  },
};
