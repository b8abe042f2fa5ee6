import { afterAll, describe, expect, test } from "vitest";
import type { PushforwardError } from "../../src/base/index.ts";
import { Network, type Point } from "../../src/jacobian/index.ts";
import {
  buildModel,
  type DataType,
  floatTensor,
  type InputValue,
  int,
  type Node,
  node,
  normalize,
  type Tensor,
  valueInfo,
} from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { evaluateWith } from "../../src/runtime/index.ts";

const backend = createBackend();
afterAll(() => backend.dispose());

const W = [1, -2, 3, 4, 5, -6]; // [3, 2]
const op = (name: string, inputs: readonly string[], output: string, attributes: Node["attributes"] = {}) =>
  node({ op: name, inputs, outputs: [output], attributes });
const product = (from: string, to: string) => op("MatMul", [from, "w"], to);

type Inputs = Readonly<Record<string, readonly [DataType, readonly number[]]>>;

async function networkOf(
  nodes: readonly Node[],
  inputs: Inputs,
  outputs: readonly string[],
  more: Readonly<Record<string, Tensor>> = {},
  given: Readonly<Record<string, InputValue>> = {},
): Promise<Network> {
  const model = buildModel({
    inputs: Object.entries(inputs).map(([name, [type, shape]]) => valueInfo(name, type, shape)),
    outputs: outputs.map((name) => ({ name, type: undefined, shape: undefined })),
    nodes,
    initializers: new Map(Object.entries({ w: floatTensor([2, 3], [1, 3, 5, -2, 4, -6]), ...more })),
  });
  const normalized = await normalize(model, { evaluate: evaluateWith(backend), given: new Map(Object.entries(given)) });
  return new Network(normalized, backend, { file: "net.onnx" });
}

const denseOf = (network: Network, from: string, to: string, at: readonly number[]) =>
  denseAt(network, from, to, Float32Array.from(at));

async function denseAt(network: Network, from: string, to: string, at: Point): Promise<number[]> {
  const { data } = await (await network.jacobian({ at, from, to })).dense();
  return [...data].map((entry) => entry + 0); // −0 counts as 0.
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

describe("further inputs", () => {
  const scaled: Node[] = [product("x", "h"), op("Cast", ["length"], "l", { to: int(1) }), op("Mul", ["h", "l"], "y")];
  const inputs: Inputs = { x: ["float32", [1, 2]], length: ["int64", [1]] };

  test("without a value are named with type and shape where a tap depends on them; other taps can be had", async () => {
    const network = await networkOf(scaled, inputs, ["y"]);
    const refusal = {
      code: "usage",
      what: "This input has no value: length (int64, 1).",
      fix: expect.stringContaining("--input length=FILE.npy"),
      where: { file: "net.onnx" },
    };
    await expect(denseOf(network, "x", "y", [1, 1])).rejects.toMatchObject(refusal);
    await expect(network.forward(Float32Array.of(1, 1), [network.tap("y")])).rejects.toMatchObject(refusal);
    expect(network.missing(network.tap("h"))).toEqual([]);
    expect(await denseOf(network, "x", "h", [1, 1])).toEqual(W);
    expect([...(await network.forward(Float32Array.of(1, 1), [network.tap("h")]))[0]!]).toEqual([-1, 7, -1]);
  });

  test("do not matter where nothing reads them", async () => {
    const three: Inputs = { size: ["float32", [1, 2]], x: ["float32", [1, 2]], length: ["int64", [1]] };
    const network = await networkOf([product("x", "y")], three, ["y"]);
    expect(network.input.name).toBe("x");
    expect(network.inputs.map(({ name, state }) => [name, state])).toEqual([
      ["size", "unused"],
      ["x", "pictures"],
      ["length", "unused"],
    ]);
    expect(await denseOf(network, "x", "y", [1, 1])).toEqual(W);
  });

  test.each<[DataType, InputValue, number]>([
    ["int64", 3, 3],
    ["int64", BigInt64Array.of(-2n), -2],
    ["uint8", { shape: [1], data: Uint8Array.of(200) }, 200],
    ["bool", 1, 1],
    ["float32", 0.5, 0.5],
    ["float64", { shape: [1], data: Float64Array.of(0.25) }, 0.25],
  ])("of %s are held at the value given when the network is opened", async (type, value, factor) => {
    const network = await networkOf(scaled, { ...inputs, length: [type, [1]] }, ["y"], {}, { length: value });
    expect(network.inputs.map(({ state }) => state)).toEqual(["pictures", "given"]);
    expect(await denseOf(network, "x", "y", [1, 1])).toEqual(W.map((entry) => factor * entry));
  });

  test.each<[InputValue, Partial<PushforwardError>]>([
    [0.5, { code: "shape-mismatch", what: 'Input "length" holds int64, and entry 0 of the array is 0.5.' }],
    [
      Float32Array.of(1, 2),
      { code: "shape-mismatch", what: 'The value of input "length" is 2 numbers, but the network takes 1.' },
    ],
  ])("refuse %s", async (length, refusal) => {
    const indexed = [op("Gather", ["w", "length"], "row", { axis: int(1) }), op("MatMul", ["x", "row"], "y")];
    await expect(networkOf(scaled, inputs, ["y"], {}, { length })).rejects.toMatchObject(refusal);
    await expect(networkOf(indexed, inputs, ["y"], {}, { length })).rejects.toMatchObject(refusal);
  });

  test("a value for what is no input is refused", async () => {
    await expect(networkOf(scaled, inputs, ["y"], {}, { lenght: 3 })).rejects.toMatchObject({
      code: "usage",
      what: 'A value is given for "lenght", which is not an input of the model.',
      fix: "Its inputs are: x, length.",
    });
  });

  test("that are whole numbers become constants: an If that one decides leaves its branch, with its shapes", async () => {
    const branch = (name: string, factor: string) => ({
      kind: "graph" as const,
      value: {
        name,
        inputs: [],
        outputs: [{ name: `${name}_y`, type: undefined, shape: undefined }],
        nodes: [op("MatMul", ["x", factor], `${name}_y`)],
        initializers: new Map(),
      },
    });
    const nodes = [
      op("Equal", ["rate", "sixteen"], "is16"),
      op("If", ["is16"], "y", { then_branch: branch("a", "w"), else_branch: branch("b", "narrow") }),
    ];
    const more = {
      sixteen: { type: "int64", shape: [], data: BigInt64Array.of(16000n) },
      narrow: floatTensor([2, 1], [7, 8]),
    } as const;
    const rated: Inputs = { x: ["float32", [1, 2]], rate: ["int64", []] };
    const open = (rate?: number) => networkOf(nodes, rated, ["y"], more, rate === undefined ? {} : { rate });
    expect(await denseOf(await open(16000), "x", "y", [1, 1])).toEqual(W);
    expect(await denseOf(await open(8000), "x", "y", [1, 1])).toEqual([7, 8]);
    const undecided = await open();
    const at = (rate: number) => denseAt(undecided, "x", "y", { x: Float32Array.of(1, 1), rate });
    expect([await at(16000), await at(8000), await at(16000)]).toEqual([W, [7, 8], W]);
    await expect(denseAt(undecided, "x", "y", Float32Array.of(1, 1))).rejects.toMatchObject({
      code: "usage",
      what: "This input has no value: rate (int64, scalar).",
    });
    await expect(denseAt(await open(8000), "x", "y", { x: Float32Array.of(1, 1), rate: 16000 })).rejects.toMatchObject({
      code: "usage",
      what: 'The value of input "rate" was given when the network was opened, and the network is now the one with this value.',
    });
  });
});

describe("several inputs of floats", () => {
  // y = (x w) ⊙ s: ∂y/∂x = diag(s) Wᵀ, and ∂y/∂s = diag(x w).
  const nodes = [product("x", "h"), op("Mul", ["h", "s"], "y")];
  const inputs: Inputs = { x: ["float32", [1, 2]], s: ["float32", [1, 3]] };
  const s = Float32Array.of(2, 3, 5);
  const byX = [2, -4, 9, 12, 25, -30];
  const byS = [-1, 0, 0, 0, 7, 0, 0, 0, -1];

  test("pictures go to the first that has no value", async () => {
    expect((await networkOf(nodes, inputs, ["y"])).input.name).toBe("x");
    expect((await networkOf(nodes, inputs, ["y"], {}, { s })).input.name).toBe("x");
    expect((await networkOf(nodes, inputs, ["y"], {}, { x: 1 })).input.name).toBe("s");
  });

  test("each is a source, with the others held fixed", async () => {
    const network = await networkOf(nodes, inputs, ["y"], {}, { s });
    expect(await denseOf(network, "x", "y", [1, 1])).toEqual(byX);
    expect(await denseOf(network, "s", "y", [1, 1])).toEqual(byS);
    const other = await networkOf(nodes, inputs, ["y"], {}, { x: 1 });
    expect(await denseOf(other, "s", "y", [...s])).toEqual(byS);
    expect((await network.forward(Float32Array.of(1, 1), [network.tap("s")]))[0]).toEqual(s);
  });

  test("a point names its inputs, in place of values given before", async () => {
    const network = await networkOf(nodes, inputs, ["y"]);
    const x = Float32Array.of(1, 1);
    expect(await denseAt(network, "x", "y", { x, s: { shape: [3], data: s } })).toEqual(byX);
    expect(await denseAt(network, "s", "y", { x, s })).toEqual(byS);
    const given = await networkOf(nodes, inputs, ["y"], {}, { s: 1 });
    expect(await denseAt(given, "x", "y", { x })).toEqual(W);
    expect(await denseAt(given, "x", "y", { x, s })).toEqual(byX);
    await expect(denseAt(network, "x", "y", { x })).rejects.toMatchObject({
      what: "This input has no value: s (float32, 1×3).",
    });
    await expect(denseAt(network, "x", "y", { x, t: 1 })).rejects.toMatchObject({
      what: 'A value is given for "t", which is not an input of the network.',
    });
  });

  test("cuts are those of the paths from the input of pictures", async () => {
    const network = await networkOf(nodes, inputs, ["y"], {}, { s });
    expect(network.taps.map(({ name, cut }) => [name, cut])).toEqual([
      ["x", true],
      ["s", false],
      ["h", true],
      ["y", true],
    ]);
  });
});

describe("an input of whole numbers", () => {
  const nodes = [op("Cast", ["x"], "floats", { to: int(1) }), product("floats", "y")];

  test.each<DataType>(["uint8", "int64", "int32", "bool"])("%s that are cast to floats are a source", async (type) => {
    const network = await networkOf(nodes, { x: [type, [1, 2]] }, ["y"]);
    expect([network.input.name, network.source.name, network.output.name]).toEqual(["x", "x", "y"]);
    expect(network.inputs[0]).toMatchObject({ name: "x", type, state: "pictures" });
    expect(await denseOf(network, "x", "y", [200, 3])).toEqual(W);
    expect(await denseOf(network, "floats", "y", [200, 3])).toEqual(W);
    expect([...(await network.forward(Float32Array.of(200, 3), [network.tap("y")]))[0]!]).toEqual([194, 612, 982]);
  });

  test("that are rearranged before the cast are a source in the layout of the input", async () => {
    const rearranged = [
      op("Transpose", ["x"], "turned", { perm: { kind: "ints", value: [0, 2, 1] } }),
      op("Cast", ["turned"], "floats", { to: int(1) }),
      op("Reshape", ["floats", "flat"], "row"),
      op("MatMul", ["row", "six"], "y"),
    ];
    const network = await networkOf(rearranged, { x: ["uint8", [1, 2, 3]] }, ["y"], {
      flat: { type: "int64", shape: [2], data: BigInt64Array.of(1n, 6n) },
      six: floatTensor([6, 1], [1, 2, 3, 4, 5, 6]),
    });
    // The entries in the order of the transposed array: x₀₀ x₁₀ x₀₁ x₁₁ x₀₂ x₁₂.
    expect(await denseOf(network, "x", "y", [1, 2, 3, 4, 5, 6])).toEqual([1, 3, 5, 2, 4, 6]);
  });

  test("that go from space to depth before the cast are a source too", async () => {
    const deepened = [
      op("SpaceToDepth", ["x"], "deep", { blocksize: int(2) }),
      op("Cast", ["deep"], "floats", { to: int(1) }),
      op("Reshape", ["floats", "flat"], "row"),
      op("MatMul", ["row", "eight"], "y"),
    ];
    const network = await networkOf(deepened, { x: ["uint8", [1, 1, 2, 4]] }, ["y"], {
      flat: { type: "int64", shape: [2], data: BigInt64Array.of(1n, 8n) },
      eight: floatTensor([8, 1], [1, 2, 3, 4, 5, 6, 7, 8]),
    });
    // Channels are the places in a block: x₀₀ x₀₂, x₀₁ x₀₃, x₁₀ x₁₂, x₁₁ x₁₃.
    expect(await denseOf(network, "x", "y", [1, 2, 3, 4, 5, 6, 7, 8])).toEqual([1, 3, 2, 4, 5, 7, 6, 8]);
  });

  describe("that picks entries", () => {
    const ids = [op("Gather", ["w", "ids"], "embedded", { axis: int(0) }), op("Mul", ["embedded", "embedded"], "y")];
    const inputs: Inputs = { ids: ["int64", [2]], mask: ["int64", [2, 1]] };

    test("starts at the first floats behind it, and takes whole numbers alone", async () => {
      const network = await networkOf(ids, { ids: ["int64", [1]] }, ["y"]);
      expect([network.input.name, network.source.name]).toEqual(["ids", "embedded"]);
      expect(await denseOf(network, "embedded", "y", [1])).toEqual([-4, 0, 0, 0, 8, 0, 0, 0, -12]);
      await expect(denseOf(network, "embedded", "y", [0.5])).rejects.toMatchObject({
        code: "shape-mismatch",
        what: 'Input "ids" holds int64, and entry 0 of the array is 0.5.',
      });
      await expect(denseOf(network, "ids", "y", [1])).rejects.toMatchObject({
        code: "usage",
        what: '"ids" holds int64: there is no derivative by it.',
        fix: "Take the derivative by the first tensor of floats: --from embedded (in the library: from).",
      });
    });

    test("is the one of pictures beside a mask, which is held", async () => {
      const masked = [
        op("Cast", ["mask"], "weights", { to: int(1) }),
        ...ids.slice(0, 1),
        op("Mul", ["embedded", "weights"], "y"),
      ];
      const network = await networkOf(masked, inputs, ["y"], {}, { mask: BigInt64Array.of(1n, 0n) });
      expect([network.input.name, network.source.name]).toEqual(["ids", "embedded"]);
      const J = await denseOf(network, "embedded", "y", [1, 0]);
      expect(J.filter((_, i) => i % 7 === 0)).toEqual([1, 1, 1, 0, 0, 0]);
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

describe("an input of whole numbers with a value", () => {
  const types = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"] as const;
  const some = (...entries: number[]): InputValue => ({ shape: [1, entries.length], data: Float64Array.from(entries) });

  test.each(types)("is a mask of %s, by an array or by a number", async (type) => {
    const nodes = [
      product("x", "scores"),
      op("Cast", ["mask"], "is", { to: int(9) }),
      op("Where", ["is", "scores", "none"], "y"),
    ];
    const inputs: Inputs = { x: ["float32", [1, 2]], mask: [type, [1, 3]] };
    const under = async (mask: InputValue) =>
      denseOf(await networkOf(nodes, inputs, ["y"], { none: floatTensor([], [0]) }, { mask }), "x", "y", [1, 1]);
    expect(await under(some(1, 0, 1))).toEqual(W.map((entry, i) => (i === 2 || i === 3 ? 0 : entry)));
    expect(await under(1)).toEqual(W);
    expect(await under(0)).toEqual(W.map(() => 0));
  });

  test.each(["int32", "int64"] as const)("are indices of %s", async (type) => {
    const nodes = [product("x", "scores"), op("Gather", ["scores", "places"], "y", { axis: int(1) })];
    const inputs: Inputs = { x: ["float32", [1, 2]], places: [type, [1, 2]] };
    const network = await networkOf(nodes, inputs, ["y"], {}, { places: some(-1, 0) });
    expect(await denseOf(network, "x", "y", [1, 1])).toEqual([...W.slice(4), ...W.slice(0, 2)]);
  });

  test.each([
    ["LSTM", 4],
    ["GRU", 3],
    ["RNN", 1],
  ])("are the lengths of the sequences of an %s", async (cell, gates) => {
    const [steps, batch] = [4, 2];
    const weights = floatTensor(
      [1, gates, 1],
      Array.from({ length: gates }, (_, i) => 0.5 - 0.3 * i),
    );
    const nodes = [op(cell, ["x", "in", "back", "", "lengths"], "y", { hidden_size: int(1) })];
    const inputs: Inputs = { x: ["float32", [steps, batch, 1]], lengths: ["int32", [batch]] };
    const own = [2, 4];
    const lengths = { shape: [batch], data: Float64Array.from(own) };
    const network = await networkOf(nodes, inputs, ["y"], { in: weights, back: weights }, { lengths });
    const at = Array.from({ length: steps * batch }, (_, i) => Math.sin(i + 1));
    const dense = await denseOf(network, "x", "y", at);
    const isThere = dense.map((entry) => entry !== 0);
    const expected = at.flatMap((_row, target) =>
      at.map((_column, source) => {
        const [step, from] = [target, source].map((place) => Math.floor(place / batch)) as [number, number];
        return target % batch === source % batch && from <= step && step < own[target % batch]!;
      }),
    );
    expect(isThere).toEqual(expected);
  });
});
