import {
  type Attribute,
  type Attributes,
  buildModel,
  floatTensor,
  type Graph,
  int,
  ints,
  intTensor,
  type Node,
  node,
  type OnnxModel,
  type Tensor,
  type ValueInfo,
  valueInfo,
} from "../../../src/onnx/index.ts";

/** A network with control flow, and points at which it takes different ways. */
export interface FlowCase {
  readonly name: string;
  readonly model: OnnxModel;
  /** Values of the input x. */
  readonly points: readonly (readonly number[])[];
  /** How many structures the network has at these points. */
  readonly structures: number;
}

const untyped = (name: string): ValueInfo => ({ name, type: undefined, shape: undefined });

/** An end of a body. ONNX Runtime needs its type. */
function end(name: string): ValueInfo {
  if (/^[ij]$/.test(name)) return valueInfo(name, "int64", []);
  if (/^(goes|again|on|still)$/.test(name)) return valueInfo(name, "bool", []);
  return /^(before|after)$/.test(name)
    ? { name, type: "float32", shape: undefined, around: ["sequence"] }
    : { name, type: "float32", shape: undefined };
}

const op = (
  name: string,
  inputs: readonly string[],
  outputs: string | readonly string[],
  attributes: Attributes = {},
) => node({ op: name, inputs, outputs: typeof outputs === "string" ? [outputs] : outputs, attributes });
const body = (
  inputs: readonly string[],
  outputs: readonly string[],
  nodes: readonly Node[],
  initializers: Readonly<Record<string, Tensor>> = {},
): Attribute => ({
  kind: "graph",
  value: {
    name: "body",
    inputs: inputs.map(end),
    outputs: outputs.map(end),
    nodes,
    initializers: new Map(Object.entries(initializers)),
  } satisfies Graph,
});

const yes: Tensor = { type: "bool", shape: [], data: Uint8Array.of(1) };
const scalar = (value: number) => floatTensor([], [value]);

const constants: Readonly<Record<string, Tensor>> = {
  yes,
  three: intTensor([3], []),
  one: intTensor([1], []),
  minusOne: intTensor([-1], []),
  zero: scalar(0),
  half: scalar(0.5),
  big: scalar(3),
  w: floatTensor([3, 3], [0.5, -0.2, 0.1, 0.3, 0.4, -0.6, 0.2, 0.7, -0.1]),
  zeros: floatTensor([3], [0, 0, 0]),
  sizes: intTensor([1, 1]),
  unequal: intTensor([1, 2]),
  two: intTensor([2], []),
  axis: intTensor([0]),
  last_: intTensor([-1]),
  one_: intTensor([1]),
  first_: intTensor([1]),
  lengths: intTensor([3, 1]),
  pair: floatTensor([2], [0.1, -0.2]),
  state: floatTensor([2, 3], [0.1, 0.2, 0.3, -0.1, -0.2, -0.3]),
};

/** A model from x to y. */
const modelOf = (nodes: readonly Node[], { shape = [2, 3], opset = 17 } = {}): OnnxModel =>
  buildModel(
    {
      inputs: [valueInfo("x", "float32", shape)],
      outputs: [untyped("y")],
      nodes,
      initializers: new Map(Object.entries(constants)),
    },
    opset,
  );

const positive = [0.5, 1, 1.5, 0.25, 0.8, 2.1];
const negative = positive.map((value) => -value);
const small = positive.map(() => 0.1);
const mixed = [0.5, -1, 1.5, -0.25, 0.75, 2];

const sumIsPositive = [
  op("ReduceSum", ["x"], "sum", { keepdims: int(0) }),
  op("Greater", ["sum", "zero"], "isPositive"),
];

const choice = (condition: string, output: string) =>
  op("If", [condition], output, {
    then_branch: body([], ["a"], [op("Tanh", ["x"], "t"), op("Mul", ["t", "x"], "a")]),
    else_branch: body([], ["same"], [op("Identity", ["x"], "same")]),
  });

const split = op("Split", ["x", "sizes"], ["first", "second"], { axis: int(0) });
const total = [op("ReduceSum", ["all", "axis"], "total", { keepdims: int(1) }), op("Add", ["h", "total"], "y")];

/** Rounds h ← tanh(h·w) + the second row of x, from the first row on, and what they scan. */
const recurrence = (trips: string, condition: string, again: readonly Node[]) => [
  split,
  op("Loop", [trips, condition, "first"], ["last", "scanned"], {
    body: body(
      ["i", "goes", "h"],
      ["again", "g", "s"],
      [
        op("MatMul", ["h", "w"], "hw"),
        op("Tanh", ["hw"], "t"),
        op("Add", ["t", "second"], "g"),
        ...again,
        op("Cast", ["i"], "round", { to: int(1) }),
        op("Mul", ["g", "round"], "s"),
      ],
    ),
  }),
  op("ReduceSum", ["scanned", "axis"], "total", { keepdims: int(0) }),
  op("Add", ["last", "total"], "y"),
];

const goesOn = op("Identity", ["goes"], "again");

const rowsBody = body(
  ["h", "row"],
  ["next", "seen"],
  [op("Add", ["h", "row"], "sum"), op("Sigmoid", ["sum"], "next"), op("Mul", ["next", "row"], "seen")],
);

const scan = (attributes: Attributes, inputs = ["zeros", "x"]) =>
  op("Scan", inputs, ["h", "all"], { body: rowsBody, num_scan_inputs: int(1), ...attributes });

const choices: readonly FlowCase[] = [
  {
    name: "If by a value, with a branch of nothing but x",
    model: modelOf([...sumIsPositive, choice("isPositive", "y")]),
    points: [positive, negative, mixed],
    structures: 2,
  },
  {
    name: "If in a branch of If",
    model: modelOf([
      ...sumIsPositive,
      op("If", ["isPositive"], "y", {
        then_branch: body(
          [],
          ["c"],
          [op("Greater", ["sum", "big"], "isBig"), choice("isBig", "b"), op("Exp", ["b"], "c")],
        ),
        else_branch: body([], ["d"], [op("Sin", ["x"], "d")]),
      }),
    ]),
    points: [positive, negative, small, positive],
    structures: 3,
  },
  {
    name: "If whose branches differ in shape",
    model: modelOf([
      ...sumIsPositive,
      op("If", ["isPositive"], "part", {
        then_branch: body([], ["a"], [op("Slice", ["x", "axis", "last_", "last_"], "a")]),
        else_branch: body([], ["same"], [op("Identity", ["x"], "same")]),
      }),
      op("Sin", ["part"], "s"),
      op("Concat", ["s", "x"], "y", { axis: int(-1) }),
    ]),
    points: [positive, negative],
    structures: 2,
  },
];

const loops: readonly FlowCase[] = [
  {
    name: "Loop with a constant trip count",
    model: modelOf(recurrence("three", "", [goesOn])),
    points: [positive, negative],
    structures: 1,
  },
  {
    name: "Loop of one round",
    model: modelOf(recurrence("one", "yes", [goesOn])),
    points: [positive],
    structures: 1,
  },
  {
    name: "Loop whose condition the input decides",
    model: modelOf(
      recurrence("", "yes", [
        op("ReduceSum", ["g"], "size", { keepdims: int(0) }),
        op("Cast", ["i"], "float", { to: int(1) }),
        op("Sub", ["big", "float"], "bound"),
        op("Less", ["size", "bound"], "again"),
      ]),
    ),
    points: [positive, negative, small, positive],
    structures: 3,
  },
  {
    name: "Loop whose trip count the input decides, also without a round",
    model: modelOf([
      op("ReduceSum", ["x"], "sum", { keepdims: int(0) }),
      op("Cast", ["sum"], "rounds", { to: int(7) }),
      ...recurrence("rounds", "", [goesOn]),
    ]),
    points: [positive, negative, [0.5, 0.5, 0.5, 0.5, 0.4, 0.3]],
    structures: 3,
  },
  {
    name: "Loop in a Loop, with the number of the outer round",
    model: modelOf([
      split,
      op("Loop", ["three", "", "first"], "y", {
        body: body(
          ["i", "goes", "h"],
          ["again", "g"],
          [
            goesOn,
            op("Loop", ["i", "goes", "h"], "g", {
              body: body(
                ["j", "on", "state"],
                ["still", "next"],
                [
                  op("Identity", ["on"], "still"),
                  op("MatMul", ["state", "w"], "m"),
                  op("Mul", ["m", "h"], "p"),
                  op("Add", ["p", "second"], "next"),
                ],
              ),
            }),
          ],
        ),
      }),
    ]),
    points: [positive, mixed],
    structures: 1,
  },
  {
    name: "Loop with an If by the value that it carries",
    model: modelOf([
      op("Loop", ["three", "", "x"], ["y"], {
        body: body(
          ["i", "goes", "h"],
          ["again", "g"],
          [
            goesOn,
            op("ReduceSum", ["h"], "sum", { keepdims: int(0) }),
            op("Greater", ["sum", "big"], "isBig"),
            op("If", ["isBig"], "g", {
              then_branch: body([], ["a"], [op("Mul", ["h", "half"], "a")]),
              else_branch: body(
                [],
                ["b"],
                [op("Add", ["h", "x"], "sum_"), op("Sin", ["sum_"], "s"), op("Add", ["s", "h"], "b")],
              ),
            }),
          ],
        ),
      }),
    ]),
    points: [positive, small, negative],
    structures: 3,
  },
  {
    name: "Loop that passes what it carries on, and gives one tensor twice",
    model: modelOf([
      op("Loop", ["three", "", "x", "x"], ["a", "b", "c"], {
        body: body(["i", "goes", "h", "k"], ["again", "k", "g", "g"], [goesOn, op("Tanh", ["h"], "g")]),
      }),
      op("Mul", ["a", "b"], "ab"),
      op("ReduceSum", ["c", "axis"], "sum", { keepdims: int(0) }),
      op("Add", ["ab", "sum"], "y"),
    ]),
    points: [mixed],
    structures: 1,
  },
];

const scans: readonly FlowCase[] = [
  { name: "Scan over the first axis", model: modelOf([scan({}), ...total]), points: [mixed], structures: 1 },
  {
    name: "Scan backwards, stacked backwards",
    model: modelOf([scan({ scan_input_directions: ints([1]), scan_output_directions: ints([1]) }), ...total]),
    points: [mixed],
    structures: 1,
  },
  {
    name: "Scan over the last axis, stacked on the last",
    model: modelOf([
      scan({ scan_input_axes: ints([-1]), scan_output_axes: ints([-1]) }, ["pair", "x"]),
      op("Unsqueeze", ["h", "last_"], "column"),
      op("Add", ["column", "all"], "y"),
    ]),
    points: [mixed],
    structures: 1,
  },
  {
    name: "Scan in opset 9",
    model: modelOf([scan({}), op("Add", ["h", "all"], "y")], { opset: 9 }),
    points: [mixed],
    structures: 1,
  },
  {
    name: "Scan in opset 8: a batch",
    model: modelOf([scan({}, ["", "state", "x"]), op("Sum", ["all"], "y")], { opset: 8, shape: [2, 3, 3] }),
    points: [[...mixed, ...positive, ...negative]],
    structures: 1,
  },
  {
    name: "Scan in opset 8: sequences of several lengths, backwards",
    model: modelOf([scan({ directions: ints([1]) }, ["lengths", "state", "x"]), op("Sum", ["all"], "y")], {
      opset: 8,
      shape: [2, 3, 3],
    }),
    points: [[...mixed, ...positive, ...negative]],
    structures: 1,
  },
];

const sequences: readonly FlowCase[] = [
  {
    name: "parts of a sequence, put in, taken out and counted from the end",
    model: modelOf([
      split,
      op("SequenceConstruct", ["first", "second"], "both"),
      op("Sin", ["first"], "sin"),
      op("SequenceInsert", ["both", "sin", "one"], "three_"),
      op("SequenceErase", ["three_", "minusOne"], "kept"),
      op("SequenceAt", ["kept", "minusOne"], "at"),
      op("SequenceLength", ["three_"], "length"),
      op("Cast", ["length"], "count", { to: int(1) }),
      op("Mul", ["at", "count"], "y"),
    ]),
    points: [mixed],
    structures: 1,
  },
  {
    name: "a sequence that a Loop makes",
    model: modelOf([
      op("SequenceEmpty", [], "none"),
      op("Loop", ["three", "", "none", "x"], ["list", "last"], {
        body: body(
          ["i", "goes", "before", "h"],
          ["again", "after", "g"],
          [goesOn, op("Tanh", ["h"], "g"), op("SequenceInsert", ["before", "g"], "after")],
        ),
      }),
      op("ConcatFromSequence", ["list"], "whole", { axis: int(1) }),
      op("ConcatFromSequence", ["list"], "stacked", { axis: int(-1), new_axis: int(1) }),
      op("ReduceSum", ["stacked", "last_"], "sum", { keepdims: int(0) }),
      op("Concat", ["whole", "sum"], "y", { axis: int(1) }),
    ]),
    points: [mixed],
    structures: 1,
  },
  ...[{ keepdims: int(1) }, { keepdims: int(0) }].map(
    (attributes): FlowCase => ({
      name: `SplitToSequence into slices, keepdims ${attributes.keepdims.value}`,
      model: modelOf([
        op("SplitToSequence", ["x"], "columns", { axis: int(-1), ...attributes }),
        op("SequenceAt", ["columns", "one"], "column"),
        op("Exp", ["column"], "y"),
      ]),
      points: [mixed],
      structures: 1,
    }),
  ),
  ...["two", "unequal"].map(
    (sizes): FlowCase => ({
      name: `SplitToSequence into parts of ${sizes}`,
      model: modelOf([
        op("SplitToSequence", ["x", sizes], "parts", { axis: int(1) }),
        op("SequenceAt", ["parts", "minusOne"], "part"),
        op("Exp", ["part"], "y"),
      ]),
      points: [mixed],
      structures: 1,
    }),
  ),
  {
    name: "SequenceMap over a sequence and a tensor",
    model: modelOf([
      op("SplitToSequence", ["x"], "rows", { axis: int(0) }),
      op("SequenceMap", ["rows", "w"], ["mapped", "sines"], {
        body: body(["row", "m"], ["a", "b"], [op("MatMul", ["row", "m"], "a"), op("Sin", ["a"], "b")]),
      }),
      op("ConcatFromSequence", ["mapped"], "products", { axis: int(0) }),
      op("ConcatFromSequence", ["sines"], "other", { axis: int(0) }),
      op("Mul", ["products", "other"], "y"),
    ]),
    points: [mixed],
    structures: 1,
  },
  {
    name: "a place in a sequence that the input decides",
    model: modelOf([
      op("ArgMax", ["x"], "place", { axis: int(1), keepdims: int(0) }),
      op("Slice", ["place", "axis", "first_"], "head"),
      op("Squeeze", ["head"], "at"),
      op("SplitToSequence", ["x"], "columns", { axis: int(1), keepdims: int(0) }),
      op("SequenceAt", ["columns", "at"], "column"),
      op("Exp", ["column"], "y"),
    ]),
    points: [positive, negative, positive],
    structures: 2,
  },
  {
    name: "optionals",
    model: modelOf(
      [
        op("Optional", ["x"], "perhaps"),
        op("OptionalHasElement", ["perhaps"], "has"),
        op("OptionalGetElement", ["perhaps"], "value"),
        choice("has", "chosen"),
        op("Mul", ["value", "chosen"], "y"),
      ],
      { opset: 18 },
    ),
    points: [mixed],
    structures: 1,
  },
];

const shapes: readonly FlowCase[] = [
  {
    name: "the positions of NonZero",
    model: modelOf([
      op("Reshape", ["x", "last_"], "flat"),
      op("Greater", ["flat", "zero"], "mask"),
      op("NonZero", ["mask"], "found"),
      op("Squeeze", ["found", "axis"], "positions"),
      op("Gather", ["flat", "positions"], "chosen"),
      op("Exp", ["chosen"], "y"),
    ]),
    points: [positive, mixed, [1, 1, 1, -1, -1, -1]],
    structures: 3,
  },
  {
    name: "the number of rows that Slice, Reshape and Expand make",
    model: modelOf([
      op("ReduceMax", ["x"], "most", { keepdims: int(0) }),
      op("Cast", ["most"], "whole", { to: int(7) }),
      op("Reshape", ["whole", "one_"], "count"),
      op("Slice", ["x", "axis", "count", "axis"], "rows"),
      op("Sin", ["rows"], "y"),
    ]),
    points: [positive, [1.2, 0, 0, 0, 0, 0.5]],
    structures: 2,
  },
];

export const flowCases = [...choices, ...loops, ...scans, ...sequences, ...shapes];
