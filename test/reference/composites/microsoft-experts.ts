import { type Array64, array, at, each, type ReferenceOps } from "../tensor.ts";

type Read = Parameters<ReferenceOps[string]>[1];

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const functions: Readonly<Record<string, (x: number) => number>> = {
  gelu: (x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  identity: (x) => x,
  relu: (x) => Math.max(0, x),
  relu2: (x) => Math.max(0, x) ** 2,
  silu: (x) => x * sigmoid(x),
};

/** Row of a layer of one expert: W x + b. */
function layer(x: readonly number[], weights: Array64, bias: Array64 | undefined, expert: number): number[] {
  return Array.from({ length: weights.shape[1]! }, (_, row) =>
    x.reduce((sum, value, i) => sum + value * at(weights, [expert, row, i]), bias ? at(bias, [expert, row]) : 0),
  );
}

function gated(g: number, l: number, read: Read): number {
  const limit = read.float("swiglu_limit", Number.POSITIVE_INFINITY);
  const [G, L] = [Math.min(g, limit), Math.max(-limit, Math.min(limit, l))];
  if (read.text("activation_type", "") === "geglu") return functions.gelu!(g) * l;
  if (read.int("swiglu_limit_after_activation", 0) !== 0) {
    const gate = Math.min(g * sigmoid(read.float("activation_alpha", 1) * g), limit);
    return gate * (L + read.float("activation_beta", 0));
  }
  return G * sigmoid(read.float("activation_alpha", 1) * G) * (L + read.float("activation_beta", 0));
}

function activated(first: readonly number[], third: readonly number[] | undefined, read: Read): number[] {
  const type = read.text("activation_type", "relu");
  if (!type.endsWith("glu")) return first.map((value, i) => functions[type]!(value) * (third?.[i] ?? 1));
  if (third !== undefined) return first.map((value, i) => gated(value, third[i]!, read));
  const half = first.length / 2;
  const isInTurn = read.int("swiglu_fusion", 0) === 1;
  return Array.from({ length: half }, (_, i) =>
    isInTurn ? gated(first[2 * i]!, first[2 * i + 1]!, read) : gated(first[i]!, first[half + i]!, read),
  );
}

/** Mixtures of experts, by the description of ONNX Runtime: only the chosen experts are computed. */
export const microsoftExperts: ReferenceOps = {
  "com.microsoft:MoE"([x, router, w1, b1, w2, b2, w3, b3], read) {
    const width = x!.shape.at(-1)!;
    const experts = router!.shape[1]!;
    const count = read.int("k", 1);
    const rows = Array.from({ length: x!.data.length / width }, (_, token) => {
      const own = [...x!.data.subarray(token * width, (token + 1) * width)];
      const logits = [...router!.data.subarray(token * experts, (token + 1) * experts)];
      const powers = logits.map((logit) => Math.exp(logit - Math.max(...logits)));
      const whole = powers.reduce((a, b) => a + b, 0);
      const shares = powers.map((power) => power / whole);
      const chosen = [...shares.keys()].sort((a, b) => shares[b]! - shares[a]!).slice(0, count);
      const total = chosen.reduce((sum, expert) => sum + shares[expert]!, 0);
      const scale = read.int("normalize_routing_weights", 0) !== 0 ? total : 1;
      const results = chosen.map((expert) => {
        const third = w3 && layer(own, w3, b3, expert);
        return layer(activated(layer(own, w1!, b1, expert), third, read), w2!, b2, expert);
      });
      return own.map((_value, i) =>
        results.reduce((sum, result, at0) => sum + (result[i]! * shares[chosen[at0]!]!) / scale, 0),
      );
    });
    return array(x!.shape, rows.flat());
  },
  "com.microsoft:GemmFastGelu"([x, w, bias]) {
    const [rows = 1, inner = 1] = x!.shape;
    const columns = w!.shape[1]!;
    const product = array(
      [rows, columns],
      Array.from({ length: rows * columns }, (_, place) => {
        const [i, j] = [Math.floor(place / columns), place % columns];
        let sum = bias?.data[j] ?? 0;
        for (let d = 0; d < inner; d++) sum += at(x!, [i, d]) * at(w!, [d, j]);
        return sum;
      }),
    );
    return each(product, functions.gelu!);
  },
};
