import { describe, expect, test } from "vitest";
import { stagesOf } from "../../src/training/index.ts";

const stack = {
  input: [1, 4, 4],
  stack: [
    { units: 6, penalty: { kind: "contractive", weight: 0.1 } },
    { units: 5, corruption: { kind: "masking", rate: 0.25 }, steps: 7 },
    { units: 4, loss: { kind: "contrastiveDivergence", steps: 2 } },
  ],
  initializer: { kind: "glorot" },
  loss: "binaryCrossEntropy",
  optimizer: { kind: "adam", rate: 0.01 },
  batch: 4,
  epochs: 3,
  data: { inputs: "x.npy", targets: "inputs", labels: "classes.npy", heldOut: 2, seed: 1 },
  fineTuning: { classes: 10, epochs: 9 },
  seed: 3,
};
const stages = (json: unknown = stack) => stagesOf(json, "stack.json", (name) => `out/${name}`);
const dense = (units: number) => [{ kind: "dense", units }, { kind: "sigmoid" }];

test("each layer is an auto-encoder of the codes of the one before, or a machine without a decoder", () => {
  const [first, second, third] = stages();
  const tied = [{ kind: "dense", tied: "fc1", transposed: true }, { kind: "sigmoid" }];
  expect(first).toEqual({
    name: "layer1",
    recipe: {
      network: { input: [1, 4, 4], layers: [...dense(6), ...tied] },
      ...{
        initializer: stack.initializer,
        loss: "binaryCrossEntropy",
        optimizer: stack.optimizer,
        batch: 4,
        epochs: 3,
      },
      penalty: { kind: "contractive", weight: 0.1, to: "sigmoid1" },
      data: stack.data,
      seed: 3,
    },
  });
  expect(second!.recipe).toMatchObject({
    network: { input: [6], layers: [...dense(5), ...tied] },
    corruption: { kind: "masking", rate: 0.25 },
    steps: 7,
    data: { ...stack.data, through: [{ training: "out/layer1", to: "sigmoid1" }] },
  });
  expect(second!.recipe).not.toHaveProperty("epochs");
  expect(third!.recipe).toMatchObject({
    network: { input: [5], layers: dense(4) },
    data: {
      through: [
        { training: "out/layer1", to: "sigmoid1" },
        { training: "out/layer2", to: "sigmoid1" },
      ],
    },
  });
});

test("the fine-tuning begins at all layers, with labels and the same held-out examples", () => {
  const { name, recipe } = stages().at(-1)!;
  expect(name).toBe("fine-tuned");
  expect(recipe).toMatchObject({
    network: { input: [1, 4, 4], layers: [...dense(6), ...dense(5), ...dense(4), { kind: "dense", units: 10 }] },
    loss: "softmaxCrossEntropy",
    epochs: 9,
    start: [1, 2, 3].map((i) => ({ training: `out/layer${i}`, layers: { [`fc${i}`]: "fc1" } })),
    data: { inputs: "x.npy", targets: "classes.npy", heldOut: 2, seed: 1 },
  });
  expect(recipe).not.toHaveProperty("corruption");
  expect(stages({ ...stack, fineTuning: undefined }).map((stage) => stage.name)).toEqual([
    "layer1",
    "layer2",
    "layer3",
  ]);
});

test("the fine-tuning has its own corruption, and not that of the whole stack", () => {
  const corrupted = { ...stack, corruption: { kind: "masking", rate: 0.5 } };
  const tuned = (fineTuning: object) => stages({ ...corrupted, fineTuning }).at(-1)!.recipe;
  expect(stages(corrupted)[0]!.recipe.corruption).toEqual(corrupted.corruption);
  expect(tuned({ classes: 10 })).not.toHaveProperty("corruption");
  const own = { kind: "gaussian", deviation: 0.1 };
  expect(tuned({ classes: 10, corruption: own }).corruption).toEqual(own);
});

describe("refuses", () => {
  test.each<[string, object, object]>([
    [
      "a key that is misspelt",
      { ...stack, stack: [{ unit: 6 }] },
      { what: '"stack[0].unit" is no key of a layer of a stack.', fix: 'Did you mean "units"?' },
    ],
    [
      "what is missing in a training",
      { ...stack, optimizer: undefined },
      { what: 'The training layer1 of the stack is incomplete: "optimizer" is missing in a recipe.' },
    ],
    [
      "an activation that is none",
      { ...stack, stack: [{ units: 6, activation: { kind: "maxPool", kernel: 2 } }] },
      { what: '"stack[0].activation.kind" cannot be "maxPool".' },
    ],
    [
      "fine-tuning without classes",
      { ...stack, data: { inputs: "x.npy" } },
      {
        what: "The fine-tuning of a stack needs the classes of the examples.",
        where: { file: "stack.json", option: "data.labels" },
      },
    ],
  ])("%s", (_, json, error) => {
    expect(() => stages(json)).toThrow(expect.objectContaining({ code: "usage", ...error }));
  });
});
