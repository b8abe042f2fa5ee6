import { formatShape, PushforwardError, sizeOf } from "../base/index.ts";
import type { Network, Point, Tap } from "../jacobian/index.ts";

/** A state that moves in steps, and directions that move with it. */
export interface LayerDynamics {
  /** The number of entries of the state. */
  readonly size: number;
  /** Moves the state one step on, and multiplies tangents [k, size] by J at the state before the step. */
  step(tangents: Float32Array): Promise<Float32Array>;
}

export interface Iteration {
  /** The first state, [size]. */
  readonly start: Float32Array;
  /** The input of the network that is the state. Its input for pictures unless given. */
  readonly from?: Tap;
  /** The tensor that is the next state. The network's output unless given. */
  readonly to?: Tap;
  /** The values of all other inputs at a step, from 0: weights that are drawn for each step, for example. */
  readonly inputsAt?: (step: number) => Readonly<Record<string, Float32Array>>;
  /**
   * Whether the state is multiplied by a number after each step, so that its mean square is 1. This is for networks with f(c·x) = c·f(x)
   * for all c > 0, as layers of ReLU without biases: J does not depend on the length of the state, which may leave the range of float32.
   */
  readonly homogeneous?: boolean;
}

/**
 * A network that is applied to its own output again and again, so that its layers are time steps.
 *
 * @throws PushforwardError `shape-mismatch` if the next state has another size than the state, or `start` does not fit; `usage` if
 * the state is no input; from a step, `not-finite` if the state leaves the range of float32
 */
export function iterate(network: Network, iteration: Iteration): LayerDynamics {
  const { start, from, to, inputsAt = () => ({}), homogeneous = false } = iteration;
  const source = from ?? network.input;
  const target = to ?? network.output;
  requireInput(network, source);
  const size = sizeOf(source.shape);
  requireSameSize(source, target);
  if (start.length !== size) {
    throw new PushforwardError("shape-mismatch", {
      what: `The first state has ${start.length} entries, "${source.name}" has ${size}.`,
      fix: `Give an array of shape ${formatShape(source.shape)}.`,
    });
  }
  let state = start;
  let steps = 0;
  return {
    size,
    async step(tangents) {
      const at: Point = { ...inputsAt(steps++), [source.tensor]: state };
      using J = await network.jacobian({ at, from: source, to: target });
      const { data } = await J.jvp(tangents);
      requireFinite(J.value, steps);
      state = homogeneous ? ofUnitMeanSquare(J.value) : J.value;
      return data;
    },
  };
}

/** The state at length √size; zeros stay. */
function ofUnitMeanSquare(state: Float32Array): Float32Array {
  const largest = state.reduce((most, entry) => Math.max(most, Math.abs(entry)), 0);
  if (largest === 0) return state;
  const squares = state.reduce((sum, entry) => sum + (entry / largest) ** 2, 0);
  const factor = Math.sqrt(state.length / squares) / largest;
  return state.map((entry) => entry * factor);
}

function requireFinite(state: Float32Array, steps: number): void {
  if (state.every(Number.isFinite)) return;
  throw new PushforwardError("not-finite", {
    what: `The state grows beyond the range of float32: it is infinite after ${steps} steps.`,
    fix: "Begin from a state that stays finite, or take fewer steps.",
  });
}

function requireInput({ inputs, file }: Network, { name, tensor }: Tap): void {
  if (inputs.some((input) => input.name === tensor)) return;
  throw new PushforwardError("usage", {
    what: `"${name}" is computed by the network, so that it cannot be set to the state.`,
    where: { ...(file === "" ? {} : { file }), tap: name },
    fix: `Name an input: ${inputs.map((input) => input.name).join(", ")}.`,
  });
}

function requireSameSize(source: Tap, target: Tap): void {
  if (sizeOf(source.shape) === sizeOf(target.shape)) return;
  throw new PushforwardError("shape-mismatch", {
    what: `"${source.name}" has the shape ${formatShape(source.shape)}, "${target.name}" ${formatShape(target.shape)}: a step has to give a state of the same size.`,
    where: { tap: target.name },
    fix: "Name an input and a tensor of the same size: --from INPUT --to TAP (in the library: from, to).",
  });
}
