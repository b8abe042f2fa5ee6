import { type Array64, array, at, build, each, type ReferenceOps } from "../tensor.ts";

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const softplus = (x: number) => Math.log1p(Math.exp(x));

/** Which tokens belong to each sequence: between neighbouring ends, or equal parts. */
const rangesOf = (ends: Array64 | undefined, tokens: number, batch: number): (readonly [number, number])[] =>
  Array.from({ length: ends ? ends.data.length - 1 : batch }, (_, b) =>
    ends ? [ends.data[b]!, ends.data[b + 1]!] : [(b * tokens) / batch, ((b + 1) * tokens) / batch],
  );

/** Sequences that are packed one after the other, by the description of ONNX Runtime: token by token. */
export const microsoftVarlen: ReferenceOps = {
  "com.microsoft:VarlenCausalConvWithState"([x, weight, ends, bias, past, captured], read, outputs) {
    const [tokens = 1, channels = 1] = x!.shape;
    const width = weight!.shape[2]!;
    const step = read.int("dilation", 1);
    const held = (width - 1) * step;
    const ranges = rangesOf(ends, tokens, 1);
    const sequenceOf = (t: number) => ranges.findIndex(([from, until]) => t >= from && t < until);
    const entry = (b: number, c: number, i: number) =>
      i >= 0 ? at(x!, [ranges[b]![0] + i, c]) : at(past!, [b, c, held + i]);
    const y = build([tokens, channels], ([t = 0, c = 0]) => {
      const b = sequenceOf(t);
      let sum = bias?.data[c] ?? 0;
      for (let j = 0; j < width; j++) {
        sum += at(weight!, [c, 0, j]) * entry(b, c, t - ranges[b]![0] - (width - 1 - j) * step);
      }
      return read.text("activation", "none") === "none" ? sum : sum * sigmoid(sum);
    });
    const state = build(past!.shape, ([b = 0, c = 0, i = 0]) => {
      const [from, until] = ranges[b]!;
      return entry(b, c, until - from - held + i);
    });
    const capacity = read.int("state_update_capacity", 0);
    const update = build([ranges.length, capacity, channels], ([b = 0, i = 0, c = 0]) => {
      const [from, until] = ranges[b]!;
      return i < Math.min(captured!.data[b]!, until - from) ? entry(b, c, i) : 0;
    });
    return [y, state, update].slice(0, outputs);
  },
  "com.microsoft:GatedDeltaNet"([q, k, v, ends, decay, beta, start, rates, shifts], read, outputs) {
    const isFlat = k === undefined;
    const [heads = 1, valueSize = 1, size = 1] = isFlat
      ? start!.shape.slice(1)
      : [...v!.shape.slice(-2), q!.shape.at(-1)!];
    const groups = isFlat ? (q!.shape.at(-1)! - heads * valueSize) / (2 * size) : q!.shape.at(-2)!;
    const tokens = v ? v.data.length / (heads * valueSize) : q!.data.length / q!.shape.at(-1)!;
    const row = isFlat ? q!.shape.at(-1)! : groups * size;
    const unit = (x: Array64, from: number, of: number, t: number, g: number): number[] => {
      const own = [...x.data.subarray(t * of + from + g * size, t * of + from + (g + 1) * size)];
      const norm = read.int("qk_l2_norm", 0) === 1 ? Math.hypot(...own) : 1;
      return own.map((value) => value / norm);
    };
    const query = (t: number, h: number) => unit(q!, 0, row, t, Math.floor(h / (heads / groups)));
    const key = (t: number, h: number) =>
      unit(k ?? q!, isFlat ? groups * size : 0, row, t, Math.floor(h / (heads / groups)));
    const value = (t: number, h: number, e: number) =>
      v ? v.data[(t * heads + h) * valueSize + e]! : q!.data[t * row + 2 * groups * size + h * valueSize + e]!;
    const ofDecay = decay ? decay.data.length / tokens : 0;
    const gate = (t: number, h: number, d: number): number => {
      const place = ofDecay === heads ? h : h * size + d;
      const raw = decay!.data[t * ofDecay + place]!;
      const kind = read.text("gate_activation", "none");
      if (kind === "none") return raw;
      const moved = raw + shifts!.data[shifts!.data.length === heads ? h : place]!;
      const rate = Math.exp(rates!.data[h]!);
      return kind === "softplus" ? -rate * softplus(moved) : read.float("gate_lower_bound", -5) * sigmoid(rate * moved);
    };
    const rule = read.text("update_rule", "gated_delta");
    const isSigmoid = read.text("beta_activation", "none") === "sigmoid";
    const learned = beta && (isSigmoid ? each(beta, sigmoid) : beta);
    const scale = read.float("scale", 0) || 1 / Math.sqrt(size);
    const ranges = rangesOf(ends, tokens, start?.shape[0] ?? 1);
    const y = new Float64Array(tokens * heads * valueSize);
    const states = ranges.map(([from, until], b) =>
      Array.from({ length: heads }, (_, h) => {
        const S = Array.from({ length: size }, (_, d) =>
          Array.from({ length: valueSize }, (_, e) => (start ? at(start, [b, h, e, d]) : 0)),
        );
        for (let t = from; t < until; t++) {
          const [ownQuery, ownKey] = [query(t, h), key(t, h)];
          if (rule.startsWith("gated")) {
            for (let d = 0; d < size; d++) S[d] = S[d]!.map((entry) => entry * Math.exp(gate(t, h, d)));
          }
          for (let e = 0; e < valueSize; e++) {
            const known = S.reduce((sum, line, d) => sum + line[e]! * ownKey[d]!, 0);
            const news = rule.endsWith("delta")
              ? learned!.data[t * heads + h]! * (value(t, h, e) - known)
              : value(t, h, e);
            for (let d = 0; d < size; d++) S[d]![e]! += ownKey[d]! * news;
            y[(t * heads + h) * valueSize + e] = scale * S.reduce((sum, line, d) => sum + line[e]! * ownQuery[d]!, 0);
          }
        }
        return S;
      }),
    );
    const shape = !isFlat && q!.shape.length === 4 ? q!.shape.slice(0, 2) : [tokens];
    const final = build(
      [ranges.length, heads, valueSize, size],
      ([b = 0, h = 0, e = 0, d = 0]) => states[b]![h]![d]![e]!,
    );
    return [array([...shape, heads, valueSize], y), final].slice(0, outputs);
  },
};
