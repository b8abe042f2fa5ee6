import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { courseOf, isStack, parseRecipe, type Recipe, trainingGraph } from "../../src/training/index.ts";

const recipe = {
  network: {
    input: [4],
    layers: [{ kind: "dense", units: 3 }, { kind: "relu" }, { kind: "dense", tied: "fc1", transposed: true }],
  },
  initializer: { kind: "he" },
  loss: "meanSquaredError",
  optimizer: { kind: "adam", rate: 0.01 },
  batch: 10,
  steps: 1000,
};
const layers = (...all: unknown[]) => ({ ...recipe, network: { input: [4], layers: all } });

test("the recipes of the examples are understood, and their losses fit their networks", async () => {
  const folder = join(import.meta.dirname, "../../examples/training");
  const files = (await readdir(folder)).filter((file) => file.endsWith(".json"));
  expect(files).toContain("rbm-pcd.json");
  for (const file of files) {
    const json: unknown = JSON.parse(await readFile(join(folder, file), "utf8"));
    if (isStack(json)) continue; // `example-recipes.test.ts` trains its layers.
    const { network, loss, batch } = parseRecipe(json, file);
    expect(trainingGraph(network, { batch, loss }).weights.size, file).toBeGreaterThan(0);
  }
});

test("a recipe is what its file says", () => {
  expect(parseRecipe(recipe, "r.json")).toEqual(recipe);
});

describe("an error names the key", () => {
  test.each<[unknown, string, string, string]>([
    [[], "", "The file must be an object, not [].", "Write it in braces."],
    [{ ...recipe, optimiser: {} }, "optimiser", '"optimiser" is no key of a recipe.', 'Did you mean "optimizer"?'],
    [
      { ...recipe, loss: "meansquarederror" },
      "loss",
      '"loss" cannot be "meansquarederror".',
      'Did you mean "meanSquaredError" or "summedSquaredError"?',
    ],
    [{ ...recipe, batch: "10" }, "batch", '"batch" must be a whole number of at least 1, not "10".', "For example 1."],
    [{ ...recipe, batch: 2.5 }, "batch", '"batch" must be a whole number of at least 1, not 2.5.', "For example 1."],
    [{ ...recipe, network: undefined }, "network", '"network" is missing in a recipe.', 'Add "network".'],
    [
      { ...recipe, optimizer: { kind: "adam" } },
      "optimizer.rate",
      '"optimizer.rate" is missing in an adam optimizer.',
      'Add "rate".',
    ],
    [
      { ...recipe, optimizer: { kind: "adan", rate: 1 } },
      "optimizer.kind",
      '"optimizer.kind" cannot be "adan".',
      'Did you mean "adam" or "adamw"?',
    ],
    [
      { ...recipe, optimizer: { kind: "sgd", rate: 1, momentum: 0.9 } },
      "optimizer.momentum",
      '"optimizer.momentum" is no key of a sgd optimizer.',
      "Choose one of kind, rate, decay.",
    ],
    [
      { ...recipe, optimizer: { rate: 1 } },
      "optimizer.kind",
      '"optimizer.kind" cannot be nothing.',
      "Choose one of sgd, momentum, adam, adamw.",
    ],
    [
      { ...recipe, schedule: { kind: "cosine", warmup: -1 } },
      "schedule.warmup",
      '"schedule.warmup" must be a whole number of at least 0, not -1.',
      "For example 1.",
    ],
    [
      { ...recipe, initializer: { kind: "orthogonal", kernels: "Delta" } },
      "initializer.kernels",
      '"initializer.kernels" cannot be "Delta".',
      'Did you mean "delta"?',
    ],
    [
      layers(),
      "network.layers",
      '"network.layers" must be a list with at least one entry, not [].',
      "Write it in square brackets.",
    ],
    [
      layers({ kind: "relu" }, { kind: "conv", channels: 3, kernal: 2 }),
      "network.layers[1].kernal",
      '"network.layers[1].kernal" is no key of a conv layer.',
      'Did you mean "kernel"?',
    ],
    [
      layers({ kind: "dense" }),
      "network.layers[0].units",
      '"network.layers[0].units" is missing in a dense layer.',
      'Add "units".',
    ],
    [
      layers({ kind: "dense", tied: "fc1", units: 3 }),
      "network.layers[0].units",
      '"network.layers[0].units" is no key of a tied dense layer.',
      "Choose one of kind, tied, bias, transposed.",
    ],
    [
      layers({ kind: "dropout", rate: 1 }),
      "network.layers[0].rate",
      '"network.layers[0].rate" must be a share of at least 0 and less than 1, not 1.',
      "For example 0.9.",
    ],
    [layers("relu"), "network.layers[0]", '"network.layers[0]" must be an object, not "relu".', "Write it in braces."],
    [
      { ...recipe, network: { input: [4, 0], layers: [] } },
      "network.input[1]",
      '"network.input[1]" must be a whole number of at least 1, not 0.',
      "For example 1.",
    ],
    [
      { ...recipe, data: { labelNoise: 2 } },
      "data.labelNoise",
      '"data.labelNoise" must be a share from 0 to 1, not 2.',
      "For example 0.2.",
    ],
    [
      { ...recipe, corruption: { kind: "mask", rate: 0.5 } },
      "corruption.kind",
      '"corruption.kind" cannot be "mask".',
      'Did you mean "masking"?',
    ],
    [
      { ...recipe, corruption: { kind: "masking", deviation: 0.5 } },
      "corruption.deviation",
      '"corruption.deviation" is no key of a masking corruption.',
      "Choose one of kind, rate.",
    ],
    [
      { ...recipe, penalty: { kind: "contractive", weight: -1, to: "relu1" } },
      "penalty.weight",
      '"penalty.weight" must be a number of at least 0, not -1.',
      "For example 0.0001.",
    ],
    [
      { ...recipe, penalty: { kind: "contractive", weight: 1 } },
      "penalty.to",
      '"penalty.to" is missing in a contractive penalty.',
      'Add "to".',
    ],
    [
      { ...recipe, loss: "contrastiveDivergence", penalty: { kind: "contractive", weight: 1, to: "relu1" } },
      "penalty",
      "A penalty is added to a loss that is differentiated, and contrastive divergence is none.",
      "Leave the penalty out, or choose another loss.",
    ],
    [
      { ...recipe, data: { variation: "rotate" } },
      "data.variation",
      '"data.variation" cannot be "rotate".',
      'Did you mean "rotated"?',
    ],
    [
      { ...recipe, data: { inputs: "x.npy", patches: 4 } },
      "data.patches",
      "Patches are taken of pictures as they are.",
      'Give "pictures", a folder, or leave "patches" out.',
    ],
    [
      { ...recipe, data: { pictures: "pictures", patches: 4, variation: "rotated" } },
      "data.patches",
      "Patches are taken of pictures as they are.",
      'Leave "variation" out.',
    ],
    [{ ...recipe, data: { inputs: 5 } }, "data.inputs", '"data.inputs" must be a text, not 5.', "Write it in quotes."],
    [
      { ...recipe, optimizer: { kind: "momentum", rate: 1, nesterov: "yes" } },
      "optimizer.nesterov",
      '"optimizer.nesterov" must be true or false, not "yes".',
      "Write it without quotes.",
    ],
    [
      { ...recipe, epochs: 3 },
      "epochs",
      "The recipe gives both epochs and steps.",
      'Give one of "epochs" and "steps".',
    ],
    [{ ...recipe, steps: 0 }, "steps", '"steps" must be a whole number of at least 1, not 0.', "For example 1."],
  ])("%j", (json, key, what, fix) => {
    const where = key === "" ? { file: "r.json" } : { file: "r.json", option: key };
    expect(() => parseRecipe(json, "r.json")).toThrow(expect.objectContaining({ code: "usage", what, where, fix }));
  });

  test("neither epochs nor steps", () => {
    const { steps: _, ...without } = recipe;
    expect(() => parseRecipe(without, "r.json")).toThrow("The recipe does not say how long to train.");
  });
});

describe("the course", () => {
  const course = (change: Partial<Recipe>, examples = 100) =>
    courseOf({ ...(recipe as unknown as Recipe), ...change }, examples);

  test("examples that do not fill a step are left out of an epoch", () => {
    expect(course({ steps: undefined as never, epochs: 7, batch: 30 })).toMatchObject({ stepsPerEpoch: 3, steps: 21 });
  });

  test("checkpoints are spaced by the logarithm of the step, with step 0 and the last", () => {
    expect(course({}).checkpoints).toEqual([0, 1000]);
    expect(course({ checkpoints: 5 }).checkpoints).toEqual([0, 1, 10, 100, 1000]);
  });

  test("no two checkpoints are at one step", () => {
    for (const steps of [5, 9, 30, 6300]) {
      for (let checkpoints = 2; checkpoints <= Math.min(steps + 1, 40); checkpoints++) {
        const at = course({ steps, checkpoints }).checkpoints;
        expect(new Set(at).size).toBe(checkpoints);
        expect([at[0], at.at(-1)]).toEqual([0, steps]);
        expect([...at].sort((a, b) => a - b)).toEqual(at);
      }
    }
  });
});
