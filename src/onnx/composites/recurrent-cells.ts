import type { Activation } from "./recurrent-activations.ts";
import type { Writer } from "./writer.ts";

/** A state of a cell between two steps, [1, batch, hidden] each; a part that is absent is zero. */
export interface State {
  readonly h: string | undefined;
  /** The memory of an LSTM. */
  readonly c?: string | undefined;
}

/** What one direction of a recurrent node computes with. Gates lie one after the other along the last axis, in ONNX's order. */
export interface Weights {
  readonly hidden: number;
  /** [hidden, gates · hidden] */
  readonly recurrence: string;
  /** The bias of the recurrence, [gates · hidden]; absent where the projection of the input contains all of it. */
  readonly recurrenceBias: string | undefined;
  /** The weights of an LSTM's peepholes, [3 · hidden], for the input, output and forget gate. */
  readonly peepholes: string | undefined;
  readonly activations: readonly Activation[];
}

/** A kind of recurrent cell. */
export interface Cell {
  readonly gates: number;
  /** Whether the bias of the last gate's recurrence is scaled by another gate, so that it is no part of the projection of the input. */
  readonly scalesBias?: boolean;
  /** Whether its state has a memory beside its output. */
  readonly hasMemory?: true;
  /** The default activations of a cell. */
  readonly activations: readonly string[];
  /**
   * The state after one step.
   *
   * @param x the input of the step after its projection, with bias, [1, batch, gates · hidden]
   */
  step(to: Writer, weights: Weights, x: string, before: State): State;
}

const plus = (to: Writer, x: string, y: string | undefined): string => (y === undefined ? x : to.add(x, y));

const times = (to: Writer, x: string | undefined, y: string | undefined): string | undefined =>
  x === undefined || y === undefined ? undefined : to.mul(x, y);

const product = (to: Writer, h: string | undefined, w: string): string | undefined =>
  h === undefined ? undefined : to.op("MatMul", [h, w]);

/** The gates from one place to another, of a tensor or of a bias. */
const gates = (to: Writer, { hidden }: Weights, x: string, from: number, until: number): string =>
  to.slice(x, -1, from * hidden, until * hidden);

/** H = f(X·Wᵀ + h·Rᵀ + b) */
export const rnn: Cell = {
  gates: 1,
  activations: ["Tanh"],
  step: (to, { recurrence, activations: [f] }, x, { h }) => ({ h: f!(to, plus(to, x, product(to, h, recurrence))) }),
};

/**
 * z, r = f(X·Wᵀ + h·Rᵀ + b) and H = (1 − z) ∘ ĥ + z ∘ h, where ĥ = g(X·Wᵀ + (r ∘ h)·Rᵀ + b), or, if the reset gate comes after the
 * product, ĥ = g(X·Wᵀ + r ∘ (h·Rᵀ + b) + b).
 */
export const gru = (resetAfter: boolean): Cell => ({
  gates: 3,
  scalesBias: resetAfter,
  activations: ["Sigmoid", "Tanh"],
  step(to, weights, x, { h }) {
    const { activations, recurrence } = weights;
    const [f, g] = activations as readonly [Activation, Activation];
    const part = (from: number, until: number) => gates(to, weights, x, from, until);
    const own = resetAfter ? product(to, h, recurrence) : product(to, h, gates(to, weights, recurrence, 0, 2));
    const ofGates = own && resetAfter ? gates(to, weights, own, 0, 2) : own;
    const both = f(to, plus(to, part(0, 2), ofGates));
    const [z, r] = [gates(to, weights, both, 0, 1), gates(to, weights, both, 1, 2)];
    const inner = resetAfter
      ? times(to, r, resetProduct(to, weights, own))
      : product(to, times(to, r, h), gates(to, weights, recurrence, 2, 3));
    const candidate = g(to, plus(to, part(2, 3), inner));
    // (1 − z) ∘ ĥ + z ∘ h = ĥ + z ∘ (h − ĥ)
    if (h === undefined) return { h: to.sub(candidate, to.mul(z, candidate)) };
    return { h: to.add(candidate, to.mul(z, to.sub(h, candidate))) };
  },
});

/** h·Rᵀ + b of the hidden gate, which the reset gate scales. */
function resetProduct(to: Writer, weights: Weights, own: string | undefined): string | undefined {
  const { recurrenceBias } = weights;
  const bias = recurrenceBias && gates(to, weights, recurrenceBias, 2, 3);
  const hidden = own && gates(to, weights, own, 2, 3);
  return hidden === undefined ? bias : plus(to, hidden, bias);
}

/**
 * i, o, f = f(X·Wᵀ + h·Rᵀ + p ∘ c + b), ĉ = g(X·Wᵀ + h·Rᵀ + b), C = f ∘ c + i ∘ ĉ and H = o ∘ h(C). The output gate sees the new C
 * through its peephole. If the input and the forget gate are coupled, f = 1 − i.
 */
export const lstm = (coupled: boolean): Cell => ({
  gates: 4,
  hasMemory: true,
  activations: ["Sigmoid", "Tanh", "Tanh"],
  step(to, weights, x, before) {
    const [f, g, h] = weights.activations as readonly [Activation, Activation, Activation];
    const all = plus(to, x, product(to, before.h, weights.recurrence));
    const gate = (of: string, at: number) => gates(to, weights, of, at, at + 1);
    const { peepholes } = weights;
    const open = peepholes === undefined ? f(to, gates(to, weights, all, 0, 3)) : undefined;
    const opened = (at: number, c: string | undefined): string => {
      if (open !== undefined) return gate(open, at);
      return f(to, plus(to, gate(all, at), times(to, peepholes && gate(peepholes, at), c)));
    };
    const input = opened(0, before.c);
    const candidate = g(to, gate(all, 3));
    const forget = coupled ? to.sub(to.number(1), input) : opened(2, before.c);
    const c = plus(to, to.mul(input, candidate), times(to, forget, before.c));
    const output = opened(1, c);
    return { c, h: to.mul(output, h(to, c)) };
  },
});
