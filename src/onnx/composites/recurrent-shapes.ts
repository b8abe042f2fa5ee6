import { formatShape, PushforwardError, type Shape, sameShape } from "../../base/index.ts";
import { toNumbers } from "../build.ts";
import type { Node } from "../model.ts";
import type { Rewrite } from "../rewrite.ts";

/** The extents of a recurrent node. */
export interface Extents {
  readonly steps: number;
  readonly batch: number;
  readonly inputs: number;
  readonly directions: number;
  readonly hidden: number;
}

/** The input at a position: its name in ONNX, what its axes are, and how long they must be. */
type Expected = readonly [position: number, name: string, axes: string, shape: Shape];

function expected({ batch, inputs, directions, hidden }: Extents, gates: number, isBatchFirst: boolean): Expected[] {
  const state = isBatchFirst ? [batch, directions, hidden] : [directions, batch, hidden];
  const ofState = isBatchFirst ? "batch, directions, hidden_size" : "directions, batch, hidden_size";
  const rows = gates * hidden;
  return [
    [1, "W", `directions, ${gates} · hidden_size, input_size`, [directions, rows, inputs]],
    [2, "R", `directions, ${gates} · hidden_size, hidden_size`, [directions, rows, hidden]],
    [3, "B", `directions, ${2 * gates} · hidden_size`, [directions, 2 * rows]],
    [4, "sequence_lens", "batch", [batch]],
    [5, "initial_h", ofState, state],
    [6, "initial_c", ofState, state],
    [7, "P", "directions, 3 · hidden_size", [directions, 3 * hidden]],
  ];
}

/**
 * Checks the inputs of a recurrent node against the extents that its input and its recurrent weights have.
 *
 * @throws PushforwardError `shape-mismatch` naming the node and the first input whose shape or values do not fit
 */
export function requireFit(node: Node, to: Rewrite, extents: Extents, gates: number, isBatchFirst: boolean): void {
  const where = { node: node.name || node.outputs[0], op: node.op };
  for (const [position, name, axes, shape] of expected(extents, gates, isBatchFirst)) {
    const input = node.inputs[position] ?? "";
    const own = input === "" ? undefined : to.shape(input);
    if (own === undefined || sameShape(own, shape)) continue;
    throw new PushforwardError("shape-mismatch", {
      what: `${name} of ${node.op} ("${input}") is ${formatShape(own)}, but its axes are [${axes}], here ${formatShape(shape)}.`,
      where,
      fix: `Give it as ${formatShape(shape)}, or give an input for which ${formatShape(own)} is right.`,
    });
  }
  const lengths = node.inputs[4] ?? "";
  const counts = lengths === "" ? undefined : to.value(lengths);
  const wrong = counts && toNumbers(counts).find((count) => count < 0 || count > extents.steps);
  if (wrong === undefined) return;
  throw new PushforwardError("shape-mismatch", {
    what: `sequence_lens of ${node.op} ("${lengths}") says that a sequence has ${wrong} steps, but the input has ${extents.steps}.`,
    where,
    fix: `Give lengths from 0 to ${extents.steps}, or a longer input.`,
  });
}
