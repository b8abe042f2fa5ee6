import { afterAll, describe, expect, test } from "vitest";
import { floatTensor } from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import {
  type Architecture,
  encoded,
  encoderTo,
  initialWeights,
  type Recipe,
  type Split,
  startingWeights,
  Trainer,
  weightsIn,
} from "../../src/training/index.ts";
import { noiseImages } from "./networks.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

const network: Architecture = {
  input: [6],
  layers: [{ kind: "dense", units: 4 }, { kind: "sigmoid" }, { kind: "dense", units: 3 }],
};
const shapes = new Map([
  ["fc1.weight", [4, 6]],
  ["fc1.bias", [4]],
  ["fc2.weight", [3, 4]],
  ["fc2.bias", [3]],
]);
const autoencoder: Architecture = {
  input: [6],
  layers: [
    { kind: "dense", units: 4 },
    { kind: "sigmoid" },
    { kind: "dense", tied: "fc1", transposed: true },
    { kind: "sigmoid" },
  ],
};
const earlier = initialWeights(autoencoder, { kind: "gaussian", biasVariance: 1 }, 5);
const start = { training: "ae", layers: { fc1: "fc1" } };
const data = noiseImages(20, [6], 3, 1);
const split: Split = { training: data, heldOut: data, heldOutIndices: [] };
const recipe: Recipe = {
  network,
  initializer: { kind: "glorot" },
  loss: "softmaxCrossEntropy",
  optimizer: { kind: "adam", rate: 0.01, decay: 0.1 },
  batch: 20,
  steps: 5,
};

describe("weights of an earlier training", () => {
  test("those of the layers that are named, and no others", () => {
    const weights = startingWeights(shapes, start, earlier);
    expect([...weights.keys()]).toEqual(["fc1.weight", "fc1.bias"]);
    for (const [name, tensor] of weights) expect(tensor).toBe(earlier.get(name));
  });

  test("under another name", () => {
    const other = new Map([["fc1.weight", floatTensor([3, 4], new Float32Array(12).fill(7))]]);
    const weights = startingWeights(shapes, { training: "ae", layers: { fc2: "fc1" } }, other);
    expect([...weights]).toEqual([["fc2.weight", other.get("fc1.weight")]]);
  });

  test.each<[string, Parameters<typeof startingWeights>[1], object]>([
    [
      "a shape that differs",
      { training: "ae" },
      { code: "shape-mismatch", what: "fc2.bias is 3, but fc2.bias of the training ae is 6." },
    ],
    [
      "a layer that the network does not have",
      { training: "ae", layers: { fc3: "fc1" } },
      { code: "usage", what: 'There is no layer "fc3" with weights in the network.', fix: "Did you mean fc1 or fc2?" },
    ],
    [
      "a layer that the training does not have",
      { training: "ae", layers: { fc1: "conv1" } },
      { code: "usage", what: 'There is no layer "conv1" with weights in the training ae.' },
    ],
  ])("refuses %s", (_, of, error) => {
    expect(() => startingWeights(shapes, of, earlier)).toThrow(expect.objectContaining(error));
  });

  test("refuses a training without a layer of the same name", () => {
    const other = new Map([["conv1.bias", floatTensor([3], new Float32Array(3))]]);
    expect(() => startingWeights(shapes, { training: "ae" }, other)).toThrow(
      expect.objectContaining({ fix: 'Say which begin there, for example "layers": { "fc1": "conv1" }.' }),
    );
  });
});

describe("layers that are trained", () => {
  const trained = async (of: Recipe) => {
    const trainer = new Trainer(backend, of, split);
    try {
      trainer.state.begin(startingWeights(shapes, start, earlier));
      const before = new Map([...trainer.state.weights].map(([name, { data }]) => [name, data.slice()]));
      for (let step = 0; step < 5; step++) await trainer.advance();
      const moved = [...trainer.state.weights].filter(([name, { data }]) =>
        data.some((w, i) => w !== before.get(name)![i]),
      );
      return { before, moved: moved.map(([name]) => name), parts: trainer.state.parts().map(({ name }) => name) };
    } finally {
      await trainer.release();
    }
  };

  test("a probe: only the last layer moves, and the optimizer remembers nothing of the others, whatever the decay", async () => {
    const { before, moved, parts } = await trained({ ...recipe, train: ["fc2"] });
    expect(before.get("fc1.weight")).toEqual(earlier.get("fc1.weight")!.data);
    expect(moved).toEqual(["fc2.weight", "fc2.bias"]);
    expect(parts).not.toContain("mean/fc1.weight");
    expect(parts).toContain("mean/fc2.weight");
  });

  test("fine-tuning: all of them move", async () => {
    expect((await trained(recipe)).moved).toEqual([...shapes.keys()]);
  });

  test("a layer that is none is refused", () => {
    expect(() => new Trainer(backend, { ...recipe, train: ["fc9"] }, split)).toThrow(
      expect.objectContaining({
        code: "usage",
        what: 'There is no layer "fc9" with weights in the network.',
        where: { option: "train" },
      }),
    );
  });
});

describe("codes of an earlier training", () => {
  test("are what its layers give, for each part of the examples", async () => {
    const encoder = encoderTo(autoencoder, "sigmoid1");
    expect([...weightsIn(encoder, earlier).keys()]).toEqual(["fc1.weight", "fc1.bias"]);
    const { training, heldOut } = await encoded(backend, encoder, earlier, { ...split, mislabelled: data });
    const [W, b] = [earlier.get("fc1.weight")!.data as Float32Array, earlier.get("fc1.bias")!.data as Float32Array];
    expect(training.shape).toEqual([4]);
    expect(training.targets).toBe(data.targets);
    expect(heldOut.inputs).toEqual(training.inputs);
    for (let i = 0; i < 80; i++) {
      const [row, unit] = [Math.floor(i / 4), i % 4];
      const z = data.inputs.slice(6 * row, 6 * row + 6).reduce((sum, x, j) => sum + x * W[6 * unit + j]!, b[unit]!);
      expect(training.inputs[i]).toBeCloseTo(1 / (1 + Math.exp(-z)), 6);
    }
  });

  test("a tensor that is none is refused", () => {
    expect(() => encoderTo(autoencoder, "relu1")).toThrow(
      expect.objectContaining({ code: "tap-unknown", what: 'The network has no tensor "relu1" behind its input.' }),
    );
  });
});
