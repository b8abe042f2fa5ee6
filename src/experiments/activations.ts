import {
  type Activation,
  criticalPoint,
  criticalWithoutBias,
  errorFunction,
  hardTanh,
  relu,
  sigmoid,
  tanh,
} from "../theory/index.ts";
import type { Layer } from "../training/index.ts";

/** The paper's function has the gain g = 1: only g·σ_w matters. */
interface Known {
  /** How theory sees it, and the layer that computes it. */
  readonly theory: Activation;
  readonly layer: Layer;
  /** q*, σ_w and σ_b of the critical point at which it is studied. */
  readonly critical: () => { readonly q: number; readonly weight: number; readonly bias: number };
}

/** Activations with a whole critical line are studied at this q*. */
const Q = 0.25;

const onLine = (theory: Activation, q: number) => () => ({ q, ...criticalPoint(theory, q) });

/** The activations of the experiments. The paper's sigmoid is read in two ways: with B = 0, and with B = −½ outside of f. */
export const activations = {
  relu: { theory: relu, layer: { kind: "relu" }, critical: onLine(relu, 1) },
  tanh: { theory: tanh, layer: { kind: "tanh" }, critical: onLine(tanh, Q) },
  erf: { theory: errorFunction, layer: { kind: "erf" }, critical: onLine(errorFunction, Q) },
  "hard-tanh": { theory: hardTanh, layer: { kind: "hardTanh" }, critical: onLine(hardTanh, Q) },
  sigmoid: {
    theory: sigmoid(),
    layer: { kind: "sigmoid" },
    critical: () => ({ ...criticalWithoutBias(sigmoid()), bias: 0 }),
  },
  "centred-sigmoid": {
    theory: sigmoid({ centred: true }),
    layer: { kind: "sigmoid", offset: 0.5 },
    critical: onLine(sigmoid({ centred: true }), Q),
  },
} as const satisfies Readonly<Record<string, Known>>;

export type ActivationName = keyof typeof activations;

export const activationNames = Object.keys(activations) as ActivationName[];
