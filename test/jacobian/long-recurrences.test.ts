import { afterAll, describe, expect, test } from "vitest";
import { createRng, gaussianArray, sizeOf } from "../../src/base/index.ts";
import { Network } from "../../src/jacobian/index.ts";
import {
  type Attributes,
  buildModel,
  castTo,
  floatTensor,
  type Graph,
  int,
  intTensor,
  type Node,
  node,
  normalize,
  type OnnxModel,
  type Tensor,
  text,
  valueInfo,
} from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { evaluateWith } from "../../src/runtime/index.ts";
import { adjointGap, relativeDistance } from "../laws/vectors.ts";

const LONG = 2000;
const SHORT = 50;
/** Products in float32 of two graphs that add in different order, over the rounds. */
const ROUNDING = 1e-5;
const ADJOINT = 1e-6;
/** The pass is in float64, and rounded to float32 at its end: 6e-8 / STEP and curvature STEP² leave three digits. */
const STEP = 2 ** -8;
const DIFFERENCE = 2e-3;

const backend = createBackend();
afterAll(() => backend.dispose());

const [INPUTS, HIDDEN] = [3, 4];
const weights = (role: string, shape: readonly number[], scale = 0.4): Tensor =>
  floatTensor(
    shape,
    gaussianArray(createRng(role), sizeOf(shape)).map((value) => scale * value),
  );

const gates = { LSTM: 4, GRU: 3, RNN: 1 };

/** A recurrent layer that gives all steps and the last state, with a nonlinear sum of both as its output. */
const layer =
  (op: keyof typeof gates, attributes: Attributes = {}, lengths?: (steps: number) => number) =>
  (steps: number): OnnxModel => {
    const directions =
      attributes.direction?.kind === "string" && attributes.direction.value === "bidirectional" ? 2 : 1;
    const rows = gates[op] * HIDDEN;
    const given = lengths === undefined ? [] : [["lengths", int32([lengths(steps)])] as const];
    return buildModel({
      inputs: [valueInfo("x", "float32", [steps, 1, INPUTS])],
      outputs: [valueInfo("y", "float32", [steps, directions, 1, HIDDEN])],
      nodes: [
        node({
          op,
          inputs: ["x", "W", "R", "B", ...given.map(([name]) => name)],
          outputs: ["all", "last"],
          attributes: { hidden_size: int(HIDDEN), ...attributes },
        }),
        node({ op: "Mul", inputs: ["all", "last"], outputs: ["y"] }),
      ],
      initializers: new Map([
        ["W", weights("W", [directions, rows, INPUTS])],
        ["R", weights("R", [directions, rows, HIDDEN])],
        ["B", weights("B", [directions, 2 * rows])],
        ...given,
      ]),
    });
  };

const int32 = (values: readonly number[]): Tensor => ({
  type: "int32",
  shape: [values.length],
  data: Int32Array.from(values),
});

const untyped = (name: string) => valueInfo(name, "float32", [1, HIDDEN]);

/** h′ = tanh(h·R + x·W), stacked as a function of h′. */
const stepWith = (op: string): readonly Node[] => [
  node({ op: "MatMul", inputs: ["h", "R"], outputs: ["hR"] }),
  node({ op: "MatMul", inputs: ["entry", "W"], outputs: ["xW"] }),
  node({ op: "Add", inputs: ["hR", "xW"], outputs: ["sum"] }),
  node({ op: "Tanh", inputs: ["sum"], outputs: ["next"] }),
  node({ op, inputs: ["next"], outputs: ["seen"] }),
];

const around = (steps: number, nodes: readonly Node[]): OnnxModel =>
  buildModel({
    inputs: [valueInfo("x", "float32", [steps, 1, INPUTS])],
    outputs: [valueInfo("y", "float32", [steps, 1, HIDDEN])],
    nodes: [...nodes, node({ op: "Mul", inputs: ["all", "last"], outputs: ["y"] })],
    initializers: new Map([
      ["W", weights("W", [INPUTS, HIDDEN])],
      ["R", weights("R", [HIDDEN, HIDDEN])],
      ["zeros", floatTensor([1, HIDDEN], new Float32Array(HIDDEN))],
      ["trips", intTensor([steps], [])],
      ["yes", { type: "bool", shape: [], data: Uint8Array.of(1) }],
    ]),
  });

function scan(steps: number, op = "Softplus"): OnnxModel {
  const body: Graph = {
    name: "body",
    inputs: [untyped("h"), valueInfo("entry", "float32", [1, INPUTS])],
    outputs: [untyped("next"), untyped("seen")],
    nodes: stepWith(op),
    initializers: new Map(),
  };
  const attributes = { body: { kind: "graph", value: body }, num_scan_inputs: int(1) } as const;
  return around(steps, [node({ op: "Scan", inputs: ["zeros", "x"], outputs: ["last", "all"], attributes })]);
}

/** The same with a Loop, which reads x by the number of its round, and which goes on while this number is not negative. */
function loop(steps: number): OnnxModel {
  const body: Graph = {
    name: "body",
    inputs: [valueInfo("i", "int64", []), valueInfo("goes", "bool", []), untyped("h")],
    outputs: [valueInfo("again", "bool", []), untyped("next"), untyped("seen")],
    nodes: [
      node({ op: "Gather", inputs: ["x", "i"], outputs: ["entry"], attributes: { axis: int(0) } }),
      ...stepWith("Softplus"),
      node({ op: "Cast", inputs: ["i"], outputs: ["number"], attributes: castTo("float32") }),
      node({ op: "Sign", inputs: ["number"], outputs: ["sign"] }),
      node({ op: "Cast", inputs: ["sign"], outputs: ["isPositive"], attributes: castTo("bool") }),
      node({ op: "Or", inputs: ["isPositive", "goes"], outputs: ["again"] }),
    ],
    initializers: new Map(),
  };
  const attributes = { body: { kind: "graph", value: body } } as const;
  return around(steps, [node({ op: "Loop", inputs: ["trips", "yes", "zeros"], outputs: ["last", "all"], attributes })]);
}

const cases: Readonly<Record<string, (steps: number) => OnnxModel>> = {
  LSTM: layer("LSTM"),
  "LSTM in both directions": layer("LSTM", { direction: text("bidirectional") }),
  "LSTM of a shorter sequence, from its end": layer("LSTM", { direction: text("reverse") }, (steps) => steps - 7),
  GRU: layer("GRU", { linear_before_reset: int(1) }),
  RNN: layer("RNN"),
  Scan: (steps) => scan(steps),
  Loop: loop,
};

const open = async (model: OnnxModel, manyRounds?: number) => {
  const options = { evaluate: evaluateWith(backend), ...(manyRounds === undefined ? {} : { manyRounds }) };
  return new Network(await normalize(model, options), backend);
};

describe.each(Object.entries(cases))("%s", (_name, modelOf) => {
  const at = (steps: number) => gaussianArray(createRng("x"), steps * INPUTS);

  test(`of ${SHORT} rounds: J and Jᵀ are those of the rounds written one after the other`, async () => {
    const [unrolled, repeated] = [await open(modelOf(SHORT)), await open(modelOf(SHORT), 2)];
    expect(repeated.model.onnx.graph.nodes.length).toBeLessThan(40);
    expect(unrolled.model.onnx.graph.nodes.length).toBeGreaterThan(4 * SHORT);
    using expected = await unrolled.jacobian({ at: at(SHORT) });
    using J = await repeated.jacobian({ at: at(SHORT) });
    expect(relativeDistance(J.value, expected.value)).toBeLessThan(ROUNDING);
    expect(J.productCost / expected.productCost).toBeCloseTo(1, 0);
    const [v, u] = [
      gaussianArray(createRng("v"), 3 * SHORT * INPUTS),
      gaussianArray(createRng("u"), 3 * J.value.length),
    ];
    expect(relativeDistance((await J.jvp(v)).data, (await expected.jvp(v)).data)).toBeLessThan(ROUNDING);
    expect(relativeDistance((await J.vjp(u)).data, (await expected.vjp(u)).data)).toBeLessThan(ROUNDING);
  });

  test(`of ${LONG} rounds: J is what differences show, and Jᵀ is its adjoint`, async () => {
    const network = await open(modelOf(LONG));
    const x = at(LONG);
    const v = gaussianArray(createRng("v"), x.length);
    using J = await network.jacobian({ at: x });
    const u = gaussianArray(createRng("u"), J.value.length);
    const [Jv, Jtu] = [(await J.jvp(v)).data, (await J.vjp(u)).data];
    expect(adjointGap(u, Jv, Jtu, v)).toBeLessThan(ADJOINT);
    using after = await network.jacobian({ at: x.map((value, i) => value + STEP * v[i]!) });
    using before = await network.jacobian({ at: x.map((value, i) => value - STEP * v[i]!) });
    const difference = after.value.map((value, i) => (value - before.value[i]!) / (2 * STEP));
    expect(relativeDistance(Jv, difference)).toBeLessThan(DIFFERENCE);
  });
});

test("entries at a kink are counted in all rounds", async () => {
  const count = async (manyRounds: number) => {
    const network = await open(scan(SHORT, "Relu"), manyRounds);
    using J = await network.jacobian({ at: new Float32Array(SHORT * INPUTS) });
    return J.kinks.reduce((sum, { neurons }) => sum + neurons, 0);
  };
  expect(await count(2)).toBe(SHORT * HIDDEN);
  expect(await count(2)).toBe(await count(SHORT + 1));
});
