import { type Array64, at, build, type ReferenceOp, type ReferenceOps } from "./tensor.ts";

type Read = Parameters<ReferenceOp>[1];
type Function = (x: number) => number;

/** The functions that ONNX lists for recurrent operators, with their values of alpha and beta where a node states none. */
const functions: Readonly<
  Record<string, { defaults: readonly number[]; at(x: number, a: number, b: number): number }>
> = {
  Affine: { defaults: [1, 0], at: (x, a, b) => a * x + b },
  Elu: { defaults: [1], at: (x, a) => (x < 0 ? a * (Math.exp(x) - 1) : x) },
  HardSigmoid: { defaults: [0.2, 0.5], at: (x, a, b) => Math.min(Math.max(a * x + b, 0), 1) },
  LeakyRelu: { defaults: [0.01], at: (x, a) => (x < 0 ? a * x : x) },
  Relu: { defaults: [], at: (x) => Math.max(x, 0) },
  ScaledTanh: { defaults: [1, 1], at: (x, a, b) => a * Math.tanh(b * x) },
  Sigmoid: { defaults: [], at: (x) => 1 / (1 + Math.exp(-x)) },
  Softplus: { defaults: [], at: (x) => Math.log(1 + Math.exp(x)) },
  Softsign: { defaults: [], at: (x) => x / (1 + Math.abs(x)) },
  Tanh: { defaults: [], at: (x) => Math.tanh(x) },
  ThresholdedRelu: { defaults: [1], at: (x, a) => (x > a ? x : 0) },
};

/** The functions of each direction; the threshold of clip bounds what they are applied to. */
function functionsOf(read: Read, directions: number, defaults: readonly string[]): Function[][] {
  const names = read.strings("activations") ?? Array.from({ length: directions }, () => defaults).flat();
  const [alphas, betas] = [[...(read.floats("activation_alpha") ?? [])], [...(read.floats("activation_beta") ?? [])]];
  const clip = read.has("clip") ? read.float("clip", 0) : Number.POSITIVE_INFINITY;
  const all = names.map((name): Function => {
    const { defaults: own, at: value } = functions[name]!;
    const a = own.length > 0 ? (alphas.shift() ?? own[0]!) : 0;
    const b = own.length > 1 ? (betas.shift() ?? own[1]!) : 0;
    return (x) => value(Math.min(Math.max(x, -clip), clip), a, b);
  });
  return Array.from({ length: directions }, (_, d) => all.slice(d * defaults.length, (d + 1) * defaults.length));
}

/** What one direction of a node gives a cell: the biased products, entry by entry. */
interface Products {
  readonly hidden: number;
  readonly functions: readonly Function[];
  /** Row j of gate g: W·x + Wb. */
  fromInput(gate: number, j: number): number;
  /** Row j of gate g: R·h + Rb. */
  fromState(gate: number, j: number, h: readonly number[]): number;
  /** Row j of gate g of the peepholes. */
  peephole(gate: number, j: number): number;
}

interface State {
  readonly h: readonly number[];
  readonly c: readonly number[];
}

type Step = (products: Products, before: State) => State;

const range = (count: number) => [...new Array(count).keys()];

/** ONNX's recurrence: over the sequences one by one, each as long as it is, backwards by reversing it. */
function recurrence(gates: number, defaults: readonly string[], stepOf: (read: Read) => Step): ReferenceOp {
  return (inputs, read) => {
    const [X, W, R, B, lens, H0, C0, P] = inputs as (Array64 | undefined)[];
    const batchFirst = read.int("layout", 0) === 1;
    const [directions, , hidden] = R!.shape as [number, number, number];
    const [first, second, width] = X!.shape as [number, number, number];
    const [steps, batch] = batchFirst ? [second, first] : [first, second];
    const step = stepOf(read);
    const own = functionsOf(read, directions, defaults);
    const Y = new Map<string, number>();
    const ends: State[][] = range(directions).map((d) =>
      range(batch).map((b) => {
        const initial = (of: Array64 | undefined) =>
          range(hidden).map((j) => (of === undefined ? 0 : at(of, batchFirst ? [b, d, j] : [d, b, j])));
        const length = lens === undefined ? steps : lens.data[b]!;
        const isBackward = d === 1 || read.text("direction", "forward") === "reverse";
        const order = isBackward ? range(length).reverse() : range(length);
        let state: State = { h: initial(H0), c: initial(C0) };
        for (const t of order) {
          const bias = (half: number, row: number) => (B === undefined ? 0 : at(B, [d, half * gates * hidden + row]));
          state = step(
            {
              hidden,
              functions: own[d]!,
              fromInput: (g, j) => {
                const row = g * hidden + j;
                const x = (i: number) => at(X!, batchFirst ? [b, t, i] : [t, b, i]);
                return range(width).reduce((sum, i) => sum + at(W!, [d, row, i]) * x(i), bias(0, row));
              },
              fromState: (g, j, h) => {
                const row = g * hidden + j;
                return range(hidden).reduce((sum, i) => sum + at(R!, [d, row, i]) * h[i]!, bias(1, row));
              },
              peephole: (g, j) => (P === undefined ? 0 : at(P, [d, g * hidden + j])),
            },
            state,
          );
          for (const [j, value] of state.h.entries()) Y.set([d, t, b, j].join(), value);
        }
        return state;
      }),
    );
    const y = build(
      batchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden],
      ([a, b, c, j]) => Y.get((batchFirst ? [c, b, a, j] : [b, a, c, j]).join()) ?? 0,
    );
    const last = (of: "h" | "c") =>
      build(batchFirst ? [batch, directions, hidden] : [directions, batch, hidden], ([a, b, j]) =>
        batchFirst ? ends[b!]![a!]![of][j!]! : ends[a!]![b!]![of][j!]!,
      );
    return gates === 4 ? [y, last("h"), last("c")] : [y, last("h")];
  };
}

const rnn: Step = ({ hidden, functions: [f], fromInput, fromState }, { h, c }) => ({
  h: range(hidden).map((j) => f!(fromInput(0, j) + fromState(0, j, h))),
  c,
});

/** Gates z, r, h. */
const gru =
  (read: Read): Step =>
  ({ hidden, functions: [f, g], fromInput, fromState }, { h, c }) => {
    const gate = (of: number) => range(hidden).map((j) => f!(fromInput(of, j) + fromState(of, j, h)));
    const [z, r] = [gate(0), gate(1)];
    const reset = h.map((value, j) => r[j]! * value);
    const after = read.int("linear_before_reset", 0) !== 0;
    const candidate = range(hidden).map((j) =>
      g!(fromInput(2, j) + (after ? r[j]! * fromState(2, j, h) : fromState(2, j, reset))),
    );
    return { h: h.map((value, j) => (1 - z[j]!) * candidate[j]! + z[j]! * value), c };
  };

/** Gates i, o, f, c. */
const lstm =
  (read: Read): Step =>
  ({ hidden, functions: [f, g, last], fromInput, fromState, peephole }, { h, c }) => {
    const sum = (gate: number, j: number) => fromInput(gate, j) + fromState(gate, j, h);
    const seen = (gate: number, j: number, memory: readonly number[]) =>
      f!(sum(gate, j) + peephole(gate, j) * memory[j]!);
    const i = range(hidden).map((j) => seen(0, j, c));
    const forget = i.map((value, j) => (read.int("input_forget", 0) !== 0 ? 1 - value : seen(2, j, c)));
    const C = range(hidden).map((j) => forget[j]! * c[j]! + i[j]! * g!(sum(3, j)));
    return { h: C.map((value, j) => seen(1, j, C) * last!(value)), c: C };
  };

export const recurrent: ReferenceOps = {
  RNN: recurrence(1, ["Tanh"], () => rnn),
  GRU: recurrence(3, ["Sigmoid", "Tanh"], gru),
  LSTM: recurrence(4, ["Sigmoid", "Tanh", "Tanh"], lstm),
};
