import type { Shape } from "../base/index.ts";
import type { Attributes, DataType, Graph } from "../onnx/index.ts";

/** A tangent (or cotangent) in a program, linear in the sources. Its shape does not include the block axis K. */
export interface LinearVar {
  readonly id: number;
  readonly shape: Shape;
}

/** A tangent, or `undefined` if it is zero by structure; then no step is recorded for it. */
export type Tangent = LinearVar | undefined;

/** A tensor that a step uses as fixed numbers: a weight, or a kept value. */
export interface Operand {
  readonly name: string;
  readonly shape: Shape;
  readonly type: DataType;
}

/** The geometry of a convolution or window, for the spatial axes in order. `pads` has the pads at all begins, then at all ends. */
export interface Window {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
}

export interface ConvWindow extends Window {
  readonly group: number;
}

/**
 * The closed table of linear operations: name → attributes. Axes are negative (−1 is the last), so the block axis at the front of
 * every tangent changes no operation.
 */
export interface OpAttributes {
  /** Σ of all inputs, equal shapes. */
  add: Record<never, never>;
  /** factor · x. */
  multiply: { readonly factor: number };
  /** operand ∘ x; the operand broadcasts to x's shape. */
  scale: Record<never, never>;
  /** x·W over the last two axes (x·Wᵀ with `transposeW`); W's leading axes broadcast to x's. */
  matmul: { readonly transposeW: boolean };
  /** W·x over the last two axes (Wᵀ·x with `transposeW`). */
  matmulLeft: { readonly transposeW: boolean };
  /** Convolution with W [O, I/group, …]; x [N, I, …]. */
  conv: ConvWindow;
  /** The adjoint of the `conv` whose inputs have the spatial shape `size`: x [N, O, …] → [N, I, …size]. */
  convTranspose: ConvWindow & { readonly size: readonly number[] };
  /** Convolution of the operand x [N, I, …] with the tangent dW [O, I/group, …kernel]. */
  convWeight: ConvWindow;
  /** The adjoint of `convWeight`: ct [N, O, …] → dW [O, I/group, …kernel]. */
  convWeightTranspose: ConvWindow & { readonly kernel: readonly number[] };
  /** Sums over windows of the last `kernel.length` axes, zeros outside. */
  windowSum: Window & { readonly kernel: readonly number[] };
  /** The adjoint of the `windowSum` whose inputs have the spatial shape `size`. */
  windowSumTranspose: Window & { readonly kernel: readonly number[]; readonly size: readonly number[] };
  /** Entries at the operand's indices [P] along one axis. */
  gather: { readonly axis: number };
  /** The adjoint of `gather`: adds entry p at index[p] of an axis of extent `size`. */
  scatterAdd: { readonly axis: number; readonly size: number };
  reshape: { readonly shape: Shape };
  /** Permutes the axes like ONNX's Transpose, without the block axis. */
  transpose: { readonly perm: readonly number[] };
  /** Σ over axes, which remain with extent 1. */
  sum: { readonly axes: readonly number[] };
  /** NumPy broadcasting to a shape. */
  broadcast: { readonly shape: Shape };
  slice: { readonly axis: number; readonly start: number; readonly size: number };
  /** Zeros before and after along one axis. */
  pad: { readonly axis: number; readonly before: number; readonly after: number };
  concat: { readonly axis: number };
  /** A linear recurrence: a program that is applied in rounds. */
  repeat: Rounds;
}

/**
 * The rounds of a linear recurrence. `round` maps the states, and what a round gets, to the next states, and what it gives; a next state
 * that is zero by structure is `undefined`. The inputs of the step are the states that start with one, then, for all that a round gets,
 * the entries of all rounds along a first axis. Its output is a vector: the states that end in it, then the entries of all rounds of what
 * they give.
 */
export interface Rounds {
  readonly round: LinearProgram;
  readonly count: number;
  /** Whether the last entries belong to the first round. */
  readonly isReverse: boolean;
  /** Whether each state starts with an input or with zeros, and whether its last value is in the output. */
  readonly states: readonly { readonly starts: boolean; readonly ends: boolean }[];
  /** The first operands of the step have an entry for each round, along a first axis; these are what the program knows of them. */
  readonly ofRound: readonly Operand[];
}

export type LinearOp = keyof OpAttributes;

/** One linear operation of a program. */
export interface Step<Op extends LinearOp = LinearOp> {
  readonly op: Op;
  readonly inputs: readonly LinearVar[];
  readonly operands: readonly Operand[];
  readonly attributes: OpAttributes[Op];
  readonly output: LinearVar;
}

/** A step whose attributes have the type of its op, for code that switches over ops. */
export type AnyStep = { [Op in LinearOp]: Step<Op> }[LinearOp];

/** A checked, printable list of linear operations from sources to targets. A target that is zero by structure is `undefined`. */
export interface LinearProgram {
  readonly sources: readonly LinearVar[];
  readonly targets: readonly Tangent[];
  readonly steps: readonly AnyStep[];
}

/** Records linear operations. An operation on absent tangents gives an absent tangent. Shapes are checked for each step. */
export interface LinearBuilder {
  add(...terms: readonly Tangent[]): Tangent;
  sub(a: Tangent, b: Tangent): Tangent;
  multiply(factor: number, x: Tangent): Tangent;
  scale(operand: Operand, x: Tangent): Tangent;
  matmul(x: Tangent, w: Operand, transposeW?: boolean): Tangent;
  matmulLeft(w: Operand, x: Tangent, transposeW?: boolean): Tangent;
  conv(x: Tangent, w: Operand, window: OpAttributes["conv"]): Tangent;
  convTranspose(x: Tangent, w: Operand, window: OpAttributes["convTranspose"]): Tangent;
  convWeight(x: Operand, w: Tangent, window: OpAttributes["convWeight"]): Tangent;
  convWeightTranspose(x: Operand, ct: Tangent, window: OpAttributes["convWeightTranspose"]): Tangent;
  windowSum(x: Tangent, window: OpAttributes["windowSum"]): Tangent;
  windowSumTranspose(x: Tangent, window: OpAttributes["windowSumTranspose"]): Tangent;
  gather(x: Tangent, indices: Operand, axis: number): Tangent;
  scatterAdd(x: Tangent, indices: Operand, axis: number, size: number): Tangent;
  reshape(x: Tangent, shape: Shape): Tangent;
  transpose(x: Tangent, perm: readonly number[]): Tangent;
  sum(x: Tangent, axes: readonly number[]): Tangent;
  broadcast(x: Tangent, shape: Shape): Tangent;
  slice(x: Tangent, axis: number, start: number, size: number): Tangent;
  pad(x: Tangent, axis: number, before: number, after: number): Tangent;
  concat(xs: readonly LinearVar[], axis: number): Tangent;
  repeat(inputs: readonly LinearVar[], operands: readonly Operand[], rounds: Rounds): Tangent;
}

/** Writes the ONNX nodes of one step. Names are tensors of the emitted graph, whose first axis is the block axis K. */
export interface StepEmitter {
  /** Input i of the step without a leading axis of 1: [K, C, H, W] for a tangent [1, C, H, W]. */
  input(i?: number): string;
  /** Input i of the step with every axis of its shape: [K, ...shape]. */
  fullInput(i?: number): string;
  /** Whether input i (the output for −1) is held without its leading axis of 1. */
  isStripped(i?: number): boolean;
  /** Whether input i is held with the other sign; only a sum of two terms is asked to add such a one. */
  isNegated(i: number): boolean;
  operand(i?: number): string;
  /** Operand i with its axes permuted. It is written once, however many steps use it. */
  transposedOperand(i: number, perm: readonly number[]): string;
  node(op: string, inputs: readonly string[], attributes?: Attributes): string;
  /** A node with several outputs. */
  nodes(op: string, inputs: readonly string[], outputs: number, attributes: Attributes): string[];
  ints(values: readonly number[]): string;
  scalar(value: number): string;
  /** Zeros of a shape, without the axis K. */
  zeros(shape: Shape): string;
  /** Reshapes a tensor [K, …] to [K, ...shape]. ONNX Runtime can see that K does not change, and so can work in place. */
  reshape(name: string, shape: Shape): string;
  /** Converts a tensor [K, ...shape of the output] to the form in which the output is held. */
  fromFull(name: string): string;
  /** Reshapes a tensor whose first axis is a multiple of K to the form in which the output is held. */
  toOutput(name: string): string;
  /** Zeros in the form in which a tangent of a shape is held. */
  zeroTangent(shape: Shape): string;
  /**
   * A program as the body of a node. Its inputs are its sources, in the form in which they are held, and the operands `ofRound`; its outputs
   * are its targets, in place of one that is zero by structure zeros of the shape of the source with its position. Tangents `around` it
   * are read under these names.
   */
  body(program: LinearProgram, ofRound: readonly Operand[], around: ReadonlyMap<LinearVar, string>): Graph;
}

/** What is known of a linear operation. */
export interface Definition<Op extends LinearOp> {
  /** Whether it moves, selects, scales or adds entries without mixing them, so that a pattern of zeros passes through it. */
  readonly isEntrywise: boolean;
  /** The shape of the output. Throws an Error with the reason if the inputs do not fit. */
  shape(inputs: readonly Shape[], operands: readonly Shape[], attributes: OpAttributes[Op]): Shape;
  /** Records the cotangents of the inputs. `adjoint` gives the adjoint of a program that the step holds. */
  transpose(
    l: LinearBuilder,
    ct: LinearVar,
    step: Step<Op>,
    adjoint: (program: LinearProgram) => LinearProgram,
  ): readonly Tangent[];
  /** Emits ONNX nodes and returns the name of the output, in the form in which it is held. */
  emit(e: StepEmitter, step: Step<Op>): string;
  /** Evaluates the definition directly in float64, for one vector. `run` evaluates a program that the step holds. */
  evaluate(
    step: Step<Op>,
    inputs: readonly Float64Array[],
    operands: readonly Float64Array[],
    run: Evaluation,
  ): Float64Array;
}

/** The targets of a program in float64, for one vector per source; a target that is zero by structure has length 0. */
type Evaluation = (
  program: LinearProgram,
  operand: (operand: Operand) => Float64Array,
  inputs: readonly Float64Array[],
) => Float64Array[];

/**
 * Prints a program with one line for each step: `%3 = conv[1,8,5,5](%1; W) strides=1,1 …`. A program that a step holds follows it, indented.
 */
export function formatProgram({ sources, targets, steps }: LinearProgram): string {
  const name = (x: Tangent) => (x === undefined ? "0" : `%${x.id}`);
  const lines = [`sources ${sources.map((x) => `${name(x)}[${x.shape}]`).join(" ")}`];
  for (const step of steps) {
    const { op, inputs, operands, attributes, output } = step;
    const args = [inputs.map(name).join(", "), operands.map((operand) => operand.name).join(", ")]
      .filter((part) => part !== "")
      .join("; ");
    const held = step.op === "repeat" ? step.attributes.round : undefined;
    const rest = Object.entries(attributes)
      .filter(([, value]) => value !== held)
      .map(([key, value]) => ` ${key}=${formatAttribute(value)}`)
      .join("");
    lines.push(`${name(output)} = ${op}[${output.shape}](${args})${rest}`);
    if (held !== undefined)
      lines.push(
        ...formatProgram(held)
          .split("\n")
          .map((line) => `  ${line}`),
      );
  }
  lines.push(`targets ${targets.map(name).join(" ")}`);
  return lines.join("\n");
}

function formatAttribute(value: unknown): string {
  if (Array.isArray(value)) return value.map(formatAttribute).join(",");
  if (typeof value !== "object" || value === null) return String(value);
  if ("name" in value) return String(value.name);
  const flags = Object.entries(value).filter(([, is]) => is === true);
  return flags.length === 0 ? "-" : flags.map(([flag]) => flag).join("+");
}
