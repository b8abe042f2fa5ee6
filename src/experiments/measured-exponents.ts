import { createRng, drawSeed } from "../base/index.ts";
import { iterate, type LyapunovExponent, lyapunovSpectrum } from "../dynamics/index.ts";
import { openGraph } from "../jacobian/index.ts";
import { type Architecture, type Initializer, layerStep, weightsAt } from "../training/index.ts";
import { type ActivationName, activations } from "./activations.ts";
import { lineThrough } from "./estimates.ts";
import type { Apparatus } from "./experiment.ts";
import { gaussianState } from "./random-net.ts";

/** Steps before the first that is measured. */
export const BURN_IN = 100;

/** Layers of one width, one a step. */
export interface Steps {
  readonly activation: ActivationName | "linear";
  readonly width: number;
  readonly initializer: Initializer;
  /** Whether all steps have the same weights. */
  readonly tied: boolean;
  readonly steps: number;
  /** Exponents that are measured; all unless given. */
  readonly count?: number;
  /** The variance of the first state. */
  readonly variance?: number;
}

export async function exponentsOf(
  { activation, width, initializer, tied, steps, count = width, variance = 1 }: Steps,
  { backend, seed, proceed }: Apparatus,
  draw: string,
): Promise<readonly LyapunovExponent[]> {
  const layer = activation === "linear" ? ({ kind: "linear" } as const) : activations[activation].layer;
  const architecture: Architecture = { input: [width], layers: [{ kind: "dense", units: width, bias: false }, layer] };
  const step = layerStep(architecture);
  const network = await openGraph(step.model, backend);
  const dynamics = iterate(network, {
    start: gaussianState(createRng(seed, "state", draw), width, variance),
    inputsAt: weightsAt(step, initializer, { tied, seedAt: (at) => drawSeed(seed, "lyapunov", draw, at) }),
  });
  const onStep = (at: number) => proceed(`${draw}, step ${at + 1} of ${steps + BURN_IN}`);
  const { exponents } = await lyapunovSpectrum(dynamics, { count, steps, burnIn: BURN_IN, seed, onStep });
  await network.forget();
  return exponents;
}

/** λ₁ of several networks. */
export async function largestOf(steps: Steps, draws: number, apparatus: Apparatus): Promise<number[]> {
  const found: number[] = [];
  for (let draw = 0; draw < draws; draw++) {
    const [first] = await exponentsOf({ ...steps, count: 1 }, apparatus, `draw ${draw + 1} of ${draws}`);
    found.push(first!.value);
  }
  return found;
}

/** For each draw, the gain at which λ₁ is zero, from values [gains][draws]. */
export function crossingsOf(gains: readonly number[], values: readonly (readonly number[])[]): number[] {
  return values[0]!.map((_, draw) => crossing(gains.map((gain, i) => [gain, values[i]![draw]!])));
}

/** The gain at which the straight line through exponents against ln gain is zero. */
export function crossing(points: readonly (readonly [gain: number, exponent: number])[]): number {
  const { value, slope, centre } = lineThrough(points.map(([gain, exponent]) => [Math.log(gain), exponent]));
  return Math.exp(centre - value / slope);
}
