import { int, ints, node, readAttributes } from "./build.ts";
import { freshName } from "./graph.ts";
import type { Graph, Node } from "./model.ts";

/** The fewest rounds of a recurrence that stays a Scan; the rounds of others are written one after the other. */
export const MANY_ROUNDS = 128;

/** A Scan in the form in which it stays: all that it slices and stacks has the rounds on the first axis, in one direction. */
export interface Repetition {
  /** Where the states begin. */
  readonly states: readonly string[];
  /** The tensors of which each round gets an entry. */
  readonly sliced: readonly string[];
  /** Its inputs are the states and the entries; its outputs, which its own nodes compute, the next states and what is stacked. */
  readonly body: Graph;
  /** Whether the last entry comes first. */
  readonly isReverse: boolean;
  /** The last states, and what is stacked. */
  readonly outputs: readonly string[];
}

export function repetition({ states, sliced, body, isReverse, outputs }: Repetition, name: string): Node {
  const directions = (count: number) => ints(new Array<number>(count).fill(1));
  const stacked = outputs.length - states.length;
  const attributes = {
    body: { kind: "graph", value: body },
    num_scan_inputs: int(sliced.length),
    ...(isReverse ? { scan_input_directions: directions(sliced.length) } : {}),
    ...(isReverse && stacked > 0 ? { scan_output_directions: directions(stacked) } : {}),
  } as const;
  return { ...node({ op: "Scan", inputs: [...states, ...sliced], outputs, attributes, name }), repeats: true };
}

/** A node as a repetition; `undefined` for every other node. */
export function repetitionOf({ repeats, inputs, outputs, attributes }: Node): Repetition | undefined {
  const read = readAttributes(attributes);
  const body = read.graph("body");
  if (repeats !== true || body === undefined) return undefined;
  const carried = inputs.length - read.int("num_scan_inputs", 0);
  return {
    states: inputs.slice(0, carried),
    sliced: inputs.slice(carried),
    body,
    isReverse: (read.ints("scan_input_directions")?.[0] ?? 0) === 1,
    outputs,
  };
}

/** A body each of whose outputs is computed by a node of its own, as ONNX Runtime wants it. */
export function withOwnOutputs(body: Graph, taken: Set<string>): Graph {
  const free = new Set(body.nodes.flatMap(({ outputs }) => outputs));
  const copies: Node[] = [];
  const values = body.values && new Map(body.values);
  const outputs = body.outputs.map((output) => {
    if (free.delete(output.name)) return output;
    const name = freshName(taken, `${output.name}/copy`);
    copies.push(node({ op: "Identity", inputs: [output.name], outputs: [name] }));
    const type = values?.get(output.name);
    if (type !== undefined) values?.set(name, type);
    return { ...output, name };
  });
  return { ...body, outputs, nodes: [...body.nodes, ...copies], ...(values && { values }) };
}
