import { afterAll, describe, expect, test } from "vitest";
import { createRng } from "../../src/base/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { MemoryStore } from "../../src/results/index.ts";
import {
  type Architecture,
  type ContrastiveDivergence,
  type DataSet,
  inferenceModel,
  type Layer,
  parseRecipe,
  type Recipe,
  type Split,
  type Weights,
} from "../../src/training/index.ts";
import { countsOf, deviation, encoder, HIDDEN, logLikelihood, type Machine, marginal, VISIBLE } from "./machine.ts";
import { bytesIn, run, runInParts } from "./runs.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

/** Two patterns and their neighbours: the units of the first half are on, or those of the second. */
const rows = Array.from({ length: 64 }, (_, i) => {
  const rng = createRng(i, "bars");
  return Array.from({ length: VISIBLE }, (_, unit) =>
    (unit < VISIBLE / 2 === (i % 2 === 0)) === rng.uniform() < 0.95 ? 1 : 0,
  );
});
const examples: DataSet = { shape: [VISIBLE], inputs: Float32Array.from(rows.flat()), targets: { kind: "inputs" } };
const split: Split = { training: examples, heldOut: examples, heldOutIndices: [] };

const cd1: ContrastiveDivergence = { kind: "contrastiveDivergence" };
const cd10: ContrastiveDivergence = { ...cd1, steps: 10 };
const pcd: ContrastiveDivergence = { ...cd1, persistent: true, chains: 40 };
const recipe: Recipe = {
  network: encoder,
  initializer: { kind: "gaussian", weightVariance: 0.1 },
  loss: cd1,
  optimizer: { kind: "sgd", rate: 0.1 },
  batch: 16,
  epochs: 150,
  seed: 3,
};

function machineOf(weights: ReadonlyMap<string, Float32Array>): Machine {
  const [w, c, b] = ["fc1.weight", "fc1.bias", "visible.bias"].map((name) => Array.from(weights.get(name)!));
  return { w: w!, b: b!, c: c! };
}

describe.each<[string, ContrastiveDivergence]>([
  ["CD-1", cd1],
  ["CD-10", cd10],
  ["PCD", pcd],
])("%s", (_, loss) => {
  test("raises the likelihood, which all states are counted for, and lowers the loss that is told", async () => {
    const stored = await run(backend, new MemoryStore(), { ...recipe, loss }, split);
    const [before, after] = [await stored.readCheckpoint(0), await stored.readCheckpoint(1)];
    const [first, last] = [before, after].map((weights) => logLikelihood(machineOf(weights!), rows));
    // No machine does better than the entropy of the patterns, ln 2 and the noise of eight units; without hidden units ln 2 for each is left.
    const noise = -(0.95 * Math.log(0.95) + 0.05 * Math.log(0.05));
    const [best, independent] = [-(Math.LN2 + VISIBLE * noise), -VISIBLE * Math.LN2];
    expect(first).toBeLessThan(independent);
    expect(last).toBeGreaterThan((best + independent) / 2);
    const losses = await stored.readLosses();
    const scores = await stored.readScores();
    expect(losses.at(-1)).toBeLessThan(0.6 * losses[0]!);
    expect(scores[1]!.loss).toBeLessThan(0.6 * scores[0]!.loss);
    expect(scores[1]!.accuracy).toBeNaN();
  });

  test("ends with the same bytes if it is interrupted after every step", async () => {
    const short = { ...recipe, loss, epochs: 3, optimizer: { kind: "adam", rate: 0.01 }, checkpoints: 3 } as const;
    const whole = new MemoryStore();
    await run(backend, whole, short, split);
    const store = new MemoryStore();
    expect(await runInParts(backend, store, short, split)).toBe(11);
    expect(await bytesIn(store)).toEqual(await bytesIn(whole));
  });
});

test("persistent chains go on from step to step: with weights that stay they reach the distribution of the machine", async () => {
  const chains = 4000;
  const still: Recipe = {
    ...recipe,
    initializer: { kind: "gaussian", weightVariance: 6, biasVariance: 0.5 },
    loss: { ...pcd, chains },
    optimizer: { kind: "sgd", rate: 0 },
    epochs: 25,
  };
  const stored = await run(backend, new MemoryStore(), still, split);
  const state = (await stored.readState())!;
  expect(stored.manifest.state.at(-1)).toEqual({ name: "chains", length: chains * VISIBLE });
  const reached = Float32Array.from(state.subarray(-chains * VISIBLE));
  const exact = marginal(machineOf((await stored.readCheckpoint(1))!));
  expect(deviation(countsOf(reached), exact)).toBeLessThan(3);
  const uniform = exact.map((_, __, { length }) => 1 / length);
  expect(deviation(countsOf(reached), uniform)).toBeGreaterThan(5);
});

test("the network at a checkpoint is the encoder", async () => {
  const pictures: Architecture = { ...encoder, input: [1, 2, 4] };
  const store = new MemoryStore();
  const data = { ...split, training: { ...examples, shape: [1, 2, 4] } };
  const stored = await run(
    backend,
    store,
    { ...recipe, network: pictures, epochs: 1 },
    { ...data, heldOut: data.training },
  );
  expect(stored.manifest.weights).toEqual([
    { name: "fc1.weight", shape: [HIDDEN, VISIBLE] },
    { name: "fc1.bias", shape: [HIDDEN] },
    { name: "visible.bias", shape: [VISIBLE] },
  ]);
  const weights: Weights = new Map(
    stored.manifest.weights.map(({ name, shape }) => [
      name,
      {
        type: "float32",
        shape,
        data: new Float32Array(48).slice(
          0,
          shape.reduce((a, b) => a * b),
        ),
      },
    ]),
  );
  const { graph } = inferenceModel(pictures, weights);
  expect([...graph.initializers.keys()]).toEqual(["fc1.weight", "fc1.bias"]);
  expect(graph.nodes.map(({ op }) => op)).toEqual(["Flatten", "Gemm", "Sigmoid"]);
});

describe("refuses", () => {
  const dense = { kind: "dense", units: 4 } as const;
  const network =
    "Contrastive divergence trains a restricted Boltzmann machine, whose network is one dense layer and a sigmoid, and this is another.";
  test.each<[string, Layer[]]>([
    ["no sigmoid", [dense]],
    ["another activation", [dense, { kind: "tanh" }]],
    ["two layers", [dense, { kind: "sigmoid" }, dense, { kind: "sigmoid" }]],
    ["a sigmoid with a gain", [dense, { kind: "sigmoid", gain: 2 }]],
    ["a sigmoid with an offset", [dense, { kind: "sigmoid", offset: 0.5 }]],
    ["dropout", [dense, { kind: "sigmoid" }, { kind: "dropout", rate: 0.5 }]],
    ["a sigmoid alone", [{ kind: "sigmoid" }]],
  ])("a network with %s", async (_, layers) => {
    const of = { ...recipe, network: { input: [VISIBLE], layers } };
    await expect(run(backend, new MemoryStore(), of, split)).rejects.toMatchObject({
      code: "model-invalid",
      what: network,
    });
  });

  test("inputs that are no probabilities", async () => {
    const inputs = examples.inputs.slice();
    inputs[2 * VISIBLE + 1] = 255;
    await expect(
      run(backend, new MemoryStore(), recipe, { ...split, training: { ...examples, inputs } }),
    ).rejects.toMatchObject({
      code: "shape-mismatch",
      what: "Visible units take numbers from 0 to 1, and 255 stands in example 2.",
    });
  });

  test.each<[unknown, string, string]>([
    [{ ...cd1, steps: 0 }, "loss.steps", '"loss.steps" must be a whole number of at least 1, not 0.'],
    [{ ...cd1, step: 2 }, "loss.step", '"loss.step" is no key of a contrastiveDivergence loss.'],
    [{ ...cd1, persistent: 1 }, "loss.persistent", '"loss.persistent" must be true or false, not 1.'],
    [{ ...pcd, chains: 0.5 }, "loss.chains", '"loss.chains" must be a whole number of at least 1, not 0.5.'],
    [
      { ...cd1, chains: 5 },
      "loss.chains",
      "Chains that are not persistent begin at the examples of each batch, so that there are as many.",
    ],
    [{ kind: "contrastive" }, "loss.kind", '"loss.kind" cannot be "contrastive".'],
    [{ kind: "meanSquaredError", steps: 1 }, "loss.steps", '"loss.steps" is no key of a meanSquaredError loss.'],
    [3, "loss", '"loss" cannot be 3.'],
  ])("the loss %j", (loss, option, what) => {
    expect(() => parseRecipe({ ...recipe, loss }, "r.json")).toThrow(
      expect.objectContaining({ code: "usage", what, where: { file: "r.json", option } }),
    );
  });
});

test.each(["contrastiveDivergence", cd1, pcd, "meanSquaredError", { kind: "meanSquaredError" }])(
  "a recipe may have the loss %j",
  (loss) => {
    expect(parseRecipe({ ...recipe, loss }, "r.json")).toEqual({ ...recipe, loss });
  },
);
