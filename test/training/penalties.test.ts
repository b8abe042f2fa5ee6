import { afterAll, describe, expect, test } from "vitest";
import { createRng, sizeOf } from "../../src/base/index.ts";
import { openGraph } from "../../src/jacobian/index.ts";
import { checkModel, floatTensor, type OnnxModel, type Tensor } from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { evaluateWith } from "../../src/runtime/index.ts";
import { svd } from "../../src/svd/index.ts";
import {
  type Architecture,
  compileGradient,
  inferenceModel,
  initialWeights,
  trainingGraph,
  type Weights,
} from "../../src/training/index.ts";
import { type Penalty, penalized } from "../../src/training/penalties.ts";
import { sigmoidAutoencoder } from "./sigmoid-autoencoder.ts";

const backend = createBackend({ threads: 1 });
const evaluate = evaluateWith(backend);
afterAll(() => backend.dispose());

const contractive = (to: string, weight = 1): Penalty => ({ kind: "contractive", weight, to });
const drawn = (net: Architecture, seed = 1): Weights =>
  initialWeights(net, { kind: "glorot", gain: 4, distribution: "uniform", biasVariance: 0.3 }, seed);
const withOutput = (model: OnnxModel, name: string): OnnxModel => ({
  ...model,
  graph: { ...model.graph, outputs: [...model.graph.outputs, { name, type: "float32", shape: undefined }] },
});

/** A network with a penalty, and values of all inputs of its training graph. */
async function prepared(net: Architecture, penalty: Penalty, batch: number, seed = 1) {
  const graph = trainingGraph(net, { batch, loss: "binaryCrossEntropy" });
  const own = penalized(net, graph, penalty);
  const { model, of } = await own.model(backend);
  checkModel(model.onnx);
  const rng = createRng(seed, "feeds");
  const feeds = new Map<string, Tensor>(drawn(net));
  const { shape } = graph.model.values.get("target")!;
  const uniform = (count: number) => Float32Array.from({ length: count }, () => rng.uniform());
  feeds.set(graph.input, floatTensor([batch, ...net.input], uniform(batch * sizeOf(net.input))));
  feeds.set("target", floatTensor(shape, uniform(sizeOf(shape))));
  if (own.graph.signs !== undefined) {
    const signs = uniform(batch * sizeOf(net.input)).map((value) => (value < 0.5 ? -1 : 1));
    feeds.set(own.graph.signs, floatTensor([batch, ...net.input], signs));
  }
  const penaltyAt = async () =>
    Number((await evaluate(withOutput(model.onnx, "penalty"), feeds, ["penalty"])).get("penalty")!.data[0]);
  return { graph, signs: own.graph.signs, model, of, feeds, penaltyAt };
}

/** The mean of Σσ² of J(input → to) over the inputs, by the solver. */
async function meanOfSquares(net: Architecture, weights: Weights, { data }: Tensor, to: string): Promise<number> {
  const network = await openGraph(inferenceModel(net, weights), backend);
  const size = sizeOf(net.input);
  const all = data as Float32Array;
  let total = 0;
  for (let from = 0; from < all.length; from += size) {
    using J = await network.jacobian({ at: all.slice(from, from + size), to });
    const { sigma } = await svd(J, { k: Math.min(size, sizeOf(network.tap(to).shape)) });
    total += sigma.reduce((sum, value) => sum + value * value, 0);
  }
  return total / (all.length / size);
}

const autoencoder: Architecture = sigmoidAutoencoder([1, 7, 7], 20).network;

describe("the penalty is Σσ² of the solver, in the mean over 64 images", () => {
  test.each<[string, Architecture["layers"], string]>([
    ["sigmoid", autoencoder.layers, "sigmoid1"],
    [
      "tanh with a gain, behind a flatten",
      [
        { kind: "flatten" },
        { kind: "dense", units: 20 },
        { kind: "tanh", gain: 2 },
        { kind: "dense", units: 49 },
        { kind: "sigmoid" },
      ],
      "tanh1",
    ],
    [
      "relu and then a linear gain",
      [
        { kind: "dense", units: 20 },
        { kind: "relu" },
        { kind: "linear", gain: 0.7 },
        { kind: "dense", units: 49 },
        { kind: "sigmoid" },
      ],
      "linear1",
    ],
  ])("%s", async (_, layers, to) => {
    const net = { ...autoencoder, layers };
    const { feeds, penaltyAt, signs } = await prepared(net, contractive(to), 64);
    expect(signs).toBeUndefined();
    const expected = await meanOfSquares(net, drawn(net), feeds.get("input")!, to);
    expect(expected).toBeGreaterThan(0.01);
    expect(Math.abs((await penaltyAt()) / expected - 1)).toBeLessThan(1e-5);
  });
});

describe("by random signs", () => {
  const deep: Architecture = {
    input: [1, 2, 2],
    layers: [
      { kind: "conv", channels: 3, kernel: 2, pad: 1 },
      { kind: "tanh" },
      { kind: "maxPool", kernel: 2, stride: 1 },
      { kind: "dense", units: 5 },
      { kind: "sigmoid" },
      { kind: "dense", units: 4 },
      { kind: "sigmoid" },
    ],
  };

  test.each([1, 3])("the mean over all signs is Σσ², for a batch of %i", async (batch) => {
    const { feeds, penaltyAt, signs } = await prepared(deep, contractive("sigmoid2"), batch);
    const expected = await meanOfSquares(deep, drawn(deep), feeds.get("input")!, "sigmoid2");
    const given = feeds.get(signs!)!.data as Float32Array;
    let total = 0;
    // Each example has the same signs, which is allowed because examples do not mix.
    for (let pattern = 0; pattern < 16; pattern++) {
      given.forEach((_, i) => {
        given[i] = (pattern >> (i % 4)) & 1 ? 1 : -1;
      });
      total += await penaltyAt();
    }
    expect(Math.abs(total / 16 / expected - 1)).toBeLessThan(1e-5);
  });
});

describe("the gradient is that of the definition in float64", () => {
  const [batch, inputs, hidden, code] = [5, 6, 4, 3];
  const lambda = 0.7;
  const logistic = (x: number) => 1 / (1 + Math.exp(-x));
  const affine = (W: readonly number[], b: readonly number[], x: readonly number[]) =>
    b.map((bias, i) => x.reduce((sum, value, j) => sum + W[i * x.length + j]! * value, bias));
  const times = (W: readonly number[], v: readonly number[]) =>
    Array.from({ length: W.length / v.length }, (_, i) =>
      v.reduce((sum, value, j) => sum + W[i * v.length + j]! * value, 0),
    );
  const crossEntropy = (z: readonly number[], t: readonly number[]) =>
    z.reduce((sum, value, i) => sum + Math.log1p(Math.exp(value)) - t[i]! * value, 0);
  const squares = (values: readonly number[]) => values.reduce((sum, value) => sum + value * value, 0);
  type Numbers = Readonly<Record<string, number[]>>;

  /** The loss and the penalty of a tied auto-encoder, from rows of W and not from products. */
  const shallow = (w: Numbers, x: readonly number[], t: readonly number[]) => {
    const W = w["fc1.weight"]!;
    const h = affine(W, w["fc1.bias"]!, x).map(logistic);
    const back = w["fc2.bias"]!.map((bias, i) => h.reduce((sum, value, j) => sum + W[j * inputs + i]! * value, bias));
    const rows = h.map((value, j) => (value * (1 - value)) ** 2 * squares(W.slice(j * inputs, (j + 1) * inputs)));
    return crossEntropy(back, t) + lambda * rows.reduce((sum, row) => sum + row, 0);
  };
  /** The same with two layers in the encoder, and ‖J·v‖² by products of its matrices with the signs. */
  const deep = (w: Numbers, x: readonly number[], t: readonly number[], v: readonly number[]) => {
    const first = affine(w["fc1.weight"]!, w["fc1.bias"]!, x).map(Math.tanh);
    const second = affine(w["fc2.weight"]!, w["fc2.bias"]!, first).map(logistic);
    const moved = times(w["fc1.weight"]!, v).map((value, i) => value * (1 - first[i]! ** 2));
    const Jv = times(w["fc2.weight"]!, moved).map((value, i) => value * second[i]! * (1 - second[i]!));
    return crossEntropy(affine(w["fc3.weight"]!, w["fc3.bias"]!, second), t) + lambda * squares(Jv);
  };

  test.each<[string, Architecture, string, typeof deep]>([
    [
      "closed form",
      { ...autoencoder, input: [inputs], layers: [{ kind: "dense", units: hidden }, ...autoencoder.layers.slice(1)] },
      "sigmoid1",
      shallow,
    ],
    [
      "random signs",
      {
        input: [inputs],
        layers: [
          { kind: "dense", units: hidden },
          { kind: "tanh" },
          { kind: "dense", units: code },
          { kind: "sigmoid" },
          { kind: "dense", units: inputs },
          { kind: "sigmoid" },
        ],
      },
      "sigmoid2",
      deep,
    ],
  ])("%s", async (_, net, to, definition) => {
    const { graph, model, of, feeds, signs } = await prepared(net, contractive(to, lambda), batch);
    const names = [...graph.weights.keys()];
    const gradient = await compileGradient(backend, model, { of, by: names });
    const found = await gradient.at(Object.fromEntries(feeds));
    const numbers: Record<string, number[]> = Object.fromEntries(
      [...feeds].map(([name, { data }]) => [name, Array.from(data as Float32Array)]),
    );
    const rows = (name: string) =>
      Array.from({ length: batch }, (_row, i) => numbers[name]!.slice(i * inputs, (i + 1) * inputs));
    const [x, t, v] = [rows("input"), rows("target"), signs === undefined ? rows("input") : rows(signs)];
    const value = () => x.reduce((sum, row, i) => sum + definition(numbers, row, t[i]!, v[i]!), 0) / batch;
    expect(Math.abs(found / value() - 1)).toBeLessThan(1e-6);
    for (const name of names) {
      const slope = Array.from(gradient.by.get(name)!);
      const weight = numbers[name]!;
      const step = 1e-5;
      const expected = weight.map((kept, i) => {
        const moved = (by: number) => {
          weight[i] = kept + by;
          return value();
        };
        const difference = (moved(step) - moved(-step)) / (2 * step);
        weight[i] = kept;
        return difference;
      });
      const size = Math.sqrt(squares(expected));
      expect(size, name).toBeGreaterThan(1e-3);
      expect(Math.sqrt(squares(slope.map((entry, i) => entry - expected[i]!))) / size, name).toBeLessThan(1e-4);
    }
    await gradient.release();
  });
});

test("dropout in the encoder counts, as in the step", async () => {
  const net: Architecture = {
    input: [4],
    layers: [
      { kind: "dense", units: 3 },
      { kind: "linear" },
      { kind: "dropout", rate: 0.5 },
      { kind: "dense", units: 4 },
      { kind: "sigmoid" },
    ],
  };
  const { feeds, penaltyAt, graph } = await prepared(net, contractive("drop1"), 2);
  feeds.set(graph.masks[0]!.name, floatTensor([2, 3], [2, 0, 0, 0, 2, 2]));
  const W = drawn(net).get("fc1.weight")!.data as Float32Array;
  const row = (j: number) => W.slice(4 * j, 4 * j + 4).reduce((sum, value) => sum + value ** 2, 0);
  const expected = (4 * row(0) + 4 * (row(1) + row(2))) / 2;
  expect(Math.abs((await penaltyAt()) / expected - 1)).toBeLessThan(1e-6);
});

describe("refuses", () => {
  const graph = trainingGraph(autoencoder, { batch: 2, loss: "binaryCrossEntropy" });
  test.each([
    ["a tensor that is none", "sigmoid3", "Did you mean sigmoid1 or sigmoid2?"],
    ["the input", "input", "Choose one of fc1, sigmoid1, fc2, sigmoid2."],
  ])("%s", (_, to, fix) => {
    const what = `There is no tensor "${to}" behind the input of the network, whose derivative the penalty could be of.`;
    expect(() => penalized(autoencoder, graph, contractive(to))).toThrow(
      expect.objectContaining({ code: "tap-unknown", what, fix }),
    );
  });
});
