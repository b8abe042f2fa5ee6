import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { createBackend } from "../../src/platform/node/backend.ts";
import { isStack, parseRecipe, type Recipe, type Split, stagesOf, subset, Trainer } from "../../src/training/index.ts";
import { noiseImages } from "./networks.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

const folder = join(import.meta.dirname, "../../examples/training");
const files = readdirSync(folder).filter((file) => file.endsWith(".json"));

const read = (file: string): unknown => JSON.parse(readFileSync(join(folder, file), "utf8"));
const recipes = files.flatMap((file): [string, Recipe][] => {
  const json = read(file);
  if (!isStack(json)) return [[file, parseRecipe(json, file)]];
  return stagesOf(json, file, (name) => name).map(({ name, recipe }) => [`${file}: ${name}`, recipe]);
});

describe("the recipes of the examples", () => {
  // The loss of a machine that is trained by contrastive divergence is not what its steps make smaller.
  const descending = recipes.filter(([file]) => !file.startsWith("rbm-"));

  test.each(descending)("%s takes a step that makes its loss smaller", async (_, given) => {
    const { batch, data, network, optimizer, ...recipe } = given;
    const drawn = noiseImages(4, network.input, 10, 1);
    const levels = drawn.inputs.map((value) => 1 / (1 + Math.exp(-value)));
    const targets = data?.targets === "inputs" ? ({ kind: "inputs" } as const) : drawn.targets;
    const training = { shape: network.input, inputs: levels, targets };
    const split: Split = { training, heldOut: subset(training, [0, 1, 2, 3]), heldOutIndices: [] };
    const own = { ...recipe, network, data, batch: 4, optimizer: { ...optimizer, rate: 1e-4 } };
    const trainer = new Trainer(backend, own, split);
    try {
      trainer.state.begin();
      const before = await trainer.score();
      await trainer.advance();
      expect((await trainer.score()).loss).toBeLessThan(before.loss);
    } finally {
      await trainer.release();
    }
  });
});
