import { afterAll, expect, test } from "vitest";
import type { TrainingAnswer } from "../../src/apps/explorer/engine/answers.ts";
import { openModel, type Recipe, train } from "../../src/apps/node/index.ts";
import { createRng } from "../../src/base/index.ts";
import { writeNpy } from "../../src/images/index.ts";
import { examplesOf } from "../../src/training/index.ts";
import { connect, given } from "./explorer-host.ts";
import { createWorkplace } from "./workplace.ts";

const recipe: Recipe = {
  network: {
    name: "small",
    input: [1, 6, 6],
    layers: [
      { kind: "conv", channels: 3, kernel: 3, pad: 1 },
      { kind: "relu" },
      { kind: "dropout", rate: 0.2 },
      { kind: "dense", units: 2 },
    ],
  },
  initializer: { kind: "he" },
  loss: "softmaxCrossEntropy",
  optimizer: { kind: "sgd", rate: 0.1 },
  data: { inputs: "folder/inputs.npy", targets: "folder/classes.npy", heldOut: 10 },
  batch: 8,
  steps: 6,
  checkpoints: 2,
  augmentation: { shift: 1 },
  seed: 4,
};

const rng = createRng(1, "examples");
const inputs = Float32Array.from({ length: 50 * 36 }, () => rng.uniform());
const labels = Float32Array.from({ length: 50 }, (_, i) => i % 2);
const files = [
  given("inputs.npy", writeNpy({ shape: [50, 1, 6, 6], data: inputs })),
  given("classes.npy", writeNpy({ shape: [50], data: labels })),
];
const begin = { recipe: given("recipe.json", JSON.stringify(recipe)), files };

const { client } = connect();
afterAll(async () => {
  await client.ask("dispose", {});
  client.close();
});

test.each([
  [{ start: { training: "earlier" } }, "start"],
  [{ data: { ...recipe.data, through: [{ training: "earlier", to: "relu1" }] } }, "data.through"],
])("earlier trainings, which a page cannot read, are refused: %j", async (given_, option) => {
  const own = given("recipe.json", JSON.stringify({ ...recipe, ...given_ }));
  await expect(
    client.ask("train", { begin: { ...begin, recipe: own }, every: 1, spectrum: { example: 0, k: 2 } }),
  ).rejects.toMatchObject({
    code: "usage",
    what: "A page cannot read earlier trainings.",
    where: { file: "recipe.json", option },
  });
});

test("a network that learns here is that of the command, and so is its spectrum; it goes on where it was stopped", async () => {
  const split = examplesOf(
    { shape: [1, 6, 6], inputs, targets: { kind: "labels", labels: Int32Array.from(labels) } },
    recipe.data!,
  );
  const trained = await train(recipe, { examples: split });
  const [initial, final] = await trained.scores();
  const losses = await trained.losses();
  const place = await createWorkplace({ "small.onnx": await trained.bytes() });
  const network = await openModel(place.path("small.onnx"), { threads: 1 });
  using J = await network.jacobian({ at: split.heldOut.inputs.slice(36, 72) });
  const expected = await J.svd({ k: 2, tol: 1e-5 });

  const partials: TrainingAnswer[] = [];
  const spectrum = { example: 1, k: 2 };
  const controller = new AbortController();
  const onPartial = (partial: TrainingAnswer) => {
    partials.push(partial);
    if (partial.step === 2) controller.abort();
  };
  const stopped = client.ask("train", { begin, every: 2, spectrum }, { signal: controller.signal, onPartial });
  await expect(stopped).rejects.toMatchObject({ code: "interrupted" });
  const { training } = partials[0]!;
  const answer = await client.ask("train", { begin: { training }, every: 4, spectrum });

  expect(partials[0]).toMatchObject({ step: 0, steps: 6, loss: Number.NaN, heldOutAccuracy: initial!.accuracy });
  expect(partials[1]!.loss).toBeCloseTo((losses[0]! + losses[1]!) / 2, 12);
  expect(answer).toMatchObject({ training, step: 6, heldOutAccuracy: final!.accuracy, heldOutLoss: final!.loss });
  for (const [i, sigma] of answer.sigma.entries())
    expect(Math.abs(sigma - expected.sigma[i]!)).toBeLessThan(1e-5 * answer.sigma[0]!);
  expect(partials[0]!.sigma[0]).not.toBeCloseTo(answer.sigma[0]!, 3);
  await network.close();
  await place.remove();
});

test.each([
  [{ begin: { training: 77 } }, "usage", "There is no training 77."],
  [{ begin: { ...begin, files: [files[0]!] } }, "file-unreadable", /names folder\/classes.npy, which was not given/],
  [{ begin: { ...begin, recipe: given("recipe.json", "{}") } }, "usage", /./],
  [{ begin, spectrum: { example: 10, k: 1 } }, "usage", "There is no held-out example 10: there are 10."],
] as const)("a training that cannot be: %#", async (parts, code, what) => {
  const asked = client.ask("train", { every: 1, spectrum: { example: 0, k: 1 }, ...parts });
  await expect(asked).rejects.toMatchObject({ code, what: expect.stringMatching(what) });
});
