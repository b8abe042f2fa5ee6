import { afterAll, describe, expect, test } from "vitest";
import { writeModel } from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import {
  type Architecture,
  accuracy,
  classify,
  inferenceModel,
  initialWeights,
  train,
  type Weights,
} from "../../src/training/index.ts";
import { everyLayer, noiseImages } from "./networks.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

const net: Architecture = {
  input: [1, 12, 12],
  outputName: "logits",
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
const recipe = { initializer: { kind: "he" }, epochs: 2, batch: 16, rate: 1e-2, decay: 0, shift: 0, seed: 3 } as const;

test("learns 32 images of noise by heart", async () => {
  const losses: number[] = [];
  const options = { ...recipe, epochs: 60, onEpoch: ({ loss }: { loss: number }) => void losses.push(loss) };
  const weights = await train(backend, net, data, options);
  expect(losses[0]).toBeGreaterThan(1);
  expect(losses.at(-1)).toBeLessThan(0.02);
  const found = await classify(backend, inferenceModel(net, weights), data);
  expect(accuracy(found, data)).toBe(1);
});

describe("a seed fixes the weights", () => {
  const images = noiseImages(32, everyLayer.input, 4, 5);
  const bytes = async (seed: number) => {
    const weights = await train(backend, everyLayer, images, { ...recipe, shift: 1, decay: 0.1, seed });
    return writeModel(inferenceModel(everyLayer, weights));
  };
  test("bit for bit", async () => expect(await bytes(3)).toEqual(await bytes(3)));
  test("and those from which training starts: a rate of 0 changes none of them", async () => {
    const still = await train(backend, everyLayer, images, { ...recipe, rate: 0, shift: 1, decay: 0.1 });
    /** Biases start as zeros of either sign. */
    const numbers = (weights: Weights) =>
      [...weights].map(([name, { data }]) => [name, Array.from(data as Float32Array, (value) => value + 0)]);
    expect(numbers(initialWeights(everyLayer, recipe.initializer, recipe.seed))).toEqual(numbers(still));
    expect(numbers(initialWeights(everyLayer, recipe.initializer, recipe.seed + 1))).not.toEqual(numbers(still));
  });
  test("and another gives others", async () => expect(await bytes(3)).not.toEqual(await bytes(4)));
});

test.each([
  [
    "images of another shape",
    { ...data, shape: [1, 9, 16] },
    "The images do not have the shape of the network's input.",
  ],
  [
    "a label too many",
    { ...data, images: data.images.slice(1) },
    "The images do not have the shape of the network's input.",
  ],
  ["a class too many", { ...data, labels: data.labels.map((_, i) => i % 5) }, "A label is no output."],
])("refuses %s", async (_, wrong, what) => {
  await expect(train(backend, net, wrong, recipe)).rejects.toMatchObject({ code: "shape-mismatch", what });
});

test("refuses a batch larger than the data", async () => {
  const error = { code: "shape-mismatch", what: "32 images are less than a batch." };
  await expect(train(backend, net, data, { ...recipe, batch: 33 })).rejects.toMatchObject(error);
});
