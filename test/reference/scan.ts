import type { Graph } from "../../src/onnx/index.ts";
import { type Array64, array, type ReferenceOp } from "./tensor.ts";

/** The tensors of a graph by name, from those that it is fed with. */
type Run = (graph: Graph, feeds: ReadonlyMap<string, Array64>) => ReadonlyMap<string, Array64>;

/** Scan of opset 9 and later along first axes, where the graph may read what is `around` it. */
export const scanWith =
  (run: Run, around: ReadonlyMap<string, Array64>): ReferenceOp =>
  (inputs, attributes) => {
    const body = attributes.graph("body")!;
    const sliced = attributes.int("num_scan_inputs", 0);
    const carried = inputs.length - sliced;
    const backwards = (name: string, i: number) => attributes.ints(name)?.[i] === 1;
    let states = inputs.slice(0, carried) as Array64[];
    const sequences = inputs.slice(carried) as Array64[];
    const rounds = sequences[0]!.shape[0]!;
    const stacks: Array64[][] = body.outputs.slice(carried).map(() => []);
    for (let round = 0; round < rounds; round++) {
      const entries = sequences.map(({ type, shape: [, ...own], data }, i) => {
        const at = backwards("scan_input_directions", i) ? rounds - 1 - round : round;
        const size = data.length / rounds;
        return array(own, data.slice(at * size, (at + 1) * size), type);
      });
      const feeds = new Map(around);
      for (const [i, { name }] of body.inputs.entries()) feeds.set(name, [...states, ...entries][i]!);
      const values = run(body, feeds);
      const results = body.outputs.map(({ name }) => values.get(name)!);
      states = results.slice(0, carried);
      for (const [i, stack] of stacks.entries()) stack.push(results[carried + i]!);
    }
    return [
      ...states,
      ...stacks.map((stack, i) => {
        const inOrder = backwards("scan_output_directions", i) ? stack.toReversed() : stack;
        const [{ shape, type }] = inOrder as [Array64];
        return array([rounds, ...shape], Float64Array.from(inOrder.flatMap(({ data }) => [...data])), type);
      }),
    ];
  };
