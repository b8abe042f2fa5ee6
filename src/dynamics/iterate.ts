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
}

/**
 * A network that is applied to its own output again and again, so that its layers are time steps.
 *
 * @throws PushforwardError `shape-mismatch` if the next state has another size than the state, or `start` does not fit; `usage` if
 * the state is no input
 */
export function iterate(network: Network, { start, from, to, inputsAt = () => ({}) }: Iteration): LayerDynamics {
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
      state = J.value;
      return data;
    },
  };
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
