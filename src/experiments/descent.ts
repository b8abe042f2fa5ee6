import { PushforwardError } from "../base/index.ts";
import { floatTensor, type Tensor } from "../onnx/index.ts";
import type { Backend } from "../runtime/index.ts";
import { type Architecture, compileGradient, trainingGraph, type Weights } from "../training/index.ts";

/** A deep linear network of square layers without biases. */
export const linearNet = (depth: number, width: number): Architecture => ({
  input: [width],
  layers: new Array(depth).fill({ kind: "dense", units: width, bias: false }),
});

/** A network whose gradient descent is compiled, for any examples, weights and rates. */
export interface CompiledDescent {
  /**
   * Full-batch gradient descent on ½·Σ‖f(x) − t‖². `onStep` is told the loss after 0, 1, … steps, and the derivatives by `target` (targets −
   * outputs), until it returns false.
   *
   * @returns the weights after the last step
   * @throws PushforwardError `not-finite` if the descent diverges
   */
  run(run: DescentRun, onStep: (state: DescentState) => boolean): Promise<Weights>;
  release(): Promise<void>;
}

interface DescentRun {
  /** [examples, …] */
  readonly inputs: Tensor;
  readonly targets: Tensor;
  readonly start: Weights;
  readonly rate: number;
}

interface DescentState {
  readonly step: number;
  readonly loss: number;
  /** [examples, outputs]; overwritten by the next step. */
  readonly byTarget: Float32Array;
}

/** Compiles gradient descent of a network with the engine's gradients; weights stay float32. */
export async function compileDescent(backend: Backend, net: Architecture, examples: number): Promise<CompiledDescent> {
  const { model, input, weights: shapes } = trainingGraph(net, { batch: examples, loss: "summedSquaredError" });
  const gradient = await compileGradient(backend, model, { of: "loss", by: [...shapes.keys(), "target"] });
  return {
    async run({ inputs, targets, start, rate }, onStep) {
      const weights = new Map(
        [...start].map(([name, { shape, data }]) => [name, floatTensor(shape, (data as Float32Array).slice())]),
      );
      const feeds = { [input]: inputs, target: targets, ...Object.fromEntries(weights) };
      for (let step = 0; ; step++) {
        const loss = await gradient.at(feeds);
        if (!onStep({ step, loss, byTarget: gradient.by.get("target")! })) return weights;
        for (const [name, { data }] of weights) {
          const slope = gradient.by.get(name)!;
          const own = data as Float32Array;
          for (let i = 0; i < own.length; i++) own[i] = own[i]! - rate * slope[i]!;
        }
      }
    },
    release: () => gradient.release(),
  };
}

export interface Descent {
  readonly net: Architecture;
  readonly width: number;
  /** [width, width], row-major: what the product of the weights should become. */
  readonly task: ArrayLike<number>;
  readonly start: Weights;
  readonly rate: number;
}

/**
 * Gradient descent of a deep linear network for whitened inputs: the examples are the unit vectors. `onStep` is given the product of the
 * weights, [width, width] row-major, until it returns false.
 *
 * @throws PushforwardError `not-finite` if the descent diverges
 */
export async function descend(
  backend: Backend,
  { net, width, task, start, rate }: Descent,
  onStep: (product: Float64Array, step: number) => boolean,
): Promise<void> {
  const descent = await compileDescent(backend, net, width);
  // The graph's rows are examples: both are transposes.
  const wanted = Float32Array.from(transposed(task, width));
  const targets = floatTensor([width, width], wanted);
  const inputs = floatTensor([width, width], identity(width));
  try {
    await descent.run({ inputs, targets, start, rate }, ({ byTarget, step }) => {
      const outputs = wanted.map((entry, i) => entry - byTarget[i]!);
      return onStep(transposed(outputs, width), step);
    });
  } finally {
    await descent.release();
  }
}

/** [width, width] */
export const identity = (width: number): Float32Array =>
  Float32Array.from({ length: width ** 2 }, (_, i) => (i % (width + 1) === 0 ? 1 : 0));

function transposed(matrix: ArrayLike<number>, width: number): Float64Array {
  return Float64Array.from({ length: width * width }, (_, i) => matrix[(i % width) * width + Math.floor(i / width)]!);
}

/** Modes of a task: U·diag(s)·Vᵀ. The columns of U and V are its singular vectors. */
export interface Task {
  readonly width: number;
  readonly strengths: readonly number[];
  /** [width, width] */
  readonly left: ArrayLike<number>;
  readonly right: ArrayLike<number>;
}

/** The matrix of a task, [width, width]. */
export function matrixOf({ width, strengths, left, right }: Task): Float64Array {
  const matrix = new Float64Array(width * width);
  for (let r = 0; r < width; r++) {
    for (let mode = 0; mode < width; mode++) {
      const entry = left[r * width + mode]! * strengths[mode]!;
      for (let c = 0; c < width; c++) matrix[r * width + c]! += entry * right[c * width + mode]!;
    }
  }
  return matrix;
}

/** The strength of every mode of a task in a product of weights: u_i = U_iᵀ·P·V_i. */
export function strengthsIn(product: Float64Array, { width, left, right }: Task): Float64Array {
  const strengths = new Float64Array(width);
  for (let r = 0; r < width; r++) {
    for (let c = 0; c < width; c++) {
      const entry = product[r * width + c]!;
      for (let mode = 0; mode < width; mode++)
        strengths[mode]! += left[r * width + mode]! * entry * right[c * width + mode]!;
    }
  }
  return strengths;
}

/** The number of steps after which each mode first reaches a share of its final strength, between two steps by interpolation. */
export class Arrivals {
  /** NaN for modes that have not arrived. */
  readonly steps: Float64Array;
  readonly #goals: readonly number[];
  #before: Float64Array | undefined;

  constructor(goals: readonly number[]) {
    this.#goals = goals;
    this.steps = new Float64Array(goals.length).fill(Number.NaN);
  }

  /** Takes the strengths after a step, and says whether a mode is still missing. */
  note(strengths: Float64Array, step: number): boolean {
    for (const [mode, goal] of this.#goals.entries()) {
      if (!Number.isNaN(this.steps[mode]!) || strengths[mode]! < goal) continue;
      const before = this.#before?.[mode] ?? goal;
      const share = before < goal ? (goal - before) / (strengths[mode]! - before) : 1;
      this.steps[mode] = step - 1 + share;
    }
    this.#before = strengths;
    return this.steps.some(Number.isNaN);
  }
}

/** @throws PushforwardError `usage` for a rate at which descent does not converge */
export function requireStable(rate: number): void {
  if (rate < 2) return;
  throw new PushforwardError("usage", {
    what: `With the rate c = ${rate}, gradient descent does not converge.`,
    where: { option: "--rate" },
    fix: "Choose c below 2.",
  });
}
