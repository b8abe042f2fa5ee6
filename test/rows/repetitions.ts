import type { Shape } from "../../src/base/index.ts";
import { type Graph, intTensor, valueInfo } from "../../src/onnx/index.ts";
import { interpret } from "../reference/interpret.ts";
import { array } from "../reference/tensor.ts";
import { nodeOf } from "./problem.ts";
import type { GraphRow, Row, RowAttributes } from "./row.ts";

interface Round {
  /** The states, and then what a round gets. */
  readonly inputs: Readonly<Record<string, Shape>>;
  /** What the body reads around it. */
  readonly around?: Readonly<Record<string, Shape>>;
  readonly nodes: GraphRow["nodes"];
  readonly outputs: readonly string[];
}

/** A body with the types of its tensors. */
function bodyOf({ inputs, around = {}, nodes, outputs }: Round): Graph {
  const typeOf = (name: string) => (name === "i" ? "int64" : "float32");
  const graph = {
    name: "round",
    inputs: Object.entries(inputs).map(([name, shape]) => valueInfo(name, typeOf(name), shape)),
    nodes: nodes.map(nodeOf),
    initializers: new Map(),
  };
  const feeds = Object.entries({ ...inputs, ...around }).map(([name, shape]) => {
    const size = shape.reduce((product, extent) => product * extent, 1);
    return [name, array(shape, new Float64Array(size), typeOf(name))] as const;
  });
  const found = interpret({ ...graph, outputs: [] }, new Map(feeds));
  const own = [...found].filter(([name]) => !(name in around));
  const values = new Map(own.map(([name, { type, shape }]) => [name, { type, shape }]));
  return {
    ...graph,
    outputs: outputs.map((name) => valueInfo(name, values.get(name)!.type, values.get(name)!.shape)),
    values,
  };
}

/** h′ = tanh(x·W + h·R), also stacked. */
const cell = bodyOf({
  inputs: { h: [1, 2], x: [1, 3] },
  around: { W: [3, 2], R: [2, 2] },
  nodes: [
    { op: "MatMul", in: ["x", "W"], out: ["xW"] },
    { op: "MatMul", in: ["h", "R"], out: ["hR"] },
    { op: "Add", in: ["xW", "hR"], out: ["sum"] },
    { op: "Tanh", in: ["sum"], out: ["next"] },
    { op: "Identity", in: ["next"], out: ["y"] },
  ],
  outputs: ["next", "y"],
});

const recurrent = (attrs: RowAttributes, by: readonly string[], note: string): GraphRow => ({
  nodes: [{ op: "Scan", in: ["H", "X"], out: ["last", "all"], attrs: { body: cell, num_scan_inputs: 1, ...attrs } }],
  in: { H: [1, 2], X: [4, 1, 3], W: [3, 2], R: [2, 2] },
  weights: ["W", "R"].filter((name) => !by.includes(name)),
  by,
  targets: ["last", "all"],
  note: `a recurrent network ${note}`,
});

const backwards = { scan_input_directions: [1], scan_output_directions: [1] };

/** States of which one is replaced by the input, one by what does not move, and one is not read. */
const states = bodyOf({
  inputs: { a: [2], b: [2], c: [2], x: [2] },
  nodes: [
    { op: "Mul", in: ["a", "b"], out: ["ab"] },
    { op: "Mul", in: ["ab", "x"], out: ["abx"] },
    { op: "Add", in: ["abx", "x"], out: ["a2"] },
    { op: "Identity", in: ["x"], out: ["b2"] },
    { op: "Floor", in: ["a"], out: ["c2"] },
    { op: "Sigmoid", in: ["b"], out: ["y"] },
  ],
  outputs: ["a2", "b2", "c2", "y"],
});

/** Reads a table by a number that differs from round to round. */
const lookup = bodyOf({
  inputs: { s: [2], i: [] },
  around: { table: [3, 2] },
  nodes: [
    { op: "Gather", in: ["table", "i"], out: ["row"] },
    { op: "Mul", in: ["row", "s"], out: ["rs"] },
    { op: "Sin", in: ["rs"], out: ["s2"] },
    { op: "Identity", in: ["row"], out: ["y"] },
  ],
  outputs: ["s2", "y"],
});

/** A recurrence in each round of another. */
const inner = bodyOf({
  inputs: { p: [2], q: [2] },
  around: { u: [2] },
  nodes: [
    { op: "Mul", in: ["p", "q"], out: ["pq"] },
    { op: "Add", in: ["pq", "u"], out: ["pqu"] },
    { op: "Tanh", in: ["pqu"], out: ["p2"] },
    { op: "Mul", in: ["p2", "u"], out: ["r"] },
  ],
  outputs: ["p2", "r"],
});
const outer = bodyOf({
  inputs: { u: [2], z: [3, 2] },
  nodes: [
    { op: "Scan", in: ["u", "z"], out: ["end", "rs"], attrs: { body: inner, num_scan_inputs: 1 } },
    { op: "Cos", in: ["end"], out: ["u2"] },
    { op: "Identity", in: ["rs"], out: ["y"] },
  ],
  outputs: ["u2", "y"],
});

export const repetitionRows: readonly Row[] = [
  recurrent({}, ["H", "X"], "by its input and its state"),
  recurrent({}, ["X"], "by its input"),
  recurrent(backwards, ["X", "H"], "from its end"),
  recurrent({}, ["W", "R"], "by its weights"),
  recurrent(backwards, ["R", "X"], "from its end, by weights and input"),
  {
    op: "Scan",
    in: { A: [2], B: [2], C: [2], X: [3, 2] },
    attrs: { body: states, num_scan_inputs: 1, ...backwards },
    outputs: 4,
    by: ["A", "B", "C", "X"],
    note: "states that end, begin and are replaced",
  },
  {
    nodes: [
      { op: "Scan", in: ["S", "I"], out: ["s", "Y"], attrs: { body: lookup, num_scan_inputs: 1 } },
      { op: "Add", in: ["s", "S"], out: ["sum"] },
    ],
    in: { S: [2], I: intTensor([2, 0, 2, 1]), table: [3, 2] },
    by: ["S", "table"],
    targets: ["sum", "Y"],
    note: "a table that is read by the number of the round",
  },
  {
    nodes: [{ op: "Scan", in: ["U", "Z"], out: ["e", "R"], attrs: { body: outer, num_scan_inputs: 1 } }],
    in: { U: [2], Z: [3, 3, 2] },
    by: ["U", "Z"],
    targets: ["e", "R"],
    note: "a recurrence in a recurrence",
  },
];
