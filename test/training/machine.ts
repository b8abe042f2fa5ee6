import { createRng } from "../../src/base/index.ts";
import { floatTensor, type Tensor } from "../../src/onnx/index.ts";
import type { Architecture } from "../../src/training/index.ts";

export const VISIBLE = 8;
export const HIDDEN = 6;

/** The encoder of a machine of 8 visible and 6 hidden units, few enough to count all of its states. */
export const encoder: Architecture = {
  input: [VISIBLE],
  layers: [{ kind: "dense", units: HIDDEN }, { kind: "sigmoid" }],
};

/** All states of so many binary units. */
export const statesOf = (units: number): number[][] =>
  Array.from({ length: 2 ** units }, (_, code) => Array.from({ length: units }, (_, i) => (code >> i) & 1));

/** The number of a state among all. */
const codeOf = (state: ArrayLike<number>): number => Array.from(state).reduce((code, unit, i) => code + (unit << i), 0);

/** A machine in float64, which is computed by counting states. */
export interface Machine {
  /** W [6, 8] */
  readonly w: number[];
  readonly b: number[];
  readonly c: number[];
}

/** Weights that are exact in float32, so that both computations begin with the same ones. */
export function machine(seed: number, scale = 0.8): Machine {
  const rng = createRng(seed, "machine");
  const drawn = (count: number) => Array.from({ length: count }, () => Math.fround(scale * rng.gaussian()));
  return { w: drawn(HIDDEN * VISIBLE), b: drawn(VISIBLE), c: drawn(HIDDEN) };
}

export const tensorsOf = ({ w, b, c }: Machine): Record<string, Tensor> => ({
  "fc1.weight": floatTensor([HIDDEN, VISIBLE], w),
  "fc1.bias": floatTensor([HIDDEN], c),
  "visible.bias": floatTensor([VISIBLE], b),
});

const dot = (x: readonly number[], y: readonly number[]) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
const logistic = (x: number) => 1 / (1 + Math.exp(-x));
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** E(v, h) = −hᵀ·W·v − b·v − c·h, the definition from which all else follows. */
function energy({ w, b, c }: Machine, v: readonly number[], h: readonly number[]): number {
  const coupled = h.map((unit, j) => unit * dot(w.slice(j * VISIBLE, (j + 1) * VISIBLE), v));
  return -sum(coupled) - dot(b, v) - dot(c, h);
}

/** p(v) of every state, from the energies of all pairs of states. */
export function marginal(of: Machine): number[] {
  const hidden = statesOf(HIDDEN);
  const weights = statesOf(VISIBLE).map((v) => sum(hidden.map((h) => Math.exp(-energy(of, v, h)))));
  const total = sum(weights);
  return weights.map((weight) => weight / total);
}

/** The mean of ln p(v) over examples, which are states. */
export function logLikelihood(of: Machine, examples: readonly number[][]): number {
  const p = marginal(of);
  return sum(examples.map((v) => Math.log(p[codeOf(v)]!))) / examples.length;
}

/** p(h = 1 | v) and p(v = 1 | h) by their definitions. */
export const encoded = ({ w, c }: Machine, v: readonly number[]): number[] =>
  c.map((bias, j) => logistic(bias + dot(w.slice(j * VISIBLE, (j + 1) * VISIBLE), v)));
export const decoded = ({ w, b }: Machine, h: readonly number[]): number[] =>
  b.map((bias, i) => logistic(bias + sum(h.map((unit, j) => unit * w[j * VISIBLE + i]!))));

/** The probability of a state of independent binary units. */
const chance = (state: readonly number[], p: readonly number[]) =>
  state.reduce((product, unit, i) => product * (unit === 1 ? p[i]! : 1 - p[i]!), 1);

/** p(v′ | v) of a Gibbs step, [256, 256]: Σ_h p(v′ | h)·p(h | v). */
export function transitions(of: Machine): number[][] {
  const [visible, hidden] = [statesOf(VISIBLE), statesOf(HIDDEN)];
  const back = hidden.map((h) => decoded(of, h)).map((p) => visible.map((v) => chance(v, p)));
  return visible.map((v) => {
    const p = encoded(of, v);
    const reached = hidden.map((h) => chance(h, p));
    return visible.map((_, to) => sum(reached.map((weight, h) => weight * back[h]![to]!)));
  });
}

/**
 * Pearson's χ² of counts against probabilities, as a number of standard deviations from its mean, by the cube root of Wilson and Hilferty.
 * Categories with fewer than 5 expected are taken together.
 */
export function deviation(counts: readonly number[], probabilities: readonly number[]): number {
  const n = sum(counts);
  const expected = probabilities.map((p) => n * p);
  const rare = (value: number) => value < 5;
  const frequent = expected.flatMap((value, i) => (rare(value) ? [] : [[value, counts[i]!] as const]));
  const rest = [sum(expected.filter(rare)), sum(counts.filter((_, i) => rare(expected[i]!)))] as const;
  const all = rest[0] < 5 ? frequent : [...frequent, rest];
  const chi2 = sum(all.map(([wanted, found]) => (found - wanted) ** 2 / wanted));
  const degrees = all.length - 1;
  return (Math.cbrt(chi2 / degrees) - (1 - 2 / (9 * degrees))) / Math.sqrt(2 / (9 * degrees));
}

/** How often each state was met among rows of visible units. */
export function countsOf(rows: Float32Array): number[] {
  const counts = new Array<number>(2 ** VISIBLE).fill(0);
  for (let at = 0; at < rows.length; at += VISIBLE) counts[codeOf(rows.subarray(at, at + VISIBLE))]!++;
  return counts;
}
