import { createRng, gaussianArray, meanWithError, PushforwardError, studentInterval } from "../base/index.ts";
import type { LayerDynamics } from "./iterate.ts";
import { orthonormalize } from "./orthonormalize.ts";

/** One exponent: the mean growth of a direction in one step, in nats. */
export interface LyapunovExponent {
  /** (1/T)·Σ ln R_ii. −∞ if a step erased the direction exactly. */
  readonly value: number;
  /** The ends of its 95 % interval, from means over blocks of steps; NaN for fewer than 40 steps. */
  readonly low: number;
  readonly high: number;
  /**
   * The share of steps in which R_ii was not above what rounding in float32 leaves. In them R_ii counts as that much, so that the value
   * is an upper bound if the share is not zero.
   */
  readonly belowFloor: number;
}

export interface LyapunovSpectrum {
  /** The largest first, as far as the order is resolved. */
  readonly exponents: readonly LyapunovExponent[];
  /**
   * The Kaplan-Yorke dimension of the attractor; `undefined` where the exponents that were computed do not determine it, because
   * their sum is still positive.
   */
  readonly dimension: number | undefined;
}

export interface LyapunovOptions {
  /** The number of exponents, the largest first; all unless given. */
  readonly count?: number;
  /** The number of steps that are measured. */
  readonly steps: number;
  /** The number of steps before, in which the state and the directions settle. 100 unless given. */
  readonly burnIn?: number;
  /** Determines the first directions. */
  readonly seed: number;
  /** Is called before each step, from 0. */
  readonly onStep?: (step: number) => void;
}

/** Steps are gathered into so many blocks, whose means are nearly independent. */
const BLOCKS = 20;
/** What float32 products leave of a direction that is erased, as a share of the longest product of the directions before it. */
const FLOOR = 2 ** -19;

/**
 * The Lyapunov exponents of a network as a dynamical system: at each step the directions are multiplied by J and made orthonormal
 * again (J·Q = Q′·R), and ln R_ii is averaged. Products are in float32, R in float64.
 *
 * @see Benettin et al. 1980; Geist, Parlitz & Lauterborn 1990
 * @throws PushforwardError `usage` for a count that is not from 1 to the size of the state, or no steps; what a step throws
 */
export async function lyapunovSpectrum(dynamics: LayerDynamics, options: LyapunovOptions): Promise<LyapunovSpectrum> {
  const { size } = dynamics;
  const { count = size, steps, burnIn = 100, seed, onStep } = options;
  requireWhole("count", count, size);
  requireWhole("steps", steps, Number.MAX_SAFE_INTEGER);
  const rng = createRng(seed, "lyapunov");
  const random = () => Float64Array.from(gaussianArray(rng, size));
  const rows = Array.from({ length: count }, random);
  orthonormalize(rows, random);

  const logs = rows.map(() => new Float64Array(steps));
  const floored = rows.map(() => 0);
  const tangents = new Float32Array(count * size);
  for (let step = -burnIn; step < steps; step++) {
    onStep?.(step + burnIn);
    for (const [i, row] of rows.entries()) tangents.set(row, i * size);
    const moved = await dynamics.step(tangents);
    for (const [i, row] of rows.entries()) row.set(moved.subarray(i * size, (i + 1) * size));
    const lengths = orthonormalize(rows, random);
    if (step < 0) continue;
    let longest = 0;
    for (const [i, { left, before }] of lengths.entries()) {
      const floor = FLOOR * longest;
      longest = Math.max(longest, before);
      if (left <= floor) floored[i]!++;
      logs[i]![step] = Math.log(Math.max(left, floor));
    }
  }
  const exponents = logs.map((all, i) => ({ ...meanOf(all), belowFloor: floored[i]! / steps }));
  return { exponents, dimension: dimensionOf(exponents, size) };
}

/** The mean over steps, with Student's interval from the means of blocks, as neighbouring steps are not independent. */
function meanOf(logs: Float64Array): Omit<LyapunovExponent, "belowFloor"> {
  const meanOver = (values: Float64Array) => meanWithError(values).mean;
  const value = meanOver(logs);
  const length = Math.floor(logs.length / BLOCKS);
  if (length < 2) return { value, low: Number.NaN, high: Number.NaN };
  const means = Float64Array.from({ length: BLOCKS }, (_, b) => meanOver(logs.subarray(b * length, (b + 1) * length)));
  return { value, ...studentInterval(value, meanWithError(means).error, BLOCKS - 1) };
}

/** j + (λ₁ + … + λ_j)/|λ_{j+1}|, j being the last for which the sum is not negative. @see Kaplan & Yorke 1979 */
function dimensionOf(exponents: readonly LyapunovExponent[], size: number): number | undefined {
  let sum = 0;
  for (const [j, { value }] of exponents.entries()) {
    if (sum + value < 0) return j + sum / Math.abs(value);
    sum += value;
  }
  return exponents.length === size ? size : undefined;
}

function requireWhole(name: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return;
  const range = most === Number.MAX_SAFE_INTEGER ? "at least 1" : `from 1 to ${most}, the size of the state`;
  throw new PushforwardError("usage", {
    what: `The ${name === "count" ? "number of exponents" : "number of steps"} is ${value}.`,
    fix: `Give a whole number of ${range}.`,
  });
}
