import { afterAll, describe, expect, test } from "vitest";
import { type ControlKind, controlKinds, drawControl } from "../../src/controls/index.ts";
import { Network } from "../../src/jacobian/index.ts";
import { floatTensor, int, ints, intTensor, type Model, weightsInside, writeModel } from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { relativeDistance } from "../laws/vectors.ts";
import { networkOf, random, randomPoints, weightsIn } from "./networks.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

const points = randomPoints(3, 3 * 8 * 8);

/** Conv, Relu, a grouped Conv, a mean over the picture, Gemm. */
const convolutional = (weights: readonly string[] = []): Promise<Model> =>
  networkOf({
    weights,
    input: [1, 3, 8, 8],
    output: "y",
    initializers: {
      w1: random(1, [8, 3, 3, 3]),
      b1: random(2, [8]),
      w2: random(3, [8, 4, 3, 3]),
      w3: random(4, [5, 8]),
      b3: random(5, [5]),
    },
    nodes: [
      { op: "Conv", inputs: ["x", "w1", "b1"], outputs: ["c1"], attributes: { pads: ints([1, 1, 1, 1]) } },
      { op: "Relu", inputs: ["c1"], outputs: ["r1"] },
      { op: "Conv", inputs: ["r1", "w2"], outputs: ["c2"], attributes: { group: int(2) } },
      { op: "GlobalAveragePool", inputs: ["c2"], outputs: ["p"] },
      { op: "Flatten", inputs: ["p"], outputs: ["f"] },
      { op: "Gemm", inputs: ["f", "w3", "b3"], outputs: ["y"], attributes: { transB: int(1) } },
    ],
  });

const draw = (model: Model, kind: ControlKind, { seed = 0, draw = 1 } = {}) =>
  drawControl(model, { kind, seed, draw, points, backend });

const sortedBits = (numbers: Float32Array): Uint32Array => new Uint32Array(numbers.slice().buffer).sort();

describe.each(controlKinds)("%s", (kind) => {
  test("changes the weights of every layer and nothing else", async () => {
    const model = await convolutional();
    const control = await draw(model, kind);
    expect(control.layers.map(({ node, op, weights, entries }) => [node, op, weights, entries])).toEqual([
      ["c1", "Conv", "w1", 216],
      ["c2", "Conv", "w2", 288],
      ["y", "Gemm", "w3", 40],
    ]);
    const drawn = new Set(["w1", "w2", "w3"]);
    for (const [name, { shape, data }] of model.onnx.graph.initializers) {
      const other = control.model.onnx.graph.initializers.get(name)!;
      expect(other.shape).toEqual(shape);
      if (drawn.has(name)) expect(other.data).not.toEqual(data);
      else expect(other.data).toEqual(data);
    }
    const withoutWeights = ({ onnx: { graph, ...rest } }: Model) => ({ ...rest, ...graph, initializers: undefined });
    expect(withoutWeights(control.model)).toEqual(withoutWeights(model));
    expect(control.model.values).toEqual(model.values);
  });

  test("draws weights that are inputs as it does others, and leaves them inputs", async () => {
    const [plain, open] = [
      await draw(await convolutional(), kind),
      await draw(await convolutional(["w1", "b1"]), kind),
    ];
    expect(open.layers).toEqual(plain.layers);
    expect(open.model.onnx.graph.inputs.map(({ name }) => name)).toEqual(["x", "w1", "b1"]);
    expect(open.model.inputs!.find(({ name }) => name === "w1")!.value!.data).toEqual(weightsIn(plain.model, "w1"));
    expect(weightsIn(open.model, "w2")).toEqual(weightsIn(plain.model, "w2"));
    expect(Buffer.from(writeModel(weightsInside(open.model).onnx)).length).toBe(writeModel(plain.model.onnx).length);
    const [own, other] = [new Network(plain.model, backend), new Network(open.model, backend)];
    const dense = async (network: Network, from: string) => {
      using J = await network.jacobian({ at: points[0]!, from });
      return (await J.dense()).data;
    };
    expect(relativeDistance(await dense(other, "x"), await dense(own, "x"))).toBeLessThan(1e-6);
    const trained = new Network(await convolutional(["w1", "b1"]), backend);
    expect(relativeDistance(await dense(other, "w1"), await dense(trained, "w1"))).toBeGreaterThan(0.1);
  });

  test("is determined by seed and draw", async () => {
    const model = await convolutional();
    const bytes = async (options: { seed?: number; draw?: number }) =>
      Buffer.from(writeModel((await draw(model, kind, options)).model.onnx)).toString("base64");
    const first = await bytes({ seed: 7, draw: 2 });
    expect(await bytes({ seed: 7, draw: 2 })).toBe(first);
    expect(await bytes({ seed: 7, draw: 3 })).not.toBe(first);
    expect(await bytes({ seed: 8, draw: 2 })).not.toBe(first);
  });

  test("is a network whose J has certified singular triplets", async () => {
    const network = new Network((await draw(await convolutional(), kind)).model, backend);
    const { sigma, certificate } = await (await network.jacobian({ at: points[0]! })).svd({ k: 5 });
    expect([...certificate.status]).toEqual(new Array(5).fill("converged"));
    expect(Math.min(...sigma)).toBeGreaterThan(0);
  });
});

test("permuted keeps the weights of each layer, bit by bit", async () => {
  const model = await convolutional();
  const { model: control } = await draw(model, "permuted");
  for (const name of ["w1", "w2", "w3"]) {
    expect(sortedBits(weightsIn(control, name))).toEqual(sortedBits(weightsIn(model, name)));
  }
});

test("permuted: every order of a layer's weights is as likely as any other", async () => {
  const model = await networkOf({
    input: [1, 2],
    output: "y",
    initializers: { w: floatTensor([2, 2], [1, 2, 3, 4]) },
    nodes: [{ op: "MatMul", inputs: ["x", "w"], outputs: ["y"] }],
  });
  const counts = new Map<string, number>();
  const draws = 2400;
  for (let i = 0; i < draws; i++) {
    const order = weightsIn((await draw(model, "permuted", { draw: i })).model, "w").join();
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  const expected = draws / 24;
  const chiSquared = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  expect(counts.size).toBe(24);
  // Of 23 degrees of freedom: exceeded with a probability of 0.001, and so for 1 seed in 1000.
  expect(chiSquared).toBeLessThan(49.73);
});

test("gaussian: normal numbers with the layer's mean and variance", async () => {
  const count = 200 * 100;
  const uniform = Float32Array.from({ length: count }, (_, i) => 3 + i / count);
  const model = await networkOf({
    input: [1, 200],
    output: "y",
    initializers: { w: floatTensor([200, 100], uniform) },
    nodes: [{ op: "MatMul", inputs: ["x", "w"], outputs: ["y"] }],
  });
  const drawn = weightsIn((await draw(model, "gaussian")).model, "w");
  const mean = drawn.reduce((sum, x) => sum + x, 0) / count;
  const moment = (power: number) => drawn.reduce((sum, x) => sum + (x - mean) ** power, 0) / count;
  const deviation = Math.sqrt(1 / 12);
  // Four standard errors each: σ/√n of the mean, σ²√(2/n) of the variance, √(24/n) of the kurtosis, which is 3 of normal
  // numbers and 1.8 of the trained ones here.
  expect(Math.abs(mean - 3.5)).toBeLessThan((4 * deviation) / Math.sqrt(count));
  expect(Math.abs(moment(2) - deviation ** 2)).toBeLessThan(4 * deviation ** 2 * Math.sqrt(2 / count));
  expect(Math.abs(moment(4) / moment(2) ** 2 - 3)).toBeLessThan(4 * Math.sqrt(24 / count));
});

test("a network without weights is refused", async () => {
  const model = await networkOf({
    input: [1, 4],
    output: "y",
    initializers: { scale: random(1, [1, 4]) },
    nodes: [{ op: "Mul", inputs: ["x", "scale"], outputs: ["y"] }],
  });
  await expect(draw(model, "permuted")).rejects.toMatchObject({
    code: "usage",
    what: "The network has no weights to draw: no node multiplies by a constant matrix or by constant filters.",
  });
});

test.each([
  [
    "a weight that is also looked up",
    { op: "Gather", inputs: ["w", "places"], outputs: ["p"] },
    /No control can be drawn with "w" as an input.*Open the network without "w"/,
  ],
  [
    "one that a node transposes first",
    { op: "Transpose", inputs: ["w"], outputs: ["p"] },
    /computed from "w" each time.*Open the network without "w"/,
  ],
])("%s cannot be an input of a control", async (_, reading, message) => {
  const transposes = reading.op === "Transpose";
  const model = await networkOf({
    input: [4, 4],
    output: "y",
    weights: ["w"],
    initializers: { w: random(1, [4, 4]), ...(transposes ? {} : { places: intTensor([0, 1, 2, 3]) }) },
    nodes: [
      reading,
      { op: "MatMul", inputs: ["x", transposes ? "p" : "w"], outputs: ["m"] },
      { op: "Add", inputs: ["m", "p"], outputs: ["y"] },
    ],
  });
  let told = "";
  await draw(model, "permuted").catch((cause: { format(): string }) => {
    told = cause.format().replaceAll("\n", " ");
  });
  expect(told).toMatch(message);
});
