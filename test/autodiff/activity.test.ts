import { afterAll, describe, expect, test } from "vitest";
import { reachOf } from "../../src/autodiff/index.ts";
import { Network } from "../../src/jacobian/index.ts";
import { castTo, floatTensor, int, intTensor, type Node, type Tensor, valueInfo } from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { evaluateWith } from "../../src/runtime/index.ts";
import { op, smallModel } from "./small-model.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

const modelOf = (
  nodes: readonly Node[],
  outputs: readonly string[],
  constants?: Readonly<Record<string, Tensor>>,
  shape?: readonly number[],
) => smallModel(evaluateWith(backend), { nodes, outputs, constants, shape });

const at = Float32Array.of(0.5, -1, 2, 3);

describe("only floats have a tangent", () => {
  test("operators on whole numbers, truth values and strings need no rule, whatever reads them", async () => {
    // BitwiseAnd, BitShift, OneHot and Unique have no part in the derivative: they read no float that moves.
    const model = await modelOf(
      [
        op("Cast", ["x"], "whole", castTo("uint8")),
        op("BitwiseAnd", ["whole", "seven"], "low"),
        op("BitShift", ["low", "one"], "shifted", { direction: { kind: "string", value: "LEFT" } }),
        op("Cast", ["shifted"], "again", castTo("float32")),
        op("ArgMax", ["x"], "largest", { axis: int(1), keepdims: int(0) }),
        op("OneHot", ["largest", "depth", "values"], "hot"),
        op("Mul", ["x", "hot"], "chosen"),
        op("Add", ["chosen", "again"], "y"),
      ],
      ["y"],
      {
        seven: { type: "uint8", shape: [], data: Uint8Array.of(7) },
        one: { type: "uint8", shape: [], data: Uint8Array.of(1) },
        depth: intTensor([4], []),
        values: floatTensor([2], [0, 1]),
      },
    );
    const network = new Network(model, backend);
    expect(network.unsupported(network.input, network.output)).toEqual([]);
    using J = await network.jacobian({ at });
    // y = xᵢ where x is largest, and whole numbers.
    expect([...(await J.dense()).data]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    const reach = reachOf(model, ["x"]);
    expect(["whole", "largest", "hot", "again", "y"].map((name) => reach.moves(name))).toEqual([
      false,
      false,
      false,
      false,
      true,
    ]);
  });

  test("a branch that a truth value chooses moves with what it captures, and not with the truth value", async () => {
    const branch = (name: string, value: number) => ({
      name,
      inputs: [],
      outputs: [valueInfo(`${name}/out`, "float32", [1, 4])],
      nodes: [op("Identity", [`${name}/value`], `${name}/out`)],
      initializers: new Map([[`${name}/value`, floatTensor([1, 4], [value, value, value, value])]]),
    });
    const model = await modelOf(
      [
        op("ReduceSum", ["x"], "sum", { keepdims: int(0) }),
        op("Greater", ["sum", "zero"], "isPositive"),
        op("If", ["isPositive"], "step", {
          then_branch: { kind: "graph", value: branch("yes", 1) },
          else_branch: { kind: "graph", value: branch("no", -1) },
        }),
        op("Mul", ["x", "step"], "y"),
      ],
      ["y"],
      { zero: floatTensor([], [0]) },
    );
    const reach = reachOf(model, ["x"]);
    expect(reach.moves("step")).toBe(false);
    expect(reach.unsupported("y")).toEqual([]);
    const network = new Network(model, backend);
    using J = await network.jacobian({ at });
    expect([...(await J.jvp(Float32Array.of(1, 2, 3, 4))).data]).toEqual([1, 2, 3, 4]);
  });

  test("the integers of a quantized tensor stand for floats, so that they are no end of the derivative", async () => {
    const model = await modelOf(
      [
        op("QuantizeLinear", ["x", "scale", "zero"], "q"),
        op("Cast", ["q"], "again", castTo("float32")),
        op("Add", ["x", "again"], "y"),
      ],
      ["y"],
      { scale: floatTensor([], [0.1]), zero: { type: "uint8", shape: [], data: Uint8Array.of(0) } },
    );
    expect(reachOf(model, ["x"]).unsupported("y")).toEqual([
      {
        node: "q",
        op: "Quantize",
        reason:
          "it rounds to quantized numbers, which tangents pass only with --quantized straight-through (in the library: quantized)",
      },
    ]);
  });
});

describe("a tensor without entries has no tangent", () => {
  /** x without its first four columns: nothing. */
  const nothing = op("Slice", ["x", "four", "four", "one"], "nothing");
  const constants = { four: intTensor([4]), one: intTensor([1]), axes: intTensor([1]) };

  test.each([
    ["ReduceSum", [op("ReduceSum", ["nothing", "axes"], "zero")], {}],
    ["ReduceSumSquare", [op("ReduceSumSquare", ["nothing", "axes"], "zero")], {}],
    ["MatMul", [op("MatMul", ["nothing", "w"], "zero")], { w: floatTensor([0, 4], []) }],
    ["Gemm", [op("Gemm", ["nothing", "w"], "zero")], { w: floatTensor([0, 4], []) }],
    ["Einsum", [op("Einsum", ["nothing"], "zero", { equation: { kind: "string", value: "ij->i" } })], {}],
    ["Pad", [op("Pad", ["nothing", "pads"], "zero")], { pads: intTensor([0, 1, 0, 3]) }],
    [
      "Concat",
      [op("Concat", ["nothing", "ones"], "zero", { axis: int(1) })],
      { ones: floatTensor([1, 4], [0, 0, 0, 0]) },
    ],
  ] as const)("%s of nothing moves with nothing", async (_name, nodes, more) => {
    const model = await modelOf([nothing, ...nodes, op("Add", ["x", "zero"], "y")], ["y"], { ...constants, ...more });
    const reach = reachOf(model, ["x"]);
    expect(["nothing", "zero", "y"].map((name) => reach.moves(name))).toEqual([false, false, true]);
    const network = new Network(model, backend);
    using J = await network.jacobian({ at });
    const v = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    expect(await J.jvp(v)).toEqual({ shape: [2, 4], data: v });
    expect(await J.vjp(v)).toEqual({ shape: [2, 4], data: v });
  });

  test("nothing moves with a tensor without entries", async () => {
    const nodes = [nothing, op("Concat", ["x", "nothing"], "y", { axis: int(1) })];
    const model = await modelOf(nodes, ["y"], constants);
    expect(reachOf(model, ["nothing"]).moves("y")).toBe(false);
    const network = new Network(model, backend);
    await expect(network.jacobian({ at, from: "nothing", to: "y" })).rejects.toMatchObject({ code: "tap-unknown" });
  });
});
