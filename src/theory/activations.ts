import { erf } from "./special.ts";

/** A function that a layer applies to each entry of W·x + b. */
export interface Activation {
  readonly name: string;
  value(x: number): number;
  /** Its derivative. At a kink it is that of the left side. */
  slope(x: number): number;
  /** Where the slope jumps. */
  readonly kinks: readonly number[];
}

/** How the paper's B is read, which turns 1/(1 + e^(−gx)) into a function through the origin or leaves it above. */
export interface SigmoidOptions {
  /** The paper's g: the slope at the origin is g/4. */
  readonly gain?: number;
  /** Is ½ subtracted? Equation (1) of the paper puts B outside of f, and B = −½ then gives ½·tanh(gx/2). */
  readonly centred?: boolean;
}

/**
 * The paper's logistic function f(x) = 1/(1 + e^(−gx)).
 *
 * @see Mototake & Ikegami 2015, equations (1) and (2)
 */
export function sigmoid({ gain = 1, centred = false }: SigmoidOptions = {}): Activation {
  const value = (x: number) => 1 / (1 + Math.exp(-gain * x));
  return {
    name: centred ? "centred sigmoid" : "sigmoid",
    value: centred ? (x) => Math.tanh((gain * x) / 2) / 2 : value,
    slope: (x) => gain * value(x) * value(-x),
    kinks: [],
  };
}

export const linear: Activation = { name: "linear", value: (x) => x, slope: () => 1, kinks: [] };

export const relu: Activation = {
  name: "relu",
  value: (x) => Math.max(x, 0),
  slope: (x) => (x > 0 ? 1 : 0),
  kinks: [0],
};

export const tanh: Activation = {
  name: "tanh",
  value: Math.tanh,
  slope: (x) => 1 / Math.cosh(x) ** 2,
  kinks: [],
};

/** erf(x·√π/2), whose slope at the origin is 1. */
export const errorFunction: Activation = {
  name: "erf",
  value: (x) => erf((x * Math.sqrt(Math.PI)) / 2),
  slope: (x) => Math.exp((-Math.PI * x * x) / 4),
  kinks: [],
};

/** x cut off at −1 and 1. */
export const hardTanh: Activation = {
  name: "hard-tanh",
  value: (x) => Math.min(1, Math.max(-1, x)),
  slope: (x) => (Math.abs(x) < 1 ? 1 : 0),
  kinks: [-1, 1],
};
