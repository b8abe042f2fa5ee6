import { integral } from "./quadrature.ts";

/**
 * A mode of a deep linear network: `depth` weight matrices that are diagonal in the singular vectors of the task, and equal in
 * strength. The mode's strength u is the product of its strengths in the matrices; the task asks for s.
 */
export interface Mode {
  /** D: the number of weight matrices. `Infinity` only for times in units of 1/D. */
  readonly depth: number;
  /** s: the singular value of the task's correlation of outputs and inputs, for whitened inputs. */
  readonly strength: number;
  /** u₀ > 0: the strength at the start. */
  readonly start: number;
}

/**
 * The strengths u after 0 … `steps` steps of gradient descent with rate η on the sum of squares over examples:
 * a ← a + η·a^(D−1)·(s − a^D), u = a^D. This is exact, not a limit of small rates.
 *
 * @returns steps + 1 numbers
 * @see Saxe, McClelland & Ganguli 2014, their gradient descent for decoupled initial conditions in discrete time
 */
export function modeCurve({ depth, strength, start }: Mode, rate: number, steps: number): Float64Array {
  const curve = new Float64Array(steps + 1);
  let a = start ** (1 / depth);
  curve[0] = start;
  for (let step = 1; step <= steps; step++) {
    a += rate * a ** (depth - 1) * (strength - a ** depth);
    curve[step] = a ** depth;
  }
  return curve;
}

/**
 * D·t/τ: how long the strength takes from `start` to `end` in continuous time, where τ·du/dt = D·u^(2−2/D)·(s − u) and τ = 1/η. Gradient
 * descent with a small rate η takes this over η·D steps. For D = 2 it is ½·(2/s)·ln[u_f(s − u₀)/(u₀(s − u_f))]; for D → ∞ it is
 * s⁻²·ln[u_f(s − u₀)/(u₀(s − u_f))] + 1/(s·u₀) − 1/(s·u_f).
 *
 * @see Saxe, McClelland & Ganguli 2014, equations 9 to 13
 */
export function modeTime({ depth, strength, start }: Mode, end: number): number {
  if (depth === 2 || depth === Number.POSITIVE_INFINITY) {
    const logarithm = Math.log((end * (strength - start)) / (start * (strength - end)));
    if (depth === 2) return logarithm / strength;
    return logarithm / strength ** 2 + (1 / start - 1 / end) / strength;
  }
  // In x = ln u the integrand varies slowly.
  const rest = (x: number) => Math.exp(-x * (1 - 2 / depth)) / (strength - Math.exp(x));
  return integral(rest, Math.log(start), Math.log(end), 256);
}

/**
 * The strength after the time `t` in units of τ, for two matrices: u(t) = s·e^(2st) / (e^(2st) − 1 + s/u₀).
 *
 * @see Saxe, McClelland & Ganguli 2014, equation 8
 */
export function twoLayerStrength({ strength, start }: Omit<Mode, "depth">, t: number): number {
  // Divided by e^(2st), so that late times do not overflow.
  const left = Math.exp(-2 * strength * t);
  return strength / (1 - left + (strength * left) / start);
}
