import { castTo, toNumbers } from "../build.ts";
import type { Node } from "../model.ts";
import type { OperatorRewriting, Rewrite } from "../rewrite.ts";
import { type Activation, activationsOf } from "./recurrent-activations.ts";
import { type Cell, gru, lstm, rnn, type State, type Weights } from "./recurrent-cells.ts";
import { type Extents, requireFit } from "./recurrent-shapes.ts";
import { type Writer, writerOf } from "./writer.ts";

/** Which steps belong to the sequences. */
interface Lengths {
  /** The steps before this one belong to all sequences. */
  readonly least: number;
  /** The steps from this one on belong to none. */
  readonly most: number;
  /** Whether a step belongs to each sequence, [1, batch, 1]. */
  readonly isWithin: (step: number) => string;
  /** The same for each of the steps up to `most`, [most, 1, batch, 1]. */
  readonly areWithin: () => string;
}

/** What one direction computes: the outputs of all steps, [1, steps · batch, hidden], and the state at the end of the sequences. */
interface Run {
  readonly outputs: string;
  readonly last: State;
}

/**
 * Writes a recurrent node as the steps that it stands for. The input is projected for all steps at once; each step multiplies the state
 * by the recurrent weights. The tensors of a step are [1, batch, …], those of all steps [1, steps · batch, …].
 */
class Unrolling {
  readonly #rewrite: Rewrite;
  readonly #to: Writer;
  readonly #cell: Cell;
  readonly #extents: Extents;
  readonly #isBatchFirst: boolean;
  readonly #inputs: readonly string[];

  constructor(
    rewrite: Rewrite,
    to: Writer,
    cell: Cell,
    inputs: readonly string[],
    extents: Extents,
    isBatchFirst: boolean,
  ) {
    this.#rewrite = rewrite;
    this.#to = to;
    this.#cell = cell;
    this.#inputs = inputs;
    this.#extents = extents;
    this.#isBatchFirst = isBatchFirst;
  }

  runs(activations: readonly (readonly Activation[])[], lengths: Lengths, isReverse: boolean): Run[] {
    const { steps, batch, inputs } = this.#extents;
    const x = this.#inputs[0]!;
    const inOrder = this.#isBatchFirst ? this.#to.transpose(x, [1, 0, 2]) : x;
    const rows = this.#to.reshape(inOrder, [1, steps * batch, inputs]);
    return activations.map((own, direction) => this.#run(rows, own, lengths, direction, isReverse || direction === 1));
  }

  #run(rows: string, activations: readonly Activation[], lengths: Lengths, direction: number, isReverse: boolean): Run {
    const { steps, batch, hidden } = this.#extents;
    const [, , , , , h = "", c = ""] = this.#inputs;
    const biases = this.#biases(direction);
    const input = this.#projected(rows, direction, biases?.ofInput);
    const weights = { ...this.#weights(direction), activations, recurrenceBias: biases?.ofState };
    let state: State = { h: this.#start(h, direction), c: this.#start(c, direction) };
    const beyond = steps - lengths.most;
    const zeros = beyond === 0 ? [] : [this.#to.number(0, [1, beyond * batch, hidden])];
    if (lengths.most >= this.#rewrite.manyRounds) {
      const { outputs, last } = this.#repeated(input, weights, state, lengths, isReverse);
      return { outputs: this.#to.concat([outputs, ...zeros], 1), last };
    }
    const outputs = new Array<string>(lengths.most);
    for (let i = 0; i < lengths.most; i++) {
      const step = isReverse ? lengths.most - 1 - i : i;
      const x = steps === 1 ? input : this.#to.slice(input, 1, step * batch, (step + 1) * batch);
      const after = this.#cell.step(this.#to, weights, x, state);
      const isWithin = step < lengths.least ? undefined : lengths.isWithin(step);
      const { output, next } = this.#within(this.#to, isWithin, after, state);
      outputs[step] = output;
      state = next;
    }
    return { outputs: this.#to.concat([...outputs, ...zeros], 1), last: state };
  }

  /** The steps as a repetition. */
  #repeated(
    input: string,
    weights: Weights,
    start: State,
    { least, most, areWithin }: Lengths,
    isReverse: boolean,
  ): Run {
    const { steps, batch, hidden } = this.#extents;
    const [to, size] = [this.#to, this.#cell.gates * hidden];
    const rows = most === steps ? input : to.slice(input, 1, 0, most * batch);
    const zero = () => to.number(0, [1, batch, hidden]);
    const states = [start.h ?? zero(), ...(this.#cell.hasMemory ? [start.c ?? zero()] : [])];
    const sliced = [to.reshape(rows, [most, 1, batch, size]), ...(least < most ? [areWithin()] : [])];
    const results = this.#rewrite.repeat({ states, sliced, isReverse }, (rewrite, inputs) => {
      const own = writerOf(rewrite);
      const [h, c] = inputs.slice(0, states.length) as [string, string?];
      const [x, isWithin] = inputs.slice(states.length) as [string, string?];
      const before = { h, c };
      const { output, next } = this.#within(own, isWithin, this.#cell.step(own, weights, x, before), before);
      return [next.h!, ...(next.c === undefined ? [] : [next.c]), output];
    });
    const [h, c] = results.slice(0, states.length) as [string, string?];
    return { outputs: to.reshape(results.at(-1)!, [1, most * batch, hidden]), last: { h, c } };
  }

  /** X·Wᵀ and the bias, for all steps. */
  #projected(rows: string, direction: number, bias: string | undefined): string {
    const product = this.#to.op("MatMul", [rows, this.#turned(this.#inputs[1]!, direction, this.#extents.inputs)]);
    return bias === undefined ? product : this.#to.add(product, bias);
  }

  #weights(direction: number): Pick<Weights, "hidden" | "recurrence" | "peepholes"> {
    const { hidden } = this.#extents;
    const [, , recurrence = "", , , , , peepholes = ""] = this.#inputs;
    return {
      hidden,
      recurrence: this.#turned(recurrence, direction, hidden),
      peepholes: peepholes === "" ? undefined : this.#own(peepholes, direction, [3 * hidden]),
    };
  }

  /** The biases of both products in one, but for what the reset gate of a GRU scales, [gates · hidden] each. */
  #biases(direction: number): { readonly ofInput: string; readonly ofState: string | undefined } | undefined {
    const bias = this.#inputs[3] ?? "";
    if (bias === "") return undefined;
    const { hidden } = this.#extents;
    const size = this.#cell.gates * hidden;
    const both = this.#own(bias, direction, [2 * size]);
    const [ofInput, ofState] = [this.#to.slice(both, 0, 0, size), this.#to.slice(both, 0, size, 2 * size)];
    if (!this.#cell.scalesBias) return { ofInput: this.#to.add(ofInput, ofState), ofState: undefined };
    const others = this.#to.slice(ofState, 0, 0, size - hidden);
    const unscaled = this.#to.concat([others, this.#to.number(0, [hidden])], 0);
    return { ofInput: this.#to.add(ofInput, unscaled), ofState };
  }

  /** The matrix of one direction, turned: [columns, gates · hidden] of [directions, gates · hidden, columns]. */
  #turned(matrix: string, direction: number, columns: number): string {
    const rows = this.#cell.gates * this.#extents.hidden;
    return this.#to.transpose(this.#own(matrix, direction, [rows, columns]), [1, 0]);
  }

  /** The part of one direction of a tensor whose first axis is that of the directions. */
  #own(x: string, direction: number, shape: readonly number[]): string {
    const { directions } = this.#extents;
    return this.#to.reshape(directions === 1 ? x : this.#to.slice(x, 0, direction, direction + 1), shape);
  }

  /** The initial state of one direction; `undefined` for zeros. */
  #start(x: string, direction: number): string | undefined {
    const { directions, batch, hidden } = this.#extents;
    if (x === "") return undefined;
    const axis = this.#isBatchFirst ? 1 : 0;
    const own = directions === 1 ? x : this.#to.slice(x, axis, direction, direction + 1);
    return this.#to.reshape(own, [1, batch, hidden]);
  }

  /**
   * What a step gives, and the state after it. For sequences to which it does not belong, they are zeros and the state before; it belongs
   * to all where no condition is given.
   */
  #within(to: Writer, isWithin: string | undefined, after: State, before: State): { output: string; next: State } {
    if (isWithin === undefined) return { output: after.h!, next: after };
    const { batch, hidden } = this.#extents;
    const choose = (x: string, otherwise = to.number(0, [1, batch, hidden])) =>
      to.op("Where", [isWithin, x, otherwise]);
    const output = choose(after.h!);
    const h = choose(after.h!, before.h);
    return { output, next: after.c === undefined ? { h } : { h, c: choose(after.c, before.c) } };
  }
}

/** The lengths of the sequences: whole if there is no such input, and known if it is constant. */
function lengthsOf(to: Rewrite, writer: Writer, input: string, { steps, batch }: Extents): Lengths {
  const known = input === "" ? undefined : to.value(input);
  const whole = input === "" ? [steps] : known && toNumbers(known);
  let counts: string | undefined;
  const within = new Map<number, string>();
  const isBefore = (step: string) => {
    counts ??= writer.reshape(writer.op("Cast", [input], castTo("int64")), [1, batch, 1]);
    return writer.op("Less", [step, counts]);
  };
  const most = whole === undefined ? steps : Math.max(...whole);
  return {
    least: whole === undefined ? 0 : Math.min(...whole),
    most,
    isWithin(step) {
      const known = within.get(step) ?? isBefore(writer.ints([step], []));
      within.set(step, known);
      return known;
    },
    areWithin: () => isBefore(writer.ints([...Array(most).keys()], [most, 1, 1, 1])),
  };
}

function unroll(node: Node, to: Rewrite, cell: Cell): Node {
  const [x = "", , r = "", , lengths = ""] = node.inputs;
  const [ofInput, ofWeights] = [to.shape(x), to.shape(r)];
  if (ofInput === undefined || ofWeights === undefined) return node;
  const isBatchFirst = to.attributes.int("layout", 0) === 1;
  const [first, second, width] = ofInput as [number, number, number];
  const [steps, batch] = isBatchFirst ? [second, first] : [first, second];
  const [directions, , hidden] = ofWeights as [number, number, number];
  const extents = { steps, batch, inputs: width, directions, hidden };
  requireFit(node, to, extents, cell.gates, isBatchFirst);
  if (steps === 0 || batch === 0) return node;
  const writer = writerOf(to);
  const activations = activationsOf(node, directions, cell.activations);
  const isZero = (name: string) => {
    const value = name === "" ? undefined : to.value(name);
    return value !== undefined && toNumbers(value).every((entry) => entry === 0);
  };
  const inputs = node.inputs.map((name, i) => (STATES.includes(i) && isZero(name) ? "" : name));
  const unrolling = new Unrolling(to, writer, cell, inputs, extents, isBatchFirst);
  const isReverse = to.attributes.text("direction", "forward") === "reverse";
  const runs = unrolling.runs(activations, lengthsOf(to, writer, lengths, extents), isReverse);
  return outputsOf(node, to, writer, runs, extents, isBatchFirst);
}

/** Writes the outputs of the node that are used, under their names: Y, and the last states, H and C. */
function outputsOf(
  node: Node,
  to: Rewrite,
  writer: Writer,
  runs: readonly Run[],
  { steps, batch, hidden }: Extents,
  isBatchFirst: boolean,
): Node {
  const whole = () => {
    const parts = runs.map(({ outputs }) => writer.reshape(outputs, [steps, 1, batch, hidden]));
    const all = writer.concat(parts, 1);
    return isBatchFirst ? writer.transpose(all, [2, 0, 1, 3]) : all;
  };
  const last = (of: "h" | "c") => () => {
    const zero = () => writer.number(0, [1, batch, hidden]);
    const all = writer.concat(
      runs.map((one) => one.last[of] ?? zero()),
      0,
    );
    return isBatchFirst ? writer.transpose(all, [1, 0, 2]) : all;
  };
  const made = [whole, last("h"), last("c")];
  const used = node.outputs.flatMap((name, i) => (name === "" ? [] : [{ name, value: made[i]!() }]));
  for (const { name, value } of used.slice(0, -1)) to.add("Identity", [value], {}, name);
  const { name, value } = used.at(-1)!;
  return { ...node, op: "Identity", domain: "", inputs: [value], outputs: [name], attributes: {} };
}

const ATTRIBUTES = ["activation_alpha", "activation_beta", "activations", "clip", "direction", "hidden_size", "layout"];
/** The positions of the initial states. */
const STATES = [5, 6];
/** All inputs: their shapes must fit one another. */
const LOOKS_AT = [0, 1, 2, 3, 4, 5, 6, 7];

/** Recurrent operators. */
export const recurrent: Readonly<Record<string, OperatorRewriting>> = {
  GRU: {
    attributes: [...ATTRIBUTES, "linear_before_reset"],
    inSteps: true,
    looksAt: LOOKS_AT,
    rewrite: (node, to) => unroll(node, to, gru(to.attributes.int("linear_before_reset", 0) !== 0)),
  },
  LSTM: {
    attributes: [...ATTRIBUTES, "input_forget"],
    inSteps: true,
    looksAt: LOOKS_AT,
    rewrite: (node, to) => unroll(node, to, lstm(to.attributes.int("input_forget", 0) !== 0)),
  },
  RNN: { attributes: ATTRIBUTES, inSteps: true, looksAt: LOOKS_AT, rewrite: (node, to) => unroll(node, to, rnn) },
};
