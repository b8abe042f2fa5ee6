import type { Shape } from "../../base/index.ts";
import { readAttributes, zeros } from "../build.ts";
import type { Graph, Node, Tensor } from "../model.ts";
import { Body, type Replacement } from "./body.ts";
import { Steps } from "./steps.ts";

/** The parts of a Scan, in the terms of opset 9. */
interface Parts {
  readonly body: Graph;
  /** How many of the body's inputs are slices of tensors; those before are carried from round to round. */
  readonly sliced: number;
  readonly backwards: readonly boolean[];
  readonly axes: readonly number[];
  readonly stackBackwards: readonly boolean[];
  readonly stackAxes: readonly number[];
}

export function partsOf(scan: Node): Parts {
  const { body } = scan.attributes;
  if (body?.kind !== "graph") throw new Error("a Scan without a body");
  const read = readAttributes(scan.attributes);
  const sliced = read.int("num_scan_inputs", 0);
  const stacked = body.value.outputs.length - (body.value.inputs.length - sliced);
  const list = (name: string, length: number): number[] => {
    const given = read.ints(name);
    return Array.from({ length }, (_, i) => given?.[i] ?? 0);
  };
  return {
    body: body.value,
    sliced,
    backwards: list(read.has("directions") ? "directions" : "scan_input_directions", sliced).map((one) => one !== 0),
    axes: list("scan_input_axes", sliced),
    stackBackwards: list("scan_output_directions", stacked).map((one) => one !== 0),
    stackAxes: list("scan_output_axes", stacked),
  };
}

/** The tensors whose shapes say how many rounds a Scan has. */
export const slicedBy = (scan: Node): string[] => scan.inputs.slice(-partsOf(scan).sliced);

const inOrder = <T>(items: readonly T[], backwards: boolean | undefined): T[] =>
  backwards ? items.toReversed() : [...items];

export interface ScanSeen {
  /** The shapes of `slicedBy`. */
  readonly shapeOf: (name: string) => Shape;
  /** The outputs of the Scan. */
  readonly outputs: ReadonlyMap<string, Tensor>;
  /** In opset 8, the rounds of each sequence of the batch. */
  readonly lengths?: readonly number[] | undefined;
}

/** The rounds of a Scan of opset 9 or later, one after the other. */
export function unrollScan(scan: Node, { shapeOf, outputs }: ScanSeen, opset: number, taken: Set<string>): Replacement {
  const parts = partsOf(scan);
  const steps = new Steps(scan, opset, taken);
  const state = scan.inputs.slice(0, -parts.sliced);
  const results = rounds(steps, parts, new Body(parts.body, taken, steps.into), {
    state,
    slices: slicedBy(scan).map((name, i) => {
      const shape = shapeOf(name);
      const axis = parts.axes[i]! < 0 ? parts.axes[i]! + shape.length : parts.axes[i]!;
      return inOrder(steps.unstack(name, axis, shape[axis]!), parts.backwards[i]);
    }),
    suffix: "",
    wanted: scan.outputs,
  });
  scan.outputs.forEach((output, i) => {
    if (output === "") return;
    if (i >= state.length) {
      const at = i - state.length;
      if (results.stacked[at]!.length === 0) steps.constant("", outputs.get(output)!, output);
      else steps.stack(inOrder(results.stacked[at]!, parts.stackBackwards[at]), parts.stackAxes[at]!, output);
    } else if (results.state[i] !== output) steps.alias(results.state[i]!, output);
  });
  return steps.into;
}

interface Start {
  readonly state: readonly string[];
  /** The slices of each sliced input, in the order of the rounds. */
  readonly slices: readonly (readonly string[])[];
  readonly suffix: string;
  /** The names of the final state, if rounds may use them. */
  readonly wanted: readonly string[];
}

function rounds(steps: Steps, { body, sliced }: Parts, copies: Body, { state: first, slices, suffix, wanted }: Start) {
  const count = slices[0]?.length ?? 0;
  const carried = body.inputs.length - sliced;
  let state = first;
  const stacked: string[][] = body.outputs.slice(carried).map(() => []);
  for (let round = 0; round < count; round++) {
    const names = round === count - 1 ? wanted.slice(0, carried) : [];
    const inputs = [...state, ...slices.map((parts) => parts[round]!)];
    const values = copies.round(`${suffix}${round}`, inputs, steps.into, names);
    state = values.slice(0, carried);
    values.slice(carried).forEach((value, i) => {
      stacked[i]!.push(value);
    });
  }
  return { state, stacked };
}

/**
 * The rounds of a Scan of opset 8: the first input may give the length of each sequence, the first axis of all others is the batch, and
 * the second the sequence. Entries behind the end of a sequence are zeros.
 */
export function unrollBatchedScan(
  scan: Node,
  { shapeOf, outputs, lengths }: ScanSeen,
  opset: number,
  taken: Set<string>,
): Replacement {
  const parts = partsOf(scan);
  const steps = new Steps(scan, opset, taken);
  const sliced = slicedBy(scan);
  const [batch = 0, longest = 0] = shapeOf(sliced[0]!);
  const initial = scan.inputs.slice(1, -parts.sliced);
  const copies = new Body(parts.body, taken, steps.into);
  const alone = (name: string) => steps.unstack(name, 0, batch);
  const [states, sequences] = [initial.map(alone), sliced.map(alone)];
  const each = Array.from({ length: batch }, (_, b) => {
    const count = lengths?.[b] ?? longest;
    const slices = sequences.map((batches, i) => {
      const all = steps.unstack(batches[b]!, 0, longest).slice(0, count);
      return inOrder(all, parts.backwards[i]);
    });
    const { state, stacked } = rounds(steps, parts, copies, {
      state: states.map((one) => one[b]!),
      slices,
      suffix: batch === 1 ? "" : `${b}.`,
      wanted: [],
    });
    const whole = stacked.map((values, i) => {
      const like = outputs.get(scan.outputs[state.length + i] ?? "");
      if (like === undefined) return "";
      const rest = like.shape.slice(2);
      const padding = values.length < longest ? steps.constant("zeros", zeros(like.type, rest)) : "";
      const output = steps.fresh("sequence");
      steps.stack(
        Array.from({ length: longest }, (_, t) => values[t] ?? padding),
        0,
        output,
      );
      return output;
    });
    return [...state, ...whole];
  });
  scan.outputs.forEach((output, i) => {
    if (output !== "") {
      steps.stack(
        each.map((values) => values[i]!),
        0,
        output,
      );
    }
  });
  return steps.into;
}
