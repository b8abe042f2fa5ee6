import { afterAll, describe, expect, test } from "vitest";
import { reachOf } from "../../src/autodiff/index.ts";
import { Network } from "../../src/jacobian/index.ts";
import { castTo, floatTensor, int, type Node, type Tensor } from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { evaluateWith } from "../../src/runtime/index.ts";
import { drawInLoop } from "../support/draw-in-loop.ts";
import { op, smallModel } from "./small-model.ts";

const backend = createBackend();
afterAll(() => backend.dispose());

const modelOf = (
  nodes: readonly Node[],
  outputs: readonly string[],
  constants?: Readonly<Record<string, Tensor>>,
  shape?: readonly number[],
) => smallModel(evaluateWith(backend), { nodes, outputs, constants, shape });

describe("what can be differentiated is known before anything is compiled", () => {
  test("every node in the way is named at once, with its reason", async () => {
    const model = await modelOf(
      [
        op("Relu", ["x"], "r"),
        op("ArgMax", ["r"], "most", { axis: int(1), keepdims: int(0) }),
        op("CumSum", ["r", "most"], "summed"),
        op("QuantizeLinear", ["summed", "scale", "zero"], "q"),
        op("DequantizeLinear", ["q", "scale", "zero"], "d"),
        op("Sigmoid", ["d"], "y"),
        op("Tanh", ["r"], "beside"),
      ],
      ["y", "beside"],
      {
        scale: floatTensor([], [0.1]),
        zero: { type: "uint8", shape: [], data: Uint8Array.of(0) },
      },
    );
    const reach = reachOf(model, ["x"]);
    const nodes = [
      { node: "summed", op: "CumSum", reason: "input 1 of CumSum must not depend on the network's input" },
      {
        node: "q",
        op: "Quantize",
        reason:
          "it rounds to quantized numbers, which tangents pass only with --quantized straight-through (in the library: quantized)",
      },
    ];
    expect(reach.unsupported("y")).toEqual(nodes);
    expect(reach.unsupported("summed")).toEqual(nodes.slice(0, 1));
    expect(["r", "most", "beside"].flatMap((tensor) => reach.unsupported(tensor))).toEqual([]);
    const network = new Network(model, backend);
    await expect(network.jacobian({ at: 0, to: "y" })).rejects.toMatchObject({
      code: "op-unsupported",
      what: 'J(x → y) cannot be computed. CumSum "summed": input 1 of CumSum must not depend on the network\'s input. Quantize "q": it rounds to quantized numbers, which tangents pass only with --quantized straight-through (in the library: quantized).',
    });
    expect(reachOf(model, ["summed"]).unsupported("y")).toEqual(nodes.slice(1));
  });

  test("nodes that read or make sequences of parts that a draw decides are named too", async () => {
    const between = [
      ...drawInLoop("draw", 1.25, 1.75),
      op("Cast", ["draw"], "size", castTo("int64")),
      op("SplitToSequence", ["x", "size"], "parts", { axis: int(1) }),
      op("ConcatFromSequence", ["parts"], "whole", { axis: int(1) }),
      op("Relu", ["whole"], "y"),
    ];
    const reach = reachOf(await modelOf(between, ["y"], {}), ["x"]);
    const reason = expect.stringMatching(/^it has no rule: a random draw decides/);
    expect(reach.unsupported("y")).toEqual([
      { node: "parts", op: "SplitToSequence", reason },
      { node: "whole", op: "ConcatFromSequence", reason },
    ]);
  });

  test("what a node reads and does not move needs no rule", async () => {
    const between = [
      op("Greater", ["x", "low"], "a"),
      op("Less", ["x", "high"], "b"),
      op("And", ["a", "b"], "c"),
      op("Xor", ["c", "b"], "d"),
      op("Or", ["c", "d"], "e"),
      op("Not", ["c"], "f"),
      op("Or", ["f", "c"], "g"),
      op("And", ["g", "c"], "h"),
      op("Where", ["h", "x", "zero"], "y"),
    ];
    const constants = { low: floatTensor([], [-1]), high: floatTensor([], [1]), zero: floatTensor([], [0]) };
    const model = await modelOf([...between, op("Identity", ["e"], "also")], ["y", "also"], constants);
    const network = new Network(model, backend);
    expect(network.unsupported(network.input, network.output)).toEqual([]);
    // y = x where −1 < x < 1, else 0.
    const { data } = await (await network.jacobian({ at: Float32Array.of(-2, -0.5, 0.5, 3) })).dense();
    expect([...data]).toEqual([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
    const reach = reachOf(model, ["x"]);
    expect(["x", "y", "c", "h", "nowhere"].map((tensor) => reach.moves(tensor))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});
