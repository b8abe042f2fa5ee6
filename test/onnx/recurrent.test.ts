import { afterAll, describe, expect, test } from "vitest";
import { createRng, gaussianArray, sizeOf } from "../../src/base/index.ts";
import { Network } from "../../src/jacobian/index.ts";
import {
  type Attributes,
  buildModel,
  castTo,
  float,
  floatTensor,
  int,
  intTensor,
  type NodeParts,
  node,
  normalize,
  type OnnxModel,
  type Tensor,
  text,
  valueInfo,
} from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { type EmittedJacobian, emittedJacobian } from "../laws/emitted.ts";
import { adjointGap, cut, gaussian64, join, norm, relativeDistance } from "../laws/vectors.ts";
import { interpret } from "../reference/interpret.ts";
import { to64 } from "../rows/problem.ts";
import { evaluate } from "../support/ort.ts";

/** Rounding of float32 over a few steps. */
const ROUNDING = 64 * 2 ** -23;
const ADJOINT = 16 * 2 ** -23;
/** A step of differences in float64. */
const STEP = 1e-5;

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

type Op = "RNN" | "GRU" | "LSTM";
type Values = Readonly<Record<string, number | string | readonly (number | string)[]>>;

interface Case {
  readonly op: Op;
  readonly note: string;
  readonly attributes?: Values;
  /** Steps, batch, inputs and hidden units. */
  readonly extents?: readonly [number, number, number, number];
  readonly with?: readonly ("B" | "initial_h" | "initial_c" | "P")[];
  readonly lengths?: readonly number[];
  readonly outputs?: readonly string[];
  readonly opset?: number;
  /** Why ONNX Runtime cannot say what the node computes. */
  readonly withoutRuntime?: string;
}

const gates = { RNN: 1, GRU: 3, LSTM: 4 };
const floats = ["activation_alpha", "activation_beta", "clip"];

const attributesOf = (values: Values = {}): Attributes =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      if (Array.isArray(value)) {
        return [name, floats.includes(name) ? { kind: "floats", value } : { kind: "strings", value }];
      }
      if (typeof value === "string") return [name, text(value)];
      return [name, floats.includes(name) ? float(value as number) : int(value as number)];
    }),
  ) as Attributes;

/** The model of a case, whose inputs are all tensors of floats, and a point. */
function modelOf({ op, attributes = {}, extents = [3, 2, 2, 3], opset = 22, ...rest }: Case) {
  const [steps, batch, inputs, hidden] = extents;
  const directions = attributes.direction === "bidirectional" ? 2 : 1;
  const isBatchFirst = attributes.layout === 1;
  const rows = gates[op] * hidden;
  const state = isBatchFirst ? [batch, directions, hidden] : [directions, batch, hidden];
  const present = new Set<string>(rest.with);
  const shapes = {
    X: isBatchFirst ? [batch, steps, inputs] : [steps, batch, inputs],
    W: [directions, rows, inputs],
    R: [directions, rows, hidden],
    B: present.has("B") ? [directions, 2 * rows] : undefined,
    lengths: undefined,
    initial_h: present.has("initial_h") ? state : undefined,
    initial_c: present.has("initial_c") ? state : undefined,
    P: present.has("P") ? [directions, 3 * hidden] : undefined,
  };
  const slots = Object.entries(shapes).slice(0, op === "LSTM" ? 8 : 6);
  const initializers = new Map<string, Tensor>();
  if (rest.lengths) {
    initializers.set("lengths", { type: "int32", shape: [batch], data: Int32Array.from(rest.lengths) });
  }
  const isPresent = (name: string, shape: readonly number[] | undefined) =>
    shape !== undefined || initializers.has(name);
  const names = slots.map(([name, shape]) => (isPresent(name, shape) ? name : ""));
  const point = new Map(
    slots.flatMap(([name, shape]) => {
      if (shape === undefined) return [];
      return [
        [
          name,
          floatTensor(
            shape,
            gaussianArray(createRng(name), sizeOf(shape)).map((value) => 0.7 * value),
          ),
        ],
      ] as const;
    }),
  );
  const outputs = rest.outputs ?? (op === "LSTM" ? ["Y", "Y_h", "Y_c"] : ["Y", "Y_h"]);
  const model: OnnxModel = buildModel(
    {
      inputs: [...point].map(([name, { type, shape }]) => valueInfo(name, type, shape)),
      outputs: outputs.filter((name) => name !== "").map((name) => valueInfo(name, "float32", shapeOf(name))),
      nodes: [
        node({
          op,
          inputs: names,
          outputs,
          attributes: attributesOf({ hidden_size: hidden, ...attributes }),
          name: "cell",
        }),
      ],
      initializers,
    },
    opset,
  );
  function shapeOf(name: string): number[] {
    if (name !== "Y") return state;
    return isBatchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden];
  }
  return { model, point };
}

const bidirectional = { direction: "bidirectional" };
const all = ["B", "initial_h"] as const;
const lstmAll = ["B", "initial_h", "initial_c"] as const;
const otherwise = "ONNX Runtime computes something else than the format defines";
const noLayout = "ONNX Runtime knows only layout 0";

const cases: readonly Case[] = [
  ...(["RNN", "GRU", "LSTM"] as const).flatMap((op): Case[] => [
    { op, note: "no bias, no state" },
    { op, note: "one step", extents: [1, 1, 2, 3], with: ["B"] },
    { op, note: "one step of a batch, from a state", extents: [1, 3, 2, 2], with: op === "LSTM" ? lstmAll : all },
    { op, note: "a bias and a state", with: op === "LSTM" ? lstmAll : all },
    { op, note: "opset 7", opset: 7, with: ["B"] },
    { op, note: "opset 14", opset: 14, with: ["B"] },
    { op, note: "reverse", attributes: { direction: "reverse" }, with: op === "LSTM" ? lstmAll : all },
    { op, note: "both directions", attributes: bidirectional, with: op === "LSTM" ? lstmAll : all },
    { op, note: "lengths", lengths: [2, 3], with: op === "LSTM" ? lstmAll : all },
    { op, note: "lengths, reverse", attributes: { direction: "reverse" }, lengths: [3, 1], with: all },
    {
      op,
      note: "lengths, both directions",
      attributes: bidirectional,
      lengths: [1, 2],
      extents: [4, 2, 2, 2],
      with: all,
    },
    { op, note: "equal lengths", lengths: [2, 2], extents: [4, 2, 2, 2] },
    { op, note: "layout 1", attributes: { layout: 1 }, with: op === "LSTM" ? lstmAll : all, withoutRuntime: noLayout },
    {
      op,
      note: "layout 1, both directions, lengths",
      attributes: { ...bidirectional, layout: 1 },
      lengths: [3, 2],
      with: op === "LSTM" ? lstmAll : all,
      withoutRuntime: noLayout,
    },
    { op, note: "the last state alone", outputs: ["", "Y_h"] },
    { op, note: "all steps alone", outputs: ["Y"] },
    { op, note: "clip", attributes: { clip: 0.5 }, with: ["B"] },
  ]),
  ...[
    "Affine",
    "Elu",
    "HardSigmoid",
    "LeakyRelu",
    "Relu",
    "ScaledTanh",
    "Sigmoid",
    "Softplus",
    "Softsign",
    "Tanh",
    "ThresholdedRelu",
  ].flatMap((name): Case[] => [
    {
      op: "RNN",
      note: `activation ${name}`,
      opset: 14,
      attributes: { activations: [name], activation_alpha: [0.3], activation_beta: [0.6] },
    },
  ]),
  ...["Elu", "HardSigmoid", "LeakyRelu", "ThresholdedRelu"].map(
    (name): Case => ({
      op: "RNN",
      note: `activation ${name} without parameters`,
      opset: 14,
      attributes: { activations: [name] },
      ...(name === "ThresholdedRelu" ? { withoutRuntime: otherwise } : {}),
    }),
  ),
  {
    op: "LSTM",
    note: "activations that take their parameters in turn",
    opset: 14,
    attributes: {
      ...bidirectional,
      activations: ["HardSigmoid", "Tanh", "LeakyRelu", "Sigmoid", "ScaledTanh", "Elu"],
      activation_alpha: [0.25, 0.1, 0.8, 0.9],
      activation_beta: [0.4, 1.1],
    },
    with: lstmAll,
  },
  {
    op: "GRU",
    note: "activations of both directions",
    opset: 14,
    attributes: { ...bidirectional, activations: ["Sigmoid", "Softsign", "HardSigmoid", "Relu"] },
    with: all,
  },
  { op: "GRU", note: "reset after the product", attributes: { linear_before_reset: 1 }, with: all },
  { op: "GRU", note: "reset after the product, no state", attributes: { linear_before_reset: 1 }, with: ["B"] },
  { op: "GRU", note: "reset after the product, no bias", attributes: { linear_before_reset: 1 } },
  {
    op: "GRU",
    note: "reset after the product, both directions, lengths",
    attributes: { linear_before_reset: 1, ...bidirectional },
    lengths: [2, 3],
    with: all,
  },
  { op: "GRU", note: "reset after the product, clip", attributes: { linear_before_reset: 1, clip: 0.4 }, with: all },
  { op: "LSTM", note: "peepholes", with: [...lstmAll, "P"] },
  { op: "LSTM", note: "peepholes, no state", with: ["P"] },
  { op: "LSTM", note: "peepholes, both directions", attributes: bidirectional, with: [...lstmAll, "P"] },
  {
    op: "LSTM",
    note: "peepholes, clip",
    attributes: { clip: 0.6 },
    with: [...lstmAll, "P"],
    withoutRuntime: otherwise,
  },
  { op: "LSTM", note: "coupled gates", attributes: { input_forget: 1 }, with: lstmAll },
  { op: "LSTM", note: "coupled gates and peepholes", attributes: { input_forget: 1 }, with: [...lstmAll, "P"] },
  { op: "LSTM", note: "the memory alone", outputs: ["", "", "Y_c"] },
  { op: "LSTM", note: "a state without a memory", with: ["initial_h"] },
];

/** What the rounds of a repetition are written by: all but the opset and the activations, which are those of one step. */
const isOfRounds = ({ note }: Case) => !/^(activation|opset|clip|one step of)/.test(note);

const titled = cases.flatMap((one) => [
  [`${one.op}: ${one.note}`, one, Number.POSITIVE_INFINITY] as const,
  ...(isOfRounds(one) ? [[`${one.op} as a repetition: ${one.note}`, one, 1] as const] : []),
]);

describe.each(titled)("%s", (_title, one, manyRounds) => {
  const { model, point } = modelOf(one);
  const targets = model.graph.outputs.map(({ name }) => name);
  const start = new Map([...to64(model.graph.initializers), ...to64(point)]);
  const sources = [...point.keys()];

  test("the steps compute what the definition and ONNX Runtime say", async () => {
    const steps = await normalize(model, { evaluate, feeds: point, manyRounds });
    const ops = steps.onnx.graph.nodes.map(({ op }) => op);
    expect(ops).not.toContain(one.op);
    expect(ops.includes("Scan")).toBe(manyRounds === 1);
    const values = await evaluate(steps.onnx, point, targets);
    const definition = interpret(model.graph, start);
    const theirs = one.withoutRuntime === undefined ? await evaluate(model, point, targets) : undefined;
    for (const name of targets) {
      const { shape, data } = values.get(name)!;
      expect(shape).toEqual(definition.get(name)!.shape);
      expect(relativeDistance(data as Float32Array, definition.get(name)!.data)).toBeLessThan(ROUNDING);
      if (theirs)
        expect(relativeDistance(data as Float32Array, theirs.get(name)!.data as Float32Array)).toBeLessThan(ROUNDING);
    }
  });

  test("J by every input is what differences of the definition show, and Jᵀ is its adjoint", async () => {
    const steps = await normalize(model, { evaluate, feeds: point, manyRounds });
    const J: EmittedJacobian = await emittedJacobian(backend, { model: steps, point, sources, targets });
    try {
      const sizes = sources.map((name) => start.get(name)!.data.length);
      const v = gaussian64(J.n, "v");
      const at = (step: number) => {
        const feeds = new Map(start);
        cut(v, sizes).forEach((part, i) => {
          const x = start.get(sources[i]!)!;
          feeds.set(sources[i]!, { ...x, data: x.data.map((value, j) => value + step * part[j]!) });
        });
        const values = interpret(model.graph, feeds);
        return join(targets.map((name) => values.get(name)!.data));
      };
      const [after, before] = [at(STEP), at(-STEP)];
      const difference = after.map((value, i) => (value - before[i]!) / (2 * STEP));
      const [v32, u32] = [Float32Array.from(v), Float32Array.from(gaussian64(J.m, "u"))];
      const Jv = await J.jvp(v32, 1);
      expect(norm(difference)).toBeGreaterThan(0.1);
      expect(relativeDistance(Jv, difference)).toBeLessThan(1e-5);
      expect(adjointGap(u32, Jv, await J.vjp(u32, 1), v32)).toBeLessThan(ADJOINT);
    } finally {
      await J.release();
    }
  });
});

test("the steps of a cell are no taps: its outputs are, under its name", async () => {
  const { model, point } = modelOf({ op: "LSTM", note: "", attributes: { direction: "bidirectional" }, with: ["B"] });
  const { onnx, values } = await normalize(model, { evaluate, feeds: point });
  const graph = { ...onnx.graph, nodes: [...onnx.graph.nodes, node({ op: "Tanh", inputs: ["Y"], outputs: ["t"] })] };
  const network = new Network(
    { onnx: { ...onnx, graph }, values: new Map([...values, ["t", values.get("Y")!]]) },
    backend,
  );
  expect(network.taps.filter(({ op }) => op !== "Input").map(({ name, op, node: of }) => [name, op, of])).toEqual([
    ["Y", "LSTM", "Y"],
    ["Y_h", "LSTM", "Y_h"],
    ["Y_c", "LSTM", "cell"],
    ["t", "Tanh", "t"],
  ]);
});

test("a long sequence that is written step by step is thousands of nodes, which open in seconds and compute the same", async () => {
  const { model, point } = modelOf({ op: "LSTM", note: "", extents: [400, 1, 2, 2], with: ["B"] });
  const steps = await normalize(model, { evaluate, feeds: point, manyRounds: Number.POSITIVE_INFINITY });
  expect(steps.onnx.graph.nodes.length).toBeGreaterThan(2 ** 12);
  const [own, theirs] = [await evaluate(steps.onnx, point, ["Y"]), await evaluate(model, point, ["Y"])];
  const [values, expected] = [own.get("Y")!.data as Float32Array, theirs.get("Y")!.data as Float32Array];
  expect(relativeDistance(values, expected)).toBeLessThan(ROUNDING);
});

/** Ways in which a graph computes the lengths of its sequences, from X [steps, batch, inputs] or a mask M [steps, batch]. */
const computedLengths: Readonly<Record<string, { readonly by?: "M"; readonly nodes: readonly NodeParts[] }>> = {
  "a mask that is summed": {
    by: "M",
    nodes: [
      { op: "ReduceSum", inputs: ["M", "first"], outputs: ["count"], attributes: { keepdims: int(0) } },
      { op: "Cast", inputs: ["count"], outputs: ["lengths"], attributes: castTo("int32") },
    ],
  },
  "the rows of the input that are not empty": {
    nodes: [
      { op: "Abs", inputs: ["X"], outputs: ["magnitude"] },
      { op: "ReduceMax", inputs: ["magnitude", "last"], outputs: ["largest"], attributes: { keepdims: int(0) } },
      { op: "Cast", inputs: ["largest"], outputs: ["isThere"], attributes: castTo("bool") },
      { op: "Cast", inputs: ["isThere"], outputs: ["ones"], attributes: castTo("int64") },
      { op: "ReduceSum", inputs: ["ones", "first"], outputs: ["count"], attributes: { keepdims: int(0) } },
      { op: "Cast", inputs: ["count"], outputs: ["lengths"], attributes: castTo("int32") },
    ],
  },
  "the shape of the input": {
    nodes: [
      { op: "Shape", inputs: ["X"], outputs: ["shape"] },
      { op: "Split", inputs: ["shape"], outputs: ["steps", "batch", "width"], attributes: { num_outputs: int(3) } },
      { op: "Expand", inputs: ["steps", "batch"], outputs: ["count"] },
      { op: "Cast", inputs: ["count"], outputs: ["lengths"], attributes: castTo("int32") },
    ],
  },
};

describe.each(["RNN", "GRU", "LSTM"] as const)("%s with lengths that are computed", (op) => {
  const rows = Object.entries(computedLengths).flatMap(([title, how]) =>
    ["forward", "reverse", "bidirectional"].map((direction) => [title, direction, how] as const),
  );
  test.each(rows)("from %s, %s", async (title, direction, { by, nodes }) => {
    const extents = [4, 2, 2, 3] as const;
    const [steps, batch, width] = extents;
    const one: Case = { op, note: "", attributes: { direction }, extents, with: ["B"] };
    const lengthsAt = title.includes("shape")
      ? [[steps, steps]]
      : [
          [2, 4],
          [3, 1],
          [4, 4],
        ];
    const { model, point } = modelOf({ ...one, lengths: [1, 1] });
    const initializers = new Map<string, Tensor>([...point].filter(([name]) => name !== "X"));
    initializers.set("first", intTensor([0])).set("last", intTensor([-1]));
    const computed: OnnxModel = buildModel(
      {
        inputs: [
          ...model.graph.inputs.filter(({ name }) => name === "X"),
          ...(by === undefined ? [] : [valueInfo(by, "float32", [steps, batch])]),
        ],
        outputs: model.graph.outputs,
        nodes: [...nodes.map(node), ...model.graph.nodes],
        initializers,
      },
      18,
    );
    // It is opened where all sequences are whole.
    const network = new Network(await normalize(computed, { evaluate, feeds: pointAt([steps, steps]) }), backend);
    for (const lengths of lengthsAt) {
      const at = pointAt(lengths);
      const fixed = modelOf({ ...one, lengths }).model;
      const known = new Map([...initializers, ...fixed.graph.initializers]);
      const inputs = fixed.graph.inputs.filter(({ name }) => name === "X");
      const constant = buildModel({ ...fixed.graph, inputs, initializers: known }, 18);
      const x = new Map([["X", at.get("X")!]]);
      const other = new Network(await normalize(constant, { evaluate, feeds: x }), backend);
      for (const { name } of model.graph.outputs) {
        using J = await network.jacobian({ at: arraysOf(at), from: "X", to: name });
        using K = await other.jacobian({ at: arraysOf(x), from: "X", to: name });
        const theirs = await evaluate(computed, at, [name]);
        expect(relativeDistance(J.value, theirs.get(name)!.data as Float32Array)).toBeLessThan(ROUNDING);
        const [dense, expected] = [(await J.dense()).data, (await K.dense()).data];
        expect(norm(expected)).toBeGreaterThan(0.1);
        expect(relativeDistance(dense, expected)).toBeLessThan(1e-6);
      }
    }

    /** X with zeros behind the sequences, and the mask of what belongs to them. */
    function pointAt(lengths: readonly number[]): Map<string, Tensor> {
      const isWithin = (row: number) => Math.floor(row / batch) < lengths[row % batch]!;
      const x = point.get("X")!.data as Float32Array;
      const data = x.map((value, i) => (isWithin(Math.floor(i / width)) ? value : 0));
      const mask = Float32Array.from({ length: steps * batch }, (_, row) => Number(isWithin(row)));
      const all = new Map<string, Tensor>([["X", floatTensor([steps, batch, width], data)]]);
      return by === undefined ? all : all.set(by, floatTensor([steps, batch], mask));
    }
  });
});

const arraysOf = (tensors: ReadonlyMap<string, Tensor>) =>
  Object.fromEntries([...tensors].map(([name, { data }]) => [name, data as Float32Array]));

describe("inputs that do not fit are refused, with the node and what would fit", () => {
  test.each<[name: string, shape: number[], axes: string, right: string]>([
    ["W", [1, 12, 5], "directions, 4 · hidden_size, input_size", "1×12×2"],
    ["B", [1, 12], "directions, 8 · hidden_size", "1×24"],
    ["initial_h", [1, 3, 3], "directions, batch, hidden_size", "1×2×3"],
    ["initial_c", [2, 2, 3], "directions, batch, hidden_size", "1×2×3"],
  ])("%s of shape [%s]", async (name, shape, axes, right) => {
    const { model, point } = modelOf({ op: "LSTM", note: "", with: lstmAll });
    const inputs = model.graph.inputs.map((one) => (one.name === name ? valueInfo(name, "float32", shape) : one));
    const feeds = new Map(point).set(name, floatTensor(shape, new Float32Array(sizeOf(shape))));
    await expect(normalize({ ...model, graph: { ...model.graph, inputs } }, { evaluate, feeds })).rejects.toMatchObject(
      {
        code: "shape-mismatch",
        what: `${name} of LSTM ("${name}") is ${shape.join("×")}, but its axes are [${axes}], here ${right}.`,
        where: { node: "cell", op: "LSTM" },
      },
    );
  });

  test.each<Op>(["RNN", "GRU", "LSTM"])("a sequence of %s that is longer than the input", async (op) => {
    const { model, point } = modelOf({ op, note: "", lengths: [2, 4] });
    await expect(normalize(model, { evaluate, feeds: point })).rejects.toMatchObject({
      code: "shape-mismatch",
      what: `sequence_lens of ${op} ("lengths") says that a sequence has 4 steps, but the input has 3.`,
      fix: "Give lengths from 0 to 3, or a longer input.",
      where: { node: "cell", op },
    });
  });
});
