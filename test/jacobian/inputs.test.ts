import { afterAll, describe, expect, test } from "vitest";
import { Network } from "../../src/jacobian/index.ts";
import {
  buildModel,
  type DataType,
  floatTensor,
  int,
  type Node,
  node,
  normalize,
  type Tensor,
  valueInfo,
} from "../../src/onnx/index.ts";
import { toDense } from "../../src/operator/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { evaluateWith } from "../../src/runtime/index.ts";

const backend = createBackend();
afterAll(() => backend.dispose());

const W = [1, -2, 3, 4, 5, -6]; // [3, 2]
const op = (name: string, inputs: readonly string[], output: string, attributes: Node["attributes"] = {}) =>
  node({ op: name, inputs, outputs: [output], attributes });
const product = (from: string, to: string) => op("MatMul", [from, "w"], to);

async function networkOf(
  nodes: readonly Node[],
  inputs: Readonly<Record<string, readonly [DataType, readonly number[]]>>,
  outputs: readonly string[],
  more: Readonly<Record<string, Tensor>> = {},
): Promise<Network> {
  const model = buildModel({
    inputs: Object.entries(inputs).map(([name, [type, shape]]) => valueInfo(name, type, shape)),
    outputs: outputs.map((name) => ({ name, type: undefined, shape: undefined })),
    nodes,
    initializers: new Map(Object.entries({ w: floatTensor([2, 3], [1, 3, 5, -2, 4, -6]), ...more })),
  });
  return new Network(await normalize(model, { evaluate: evaluateWith(backend) }), backend, "net.onnx");
}

async function denseOf(network: Network, from: string, to: string, at: readonly number[]): Promise<number[]> {
  const compiled = await network.compile(network.tap(from), network.tap(to));
  try {
    return [...(await toDense(await compiled.at(Float32Array.from(at))))];
  } finally {
    await compiled.release();
  }
}

describe("the output of a network", () => {
  const label = op("ArgMax", ["scores"], "label", { axis: int(1), keepdims: int(0) });
  const constant = { fixed: floatTensor([1, 3], [1, 2, 3]) };

  test.each<[string, string[], Readonly<Record<string, Tensor>>]>([
    ["whole numbers", ["label", "scores"], {}],
    ["a constant", ["fixed", "scores"], constant],
    ["a comparison", ["above", "scores"], {}],
    ["numbers that do not move", ["step", "scores"], {}],
  ])("is the first that moves with the input: %s come first", async (_, outputs, more) => {
    const nodes = [
      product("x", "scores"),
      label,
      op("Greater", ["scores", "zero"], "above"),
      op("Cast", ["above"], "step", { to: int(1) }),
    ];
    const network = await networkOf(nodes, { x: ["float32", [1, 2]] }, outputs, {
      zero: floatTensor([], [0]),
      ...more,
    });
    expect(network.output.name).toBe("scores");
    expect(await denseOf(network, "x", network.output.name, [1, 1])).toEqual(W);
  });

  test("is the last tap that moves, where no output does", async () => {
    const network = await networkOf([product("x", "scores"), label], { x: ["float32", [1, 2]] }, ["label"]);
    expect(network.output.name).toBe("scores");
  });
});

describe("inputs that are not fed", () => {
  const twice: Node[] = [product("x", "h"), op("Cast", ["length"], "l", { to: int(1) }), op("Mul", ["h", "l"], "y")];

  test("are named with type and shape where a tap depends on them; other taps can be had", async () => {
    const network = await networkOf(twice, { x: ["float32", [1, 2]], length: ["int64", [1]] }, ["y"]);
    const refusal = {
      code: "model-invalid",
      what: '"y" cannot be computed without inputs that are not fed: length (int64, 1).',
      where: { file: "net.onnx" },
    };
    await expect(network.compile(network.input, network.tap("y"))).rejects.toMatchObject(refusal);
    await expect(network.forward(Float32Array.of(1, 1), [network.tap("y")])).rejects.toMatchObject(refusal);
    expect(network.unfed(network.tap("h"))).toEqual([]);
    expect(await denseOf(network, "x", "h", [1, 1])).toEqual(W);
    expect([...(await network.forward(Float32Array.of(1, 1), [network.tap("h")]))[0]!]).toEqual([-1, 7, -1]);
  });

  test("do not matter where nothing reads them", async () => {
    const inputs = { size: ["float32", [1, 2]], x: ["float32", [1, 2]], length: ["int64", [1]] } as const;
    const network = await networkOf([product("x", "y")], inputs, ["y"]);
    expect(network.input.name).toBe("x");
    expect(await denseOf(network, "x", "y", [1, 1])).toEqual(W);
  });

  test("are all named where two could be fed", async () => {
    const inputs = { x: ["float32", [1, 2]], scale: ["float32", [1, 3]], length: ["int64", [1]] } as const;
    const nodes = [...twice, op("Div", ["y", "scale"], "z")];
    const network = await networkOf(nodes, inputs, ["z"]);
    expect(() => network.input).toThrow(
      "One input can be fed, and the network uses 3: x (float32, 1×2), scale (float32, 1×3), length (int64, 1).",
    );
  });
});

describe("an input of whole numbers", () => {
  const nodes = [op("Cast", ["x"], "floats", { to: int(1) }), product("floats", "y")];

  test.each<DataType>(["uint8", "int64", "int32"])("%s is fed, and the first floats are the source", async (type) => {
    const network = await networkOf(nodes, { x: [type, [1, 2]] }, ["y"]);
    expect([network.input.name, network.source.name, network.output.name]).toEqual(["x", "floats", "y"]);
    expect(await denseOf(network, "floats", "y", [200, 3])).toEqual(W);
    expect([...(await network.forward(Float32Array.of(200, 3), [network.tap("y")]))[0]!]).toEqual([194, 612, 982]);
  });

  test("has no derivative by itself, and the first floats are offered", async () => {
    const network = await networkOf(nodes, { x: ["uint8", [1, 2]] }, ["y"]);
    await expect(network.compile(network.input, network.output)).rejects.toMatchObject({
      code: "usage",
      what: '"x" holds uint8: there is no derivative by it.',
      fix: "Take the derivative by the first tensor of floats: --from floats (in the library: from).",
    });
  });

  test.each([
    [[0.5, 1], "entry 0 of the array is 0.5"],
    [[1, 256], "entry 1 of the array is 256"],
    [[-1, 0], "entry 0 of the array is -1"],
  ])("takes no %s", async (at, says) => {
    const network = await networkOf(nodes, { x: ["uint8", [1, 2]] }, ["y"]);
    await expect(denseOf(network, "floats", "y", at)).rejects.toMatchObject({
      code: "shape-mismatch",
      what: `Input "x" holds uint8, and ${says}.`,
    });
  });
});

test("the deviation that LayerNormalization gives beside its output is differentiated", async () => {
  const one = node({ op: "LayerNormalization", inputs: ["x", "one"], outputs: ["n", "", "r"] });
  const inputs = { x: ["float32", [1, 4]] } as const;
  const network = await networkOf([one], inputs, ["r"], { one: floatTensor([4], [1, 1, 1, 1]) });
  // r = (v + 10⁻⁵)^−½ with the mean 0 and the variance v = 2.5: dr/dxᵢ = −r³ xᵢ / 4.
  const x = [1, 2, -1, -2];
  const r = (2.5 + 1e-5) ** -0.5;
  const J = await denseOf(network, "x", "r", x);
  for (const [i, value] of J.entries()) expect(value).toBeCloseTo((-(r ** 3) * x[i]!) / 4, 6);
});
