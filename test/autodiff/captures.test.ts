import { afterAll, describe, expect, test } from "vitest";
import { unsupportedBetween } from "../../src/autodiff/index.ts";
import { Network } from "../../src/jacobian/index.ts";
import {
  buildModel,
  castTo,
  floatTensor,
  type Graph,
  intTensor,
  type Model,
  type Node,
  node,
  normalize,
  type Tensor,
  valueInfo,
} from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { evaluateWith } from "../../src/runtime/index.ts";
import { drawInLoop } from "../support/draw-in-loop.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

const yes: Tensor = { type: "bool", shape: [], data: Uint8Array.of(1) };

/**
 * A Loop of three rounds that adds `captured` to what it carries, `depth` loops deep: 3^depth · captured in all. A draw decides the number
 * of rounds (it is always three), so that the Loop stays one.
 */
function loop(start: string, captured: string, output: string, depth = 1, trips = "drawn"): Node {
  const [condition, carried, next] = [`${output}/condition`, `${output}/carried`, `${output}/next`];
  const step =
    depth === 1
      ? node({ op: "Add", inputs: [carried, captured], outputs: [next] })
      : loop(carried, captured, next, depth - 1, trips);
  const body: Graph = {
    name: "body",
    inputs: [
      valueInfo(`${output}/round`, "int64", []),
      valueInfo(condition, "bool", []),
      valueInfo(carried, "float32", [2]),
    ],
    outputs: [valueInfo(`${condition}/again`, "bool", []), valueInfo(next, "float32", [2])],
    nodes: [node({ op: "Identity", inputs: [condition], outputs: [`${condition}/again`] }), step],
    initializers: new Map(),
  };
  return node({
    op: "Loop",
    inputs: [trips, "yes", start],
    outputs: [output],
    attributes: { body: { kind: "graph", value: body } },
  });
}

const modelOf = (nodes: readonly Node[]): Promise<Model> =>
  normalize(
    buildModel({
      inputs: [valueInfo("x", "float32", [2])],
      outputs: [valueInfo("y", "float32", [2])],
      nodes: [
        ...drawInLoop("draw", 3.25, 3.75),
        node({ op: "Cast", inputs: ["draw"], outputs: ["drawn"], attributes: castTo("int64") }),
        ...nodes,
      ],
      initializers: new Map([
        ["rounds", intTensor([3], [])],
        ["yes", yes],
        ["zero", floatTensor([2], [0, 0])],
        ["ones", floatTensor([2], [1, 1])],
      ]),
    }),
    { evaluate: evaluateWith(backend) },
  );

describe("what a subgraph captures is read by its node", () => {
  test.each([1, 2])("y = x + Loop(… acc + x), %i deep, has no rule", async (depth) => {
    const model = await modelOf([
      loop("zero", "x", "sum", depth),
      node({ op: "Add", inputs: ["x", "sum"], outputs: ["y"] }),
    ]);
    const network = new Network(model, backend);
    expect(network.unsupported(network.input, network.output)).toEqual([
      {
        node: "sum",
        op: "Loop",
        reason: "it has no rule: a random draw decides what runs in it, or of which parts it consists",
      },
    ]);
    await expect(network.jacobian({ at: 0 })).rejects.toMatchObject({
      code: "op-unsupported",
      where: { node: "sum", op: "Loop" },
    });
  });

  test.each([1, 2])(
    "in a Loop of so many rounds at every point, %i deep, it has its part of the derivative",
    async (depth) => {
      const model = await modelOf([
        loop("zero", "x", "sum", depth, "rounds"),
        node({ op: "Mul", inputs: ["x", "sum"], outputs: ["y"] }),
      ]);
      const J = await new Network(model, backend).jacobian({ at: Float32Array.of(2, 5) });
      const slope = 2 * 3 ** depth; // y = 3^depth x²
      expect([...(await J.dense()).data]).toEqual([2 * slope, 0, 0, 5 * slope]);
    },
  );

  test("a chain of captures", async () => {
    const model = await modelOf([loop("zero", "x", "first"), loop("zero", "first", "y")]);
    expect(unsupportedBetween(model, { sources: ["x"], targets: ["y"] }).map(({ node }) => node)).toEqual([
      "first",
      "y",
    ]);
  });

  test("taps behind a capture are found, and a bypass through one is no cut", async () => {
    const model = await modelOf([
      node({ op: "Tanh", inputs: ["x"], outputs: ["t"] }),
      node({ op: "Sin", inputs: ["t"], outputs: ["s"] }),
      loop("s", "t", "y"),
    ]);
    const cuts = new Network(model, backend).taps.map(({ name, cut }) => [name, cut]);
    expect(cuts).toEqual([
      ["x", true],
      ["t", true],
      ["s", false],
      ["y", true],
    ]);
  });

  test("a tensor may be an input and a capture of the same loop", async () => {
    const model = await modelOf([
      node({ op: "Sin", inputs: ["x"], outputs: ["s"] }),
      loop("s", "s", "carried"),
      node({ op: "Mul", inputs: ["carried", "x"], outputs: ["y"] }),
    ]);
    const network = new Network(model, backend);
    const J = await network.jacobian({ at: Float32Array.of(0, 2), from: "y" });
    expect([...J.value]).toEqual([0, expect.closeTo(8 * Math.sin(2), 5)]);
  });

  test("a loop that is held fixed keeps what it captures in the primal pass", async () => {
    const model = await modelOf([
      node({ op: "Sin", inputs: ["x"], outputs: ["s"] }),
      node({ op: "Floor", inputs: ["x"], outputs: ["floor"] }),
      node({ op: "Add", inputs: ["floor", "ones"], outputs: ["count"] }),
      loop("s", "count", "carried"),
      node({ op: "Mul", inputs: ["carried", "x"], outputs: ["y"] }),
    ]);
    const network = new Network(model, backend);
    const J = await network.jacobian({ at: Float32Array.of(0, 2), from: "y" });
    expect([...J.value]).toEqual([0, expect.closeTo((Math.sin(2) + 9) * 2, 5)]);
  });
});
