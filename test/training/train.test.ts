import { afterAll, describe, expect, test } from "vitest";
import { createBackend } from "../../src/platform/node/backend.ts";
import { MemoryStore } from "../../src/results/index.ts";
import {
  type Architecture,
  type Checkpoint,
  initialWeights,
  type Recipe,
  type Split,
  subset,
} from "../../src/training/index.ts";
import { everyLayer, noiseImages } from "./networks.ts";
import { bytesIn, run, runInParts } from "./runs.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

const net: Architecture = {
  input: [1, 12, 12],
  layers: [
    { kind: "conv", channels: 8, kernel: 3 },
    { kind: "relu" },
    { kind: "lrn", size: 5, alpha: 0.1, beta: 0.75, bias: 1 },
    { kind: "maxPool", kernel: 2, stride: 2 },
    { kind: "conv", channels: 16, kernel: 3 },
    { kind: "relu" },
    { kind: "dense", units: 32 },
    { kind: "relu" },
    { kind: "dense", units: 4 },
  ],
};
const data = noiseImages(32, net.input, 4, 5);
const split: Split = { training: data, heldOut: subset(data, [0, 1, 2]), heldOutIndices: [0, 1, 2] };
const recipe: Recipe = {
  network: net,
  initializer: { kind: "he" },
  loss: "softmaxCrossEntropy",
  optimizer: { kind: "adamw", rate: 1e-2 },
  schedule: { kind: "cosine", warmup: 2 },
  batch: 16,
  epochs: 2,
  seed: 3,
};
const dropping: Recipe = { ...recipe, network: everyLayer, augmentation: { shift: 1 }, checkpoints: 4 };
const images = noiseImages(32, everyLayer.input, 4, 5);
const pictures: Split = { training: images, heldOut: subset(images, [4, 5]), heldOutIndices: [4, 5] };

/** With noise on the inputs, and a penalty that is estimated by random signs. */
const contractive: Recipe = {
  ...dropping,
  corruption: { kind: "gaussian", deviation: 0.1 },
  penalty: { kind: "contractive", weight: 0.01, to: "relu3" },
};

test("learns 32 images of noise by heart", async () => {
  const checkpoints: Checkpoint[] = [];
  const stored = await run(backend, new MemoryStore(), { ...recipe, epochs: 60, checkpoints: 5 }, split, {
    onCheckpoint: (checkpoint) => void checkpoints.push(checkpoint),
  });
  expect(checkpoints.map(({ step }) => step)).toEqual([0, 1, 5, 24, 120]);
  const losses = await stored.readLosses();
  expect(losses).toHaveLength(120);
  expect(losses[0]).toBeGreaterThan(1);
  expect(losses.at(-1)).toBeLessThan(0.02);
  expect(checkpoints.at(-1)).toMatchObject({ accuracy: 1 });
  expect(checkpoints.at(-1)!.loss).toBeLessThan(0.02);
  expect(await stored.readScores()).toEqual(checkpoints.map(({ step: _, ...score }) => score));
});

test("the loss of a step is that of the weights before it, and a batch of all examples without dropout is evaluated the same", async () => {
  const whole = { ...recipe, batch: 32, epochs: 2, checkpoints: 3 };
  const stored = await run(backend, new MemoryStore(), whole, { ...split, heldOut: data });
  const losses = await stored.readLosses();
  const scores = await stored.readScores();
  for (const step of [0, 1]) expect(scores[step]!.loss).toBeCloseTo(losses[step]!, 5);
});

test("a contractive auto-encoder has a smaller ‖J‖_F than one without the penalty", async () => {
  const network: Architecture = {
    input: [6],
    layers: [
      { kind: "dense", units: 4 },
      { kind: "sigmoid" },
      { kind: "dense", tied: "fc1", transposed: true },
      { kind: "sigmoid" },
    ],
  };
  const inputs = noiseImages(40, [6], 2, 1).inputs.map((value) => 1 / (1 + Math.exp(-3 * value)));
  const examples = { shape: [6], inputs, targets: { kind: "inputs" } } as const;
  const of: Recipe = { ...recipe, network, loss: "binaryCrossEntropy", batch: 40, epochs: 300 };
  const normOf = async (own: Recipe) => {
    const split: Split = { training: examples, heldOut: examples, heldOutIndices: [] };
    const weights = (await (await run(backend, new MemoryStore(), own, split)).readCheckpoint(1))!;
    const [W, b] = [weights.get("fc1.weight")!, weights.get("fc1.bias")!];
    const norms = Array.from({ length: 4 }, (_, j) => W.slice(6 * j, 6 * j + 6).reduce((sum, w) => sum + w * w, 0));
    let total = 0;
    for (let row = 0; row < 40; row++) {
      for (let j = 0; j < 4; j++) {
        const z = inputs.slice(6 * row, 6 * row + 6).reduce((sum, x, i) => sum + x * W[6 * j + i]!, b[j]!);
        const h = 1 / (1 + Math.exp(-z));
        total += (h * (1 - h)) ** 2 * norms[j]!;
      }
    }
    return total / 40;
  };
  const plain = await normOf(of);
  const small = await normOf({ ...of, penalty: { kind: "contractive", weight: 1, to: "sigmoid1" } });
  expect(small).toBeLessThan(0.7 * plain);
});

test("an auto-encoder learns its inputs without labels", async () => {
  const network: Architecture = {
    input: [6],
    layers: [{ kind: "dense", units: 4 }, { kind: "tanh" }, { kind: "dense", tied: "fc1", transposed: true }],
  };
  const { inputs } = noiseImages(40, [6], 2, 1);
  const examples = { shape: [6], inputs, targets: { kind: "inputs" } } as const;
  const of: Recipe = {
    ...recipe,
    network,
    loss: "meanSquaredError",
    batch: 40,
    epochs: 200,
    augmentation: { shift: 0 },
  };
  const stored = await run(backend, new MemoryStore(), of, {
    training: examples,
    heldOut: examples,
    heldOutIndices: [],
  });
  const scores = await stored.readScores();
  expect(scores[1]!.loss).toBeLessThan(0.5 * scores[0]!.loss);
  expect(scores[1]!.accuracy).toBeNaN();
});

describe("a seed fixes all that is stored", () => {
  const bytes = async (seed: number) => {
    const store = new MemoryStore();
    await run(backend, store, { ...dropping, seed }, pictures);
    return bytesIn(store);
  };

  test("bit for bit, and another seed gives others", async () => {
    const first = await bytes(3);
    expect(await bytes(3)).toEqual(first);
    const other = await bytes(4);
    expect([...other.keys()]).toEqual([...first.keys()]);
    expect(other.get("/weights/fc3.weight/c/3/0/0")).not.toEqual(first.get("/weights/fc3.weight/c/3/0/0"));
  });

  test.each([
    ["dropout and shifts", dropping],
    ["corruption and signs", contractive],
  ])("also if it is interrupted after every step: %s", async (_, of) => {
    const whole = new MemoryStore();
    await run(backend, whole, of, pictures);
    const store = new MemoryStore();
    expect(await runInParts(backend, store, of, pictures)).toBe(3);
    expect(await bytesIn(store)).toEqual(await bytesIn(whole));
  });

  test("and the weights from which training starts", async () => {
    const stored = await run(backend, new MemoryStore(), dropping, pictures);
    const first = await stored.readCheckpoint(0);
    for (const [name, { data: expected }] of initialWeights(everyLayer, dropping.initializer, 3)) {
      expect(first!.get(name), name).toEqual(expected);
    }
  });
});

describe("refuses", () => {
  const shape = [1, 9, 16];
  test.each<[string, Recipe, Split, string]>([
    [
      "examples of another shape",
      recipe,
      { ...split, training: { ...data, shape } },
      "The examples are 1×9×16, but the network takes 1×12×12.",
    ],
    [
      "a label too few",
      recipe,
      { ...split, training: { ...data, targets: { kind: "labels", labels: new Int32Array(31) } } },
      "There are 31 labels for 32 examples.",
    ],
    [
      "a class too many",
      recipe,
      { ...split, training: { ...data, targets: { kind: "labels", labels: new Int32Array(32).fill(4) } } },
      "The class 4 is none of the 4 outputs.",
    ],
    [
      "targets of another size",
      recipe,
      { ...split, training: { ...data, targets: { kind: "inputs" } } },
      "A target has 144 entries, but the network gives 4.",
    ],
    ["a batch larger than the data", { ...recipe, batch: 33 }, split, "32 examples are less than a batch of 33."],
    [
      "a penalty of a tensor that is none",
      { ...recipe, penalty: { kind: "contractive", weight: 1, to: "relu9" } },
      split,
      'There is no tensor "relu9" behind the input of the network, whose derivative the penalty could be of.',
    ],
    ["too many checkpoints", { ...recipe, checkpoints: 6 }, split, "There are 4 steps, too few for 6 checkpoints."],
    [
      "shifts of vectors",
      { ...recipe, augmentation: { shift: 1 }, network: { input: [144], layers: [{ kind: "dense", units: 4 }] } },
      { ...split, training: { ...data, shape: [144] } },
      "Only pictures [C, H, W] can be shifted, and the input is 144.",
    ],
  ])("%s", async (_, of, examples, what) => {
    await expect(run(backend, new MemoryStore(), of, examples)).rejects.toMatchObject({ what });
  });

  test("a store with another training, naming what differs", async () => {
    const store = new MemoryStore();
    await run(backend, store, recipe, split);
    const other = { ...recipe, optimizer: { kind: "sgd", rate: 0.5 } } as const;
    await expect(run(backend, store, other, split)).rejects.toMatchObject({
      code: "store-mismatch",
      what: "This folder contains another training. recipe optimizer kind: stored adamw, asked sgd; recipe optimizer rate: stored 0.01, asked 0.5.",
    });
  });

  test("a loss that is not finite", async () => {
    const wild = { ...recipe, epochs: 20, optimizer: { kind: "sgd", rate: 1e30 } } as const;
    await expect(run(backend, new MemoryStore(), wild, split)).rejects.toMatchObject({ code: "not-finite" });
  });
});
