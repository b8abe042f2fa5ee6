import { afterAll, describe, expect, test } from "vitest";
import { createRng, gaussianArray, sizeOf } from "../../src/base/index.ts";
import { checkModel, floatTensor, normalize, type Tensor } from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { evaluateWith } from "../../src/runtime/index.ts";
import { errorFunction } from "../../src/theory/activations.ts";
import {
  type Architecture,
  compileGradient,
  inferenceModel,
  initialWeights,
  type Layer,
  type LossName,
  trainingGraph,
  type Weights,
} from "../../src/training/index.ts";

const backend = createBackend({ threads: 1 });
const evaluate = evaluateWith(backend);
afterAll(() => backend.dispose());

const weightsOf = (net: Architecture): Weights =>
  initialWeights(net, { kind: "gaussian", biasVariance: 1, weightVariance: 4 }, 1);

async function answer(net: Architecture, weights: Weights, x: Float32Array): Promise<Tensor> {
  const feeds = new Map([["input", floatTensor([x.length / sizeOf(net.input), ...net.input], x)]]);
  return (await evaluate(inferenceModel(net, weights), feeds, ["output"])).get("output")!;
}

const points = Float32Array.of(-3, -1.1, -0.4, -1e-4, 0, 2e-5, 0.3, 0.9, 2.5);
const logistic = (x: number) => 1 / (1 + Math.exp(-x));

test.each<[Layer, (x: number) => number]>([
  [{ kind: "relu" }, (x) => Math.max(x, 0)],
  [{ kind: "relu", gain: 1.5 }, (x) => Math.max(1.5 * x, 0)],
  [{ kind: "tanh", gain: 3 }, (x) => Math.tanh(3 * x)],
  [{ kind: "sigmoid" }, logistic],
  [{ kind: "sigmoid", gain: 10 }, (x) => logistic(10 * x)],
  [{ kind: "sigmoid", gain: 4, offset: 0.5 }, (x) => Math.tanh(2 * x) / 2],
  [{ kind: "sigmoid", offset: 0.25 }, (x) => logistic(x) - 0.25],
  [{ kind: "erf" }, errorFunction.value],
  [{ kind: "hardTanh", gain: 2 }, (x) => Math.min(1, Math.max(-1, 2 * x))],
  [{ kind: "linear", gain: 0.5 }, (x) => 0.5 * x],
  [{ kind: "linear" }, (x) => x],
])("%j is its function", async (layer, f) => {
  const { data } = await answer({ input: [points.length], layers: [layer] }, new Map(), points);
  for (const [i, x] of points.entries()) {
    // A function through the origin is as small as x there, and is right relative to that; any other relative to its range.
    const size = f(0) === 0 ? Math.abs(f(x)) : 1;
    expect(Math.abs((data as Float32Array)[i]! - f(x))).toBeLessThan(4e-7 * size + 1e-12);
  }
});

test("a transposed layer is the transpose of the one it is tied to", async () => {
  const rng = createRng(3, "vectors");
  const pairs: [Architecture, Architecture][] = [
    [
      { input: [5], layers: [{ kind: "dense", units: 3, bias: false }] },
      {
        input: [5],
        layers: [
          { kind: "dense", units: 3, bias: false },
          { kind: "dense", tied: "fc1", transposed: true, bias: false },
        ],
      },
    ],
    [
      { input: [2, 8, 8], layers: [{ kind: "conv", channels: 3, kernel: 4, stride: 2, pad: 1, bias: false }] },
      {
        input: [2, 8, 8],
        layers: [
          { kind: "conv", channels: 3, kernel: 4, stride: 2, pad: 1, bias: false },
          { kind: "conv", tied: "conv1", transposed: true, stride: 2, pad: 1, bias: false },
        ],
      },
    ],
  ];
  for (const [encoder, both] of pairs) {
    const weights = weightsOf(both);
    const [x, z] = [gaussianArray(rng, sizeOf(both.input)), gaussianArray(rng, sizeOf(both.input))];
    const values = async (net: Architecture, at: Float32Array) => (await answer(net, weights, at)).data as Float32Array;
    const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
    const expected = dot(await values(encoder, x), await values(encoder, z));
    expect(await values(both, x)).toHaveLength(x.length);
    expect(dot(await values(both, x), z) / expected).toBeCloseTo(1, 5);
  }
});

test("tied layers have one weight, and a bias each", async () => {
  const net: Architecture = {
    input: [4],
    layers: [
      { kind: "dense", units: 4 },
      { kind: "tanh" },
      { kind: "dense", tied: "fc1" },
      { kind: "tanh" },
      { kind: "dense", tied: "fc2", bias: false },
    ],
  };
  expect([...weightsOf(net).keys()]).toEqual(["fc1.weight", "fc1.bias", "fc2.bias"]);
});

const autoencoder: Architecture = {
  input: [6],
  layers: [
    { kind: "dropout", rate: 0.25 },
    { kind: "dense", units: 4 },
    { kind: "sigmoid", gain: 2, offset: 0.5 },
    { kind: "dense", tied: "fc1", transposed: true },
    { kind: "sigmoid" },
  ],
};
const manyKinds: Architecture = {
  input: [2, 10, 8],
  layers: [
    { kind: "conv", channels: 3, kernel: 3, pad: 1, bias: false },
    { kind: "tanh", gain: 0.7 },
    { kind: "avgPool", kernel: 2 },
    { kind: "erf" },
    { kind: "hardTanh", gain: 2 },
    { kind: "conv", channels: 3, kernel: 3, stride: 2, pad: 1 },
    { kind: "flatten" },
    { kind: "sigmoid" },
    { kind: "linear", gain: 3 },
    { kind: "linear" },
    { kind: "dense", units: 3, bias: false },
    { kind: "sigmoid" },
  ],
};

type Supervised = Exclude<LossName, "contrastiveDivergence">;

/** The losses in plain float64, from outputs y and targets t [batch, n]. */
const inFloat64: { readonly [L in Supervised]: (y: number[][], t: number[][]) => number } = {
  softmaxCrossEntropy: (y, t) =>
    mean(y, (row, i) => {
      const total = Math.log(sum(row.map(Math.exp)));
      return -sum(row.map((z, j) => t[i]![j]! * (z - total)));
    }),
  binaryCrossEntropy: (y, t) =>
    mean(y, (row, i) => -sum(row.map((p, j) => t[i]![j]! * Math.log(p) + (1 - t[i]![j]!) * Math.log(1 - p)))),
  summedSquaredError: (y, t) => sum(y.map((row, i) => sum(row.map((p, j) => (p - t[i]![j]!) ** 2)))) / 2,
  meanSquaredError: (y, t) => mean(y, (row, i) => mean(row, (p, j) => (p - t[i]![j]!) ** 2)),
};
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const mean = <T>(rows: readonly T[], of: (row: T, i: number) => number) => sum(rows.map(of)) / rows.length;

describe.each<[string, Architecture]>([
  ["an auto-encoder", autoencoder],
  ["a network of many kinds of layers", manyKinds],
])("of %s", (_, net) => {
  test.each(Object.keys(inFloat64) as Supervised[])(
    "the loss %s is its definition, and its gradient is right",
    async (loss) => {
      const batch = 3;
      const graph = trainingGraph(net, { batch, loss });
      checkModel(graph.model.onnx);
      const rng = createRng(5, "feeds");
      const values = new Map(weightsOf(net));
      values.set(graph.input, floatTensor([batch, ...net.input], gaussianArray(rng, batch * sizeOf(net.input))));
      const { shape } = graph.model.values.get(graph.output)!;
      values.set(
        "target",
        floatTensor(
          shape,
          gaussianArray(rng, sizeOf(shape)).map((value) => logistic(value)),
        ),
      );
      for (const mask of graph.masks)
        values.set(mask.name, floatTensor(mask.shape, new Float32Array(sizeOf(mask.shape)).fill(1)));

      const normalized = await normalize(graph.model.onnx, { evaluate, feeds: values });
      for (const [name, type] of graph.model.values) {
        if (normalized.values.has(name)) expect(normalized.values.get(name), name).toEqual(type);
      }
      const gradient = await compileGradient(backend, graph.model, { of: "loss", by: [...graph.weights.keys()] });
      const at = () => gradient.at(Object.fromEntries(values));
      const rows = (tensor: Tensor) =>
        Array.from({ length: batch }, (_, i) =>
          Array.from(
            (tensor.data as Float32Array).subarray((i * sizeOf(shape)) / batch, ((i + 1) * sizeOf(shape)) / batch),
          ),
        );
      const y = await answer(net, values, values.get(graph.input)!.data as Float32Array);
      const expected = inFloat64[loss](rows(y), rows(values.get("target")!));
      expect(Math.abs((await at()) / expected - 1)).toBeLessThan(1e-5);

      for (const [name] of graph.weights) {
        await at();
        const slope = gradient.by.get(name)!.slice();
        const size = Math.hypot(...slope);
        const weight = values.get(name)!.data as Float32Array;
        const kept = weight.slice();
        // Along the gradient itself, by h, so that the loss moves by h times its norm; errors of the difference go by h².
        const moved = async (h: number) => {
          weight.set(kept.map((value, i) => value + (h * slope[i]!) / size));
          return at();
        };
        const h = 2e-3;
        const measured = ((await moved(h)) - (await moved(-h))) / (2 * h);
        weight.set(kept);
        expect(Math.abs(measured / size - 1), name).toBeLessThan(5e-3);
      }
      await gradient.release();
    },
  );
});

test("weights that are fixed are constants, and have no gradient", () => {
  const weights = weightsOf(autoencoder);
  const fixed = new Map([["fc1.weight", weights.get("fc1.weight")!]]);
  const graph = trainingGraph(autoencoder, { batch: 2, loss: "meanSquaredError", fixed });
  expect([...graph.weights.keys()]).toEqual(["fc1.bias", "fc2.bias"]);
  expect(graph.model.onnx.graph.initializers.has("fc1.weight")).toBe(true);
});

describe("what does not fit is refused, with its place", () => {
  const dense = { kind: "dense", units: 4 } as const;
  test.each<[string, Layer[], string, string]>([
    ["no layers", [], "", "A network without layers has no output."],
    [
      "a pool of vectors",
      [dense, { kind: "maxPool", kernel: 2 }],
      "pool1",
      "This layer takes pictures [C, H, W], but 4 comes in.",
    ],
    [
      "a convolution of vectors",
      [dense, { kind: "conv", channels: 1, kernel: 2 }],
      "conv2",
      "This layer takes pictures [C, H, W], but 4 comes in.",
    ],
    [
      "a tie to nothing",
      [dense, { kind: "dense", tied: "fc7" }],
      "fc2",
      'There is no layer "fc7" before it whose weight it can use.',
    ],
    [
      "a tie to itself",
      [{ kind: "dense", tied: "fc1" }],
      "fc1",
      'There is no layer "fc1" before it whose weight it can use.',
    ],
    [
      "a tie that does not fit",
      [dense, { kind: "dense", tied: "fc1" }],
      "fc2",
      "The weight that this layer shares takes 6 entries, but 4 come in.",
    ],
  ])("%s", (_, layers, node, what) => {
    const error = expect.objectContaining({ code: "model-invalid", what, ...(node === "" ? {} : { where: { node } }) });
    expect(() => inferenceModel({ input: [6], layers }, new Map())).toThrow(error);
  });

  test("a binary cross-entropy of what is no probability", () => {
    const net = { input: [6], layers: [dense] };
    const what =
      "The binary cross-entropy is that of outputs between 0 and 1, but the network does not end in a sigmoid.";
    expect(() => trainingGraph(net, { batch: 1, loss: "binaryCrossEntropy" })).toThrow(what);
  });
});
