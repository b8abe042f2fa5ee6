import { type Array64, array, at, build, type ReferenceOps } from "../tensor.ts";
import { attend, pack, turn } from "./attention.ts";

/** Attention with a cache in pages, by the description of ONNX Runtime: each entry of the cache by itself. */
export const microsoftPaged: ReferenceOps = {
  "com.microsoft:PagedAttention"(inputs, read, outputs) {
    const [q, k, v, keyCache, valueCache, ends, pasts, table, cos, sin, slots, sinks, queryNorm, keyNorm] = inputs;
    const [heads, groups] = [read.int("num_heads", 1), read.int("kv_num_heads", 1)];
    const isLatent = read.text("kv_cache_layout", "SEPARATE") === "LATENT";
    const [, block = 1, , size = 1] = keyCache!.shape;
    const valueSize = isLatent ? read.int("v_head_size", 0) || size : size;
    const tokens = q!.shape[0]!;
    const sequences = Array.from(pasts!.data, (past, b) => ({
      b,
      past,
      from: ends!.data[b]!,
      until: ends!.data[b + 1]!,
    }));
    const placeOf = (t: number) => {
      const { b, past, from } = sequences.find((one) => t >= one.from && t < one.until)!;
      return { b, place: past + t - from };
    };
    const slotOf = (b: number, place: number) => at(table!, [b, Math.floor(place / block)]) * block + (place % block);
    const headsOf = (x: Array64, from: number, count: number) =>
      build([1, count, tokens, size], ([, h = 0, t = 0, d = 0]) => at(x, [t, (from + h) * size + d]));
    const normed = (x: Array64, gain: Array64 | undefined) =>
      gain === undefined
        ? x
        : build(x.shape, (index) => {
            const head = Array.from({ length: size }, (_, d) => at(x, [...index.slice(0, 3), d]));
            const square = head.reduce((sum, value) => sum + value ** 2, 0) / size;
            return (at(x, index) / Math.sqrt(square + read.float("qk_norm_epsilon", 1e-6))) * gain.data[index[3]!]!;
          });
    const turned = (x: Array64) => {
      if (read.int("do_rotary", 0) === 0) return x;
      const offset = read.int("rotary_offset", 0);
      const rest = build([...x.shape.slice(0, 3), size - offset], ([, h = 0, t = 0, d = 0]) =>
        at(x, [0, h, t, offset + d]),
      );
      const own = turn(rest, 2 * cos!.shape[1]!, read.int("rotary_interleaved", 0) !== 0, ([, , t = 0], pair) => {
        const { place } = placeOf(t);
        return [at(cos!, [place, pair]), at(sin!, [place, pair])];
      });
      return build(x.shape, ([, h = 0, t = 0, d = 0]) =>
        d < offset ? at(x, [0, h, t, d]) : at(own, [0, h, t, d - offset]),
      );
    };
    const queries = turned(normed(headsOf(q!, 0, heads), queryNorm));
    const keys = turned(normed(headsOf(k ?? q!, k ? 0 : heads, groups), keyNorm));
    const written = (cache: Array64, x: Array64): Array64 => {
      const data = cache.data.slice();
      for (let t = 0; t < tokens; t++) {
        const { b, place } = placeOf(t);
        const slot = slots ? slots.data[t]! : slotOf(b, place);
        if (slot < 0) continue;
        for (let g = 0; g < groups; g++) {
          for (let d = 0; d < size; d++) data[(slot * groups + g) * size + d] = at(x, [0, g, t, d]);
        }
      }
      return array(cache.shape, data);
    };
    const keysNow = written(keyCache!, keys);
    const valuesNow = isLatent ? keysNow : written(valueCache!, headsOf(v ?? q!, v ? 0 : heads + groups, groups));
    const window = read.int("local_window_size", -1);
    const isCausal = read.int("is_causal", 1) !== 0;
    const results = sequences.map(({ b, past, from, until }) => {
      const of = (cache: Array64, width: number) =>
        build(
          [1, groups, past + until - from, width],
          ([, g = 0, j = 0, d = 0]) => cache.data[(slotOf(b, j) * groups + g) * size + d]!,
        );
      const { y } = attend({
        q: build([1, heads, until - from, size], ([, h = 0, i = 0, d = 0]) => at(queries, [0, h, from + i, d])),
        k: of(keysNow, size),
        v: of(valuesNow, valueSize),
        scale: read.float("scale", 0) || 1 / Math.sqrt(size),
        softcap: read.float("softcap", 0),
        sink: sinks && ((_b, h) => sinks.data[h]!),
        bias: ([, , i = 0, j = 0]) =>
          (isCausal && j > past + i) || (window > 0 && j <= past + i - window) ? -1e300 : 0,
      });
      return [...pack(y).data];
    });
    return [array([tokens, heads * valueSize], results.flat()), keysNow, valuesNow].slice(0, outputs);
  },
};
