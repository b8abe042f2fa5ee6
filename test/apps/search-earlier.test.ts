import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { train } from "../../src/apps/node/index.ts";
import { movedTo } from "../../src/apps/node/moved-recipe.ts";
import { createRng, gaussianArray } from "../../src/base/index.ts";
import { writeNpy } from "../../src/images/index.ts";
import { DirectoryStore } from "../../src/platform/node/directory-store.ts";
import { openSearchRun } from "../../src/results/index.ts";
import type { Recipe } from "../../src/training/index.ts";
import { pushforward } from "./command-line.ts";
import { createWorkplace, type Workplace } from "./workplace.ts";

const [COUNT, UNITS] = [120, 10];
const encoder = [{ kind: "dense", units: UNITS }, { kind: "tanh" }] as const;
const autoencoder: Recipe = {
  network: { input: [12], layers: [...encoder, { kind: "dense", tied: "fc1", transposed: true }] },
  initializer: { kind: "glorot" },
  loss: "meanSquaredError",
  optimizer: { kind: "adam", rate: 0.01 },
  data: { inputs: "inputs.npy", targets: "inputs" },
  batch: 10,
  epochs: 3,
};
const common = {
  initializer: { kind: "glorot" },
  loss: "softmaxCrossEntropy",
  optimizer: { kind: "sgd", rate: { $logUniform: [0.01, 1] } },
  data: { inputs: "inputs.npy", targets: "classes.npy", heldOut: 40 },
  batch: 10,
  steps: 54,
};
/** The layers behind the encoder. */
const behind = [{ kind: "dense", units: { $integer: [4, 6] } }, { kind: "tanh" }, { kind: "dense", units: 2 }];
const spaces = {
  start: {
    ...common,
    network: { input: [12], layers: [...encoder, ...behind] },
    start: { training: "trained/encoder", layers: { fc1: "fc1" } },
    train: ["fc2", "fc3"],
  },
  through: {
    ...common,
    network: { input: [UNITS], layers: behind },
    data: { ...common.data, through: [{ training: "trained/encoder", to: "tanh1" }] },
  },
};

let place: Workplace;
beforeAll(async () => {
  const inputs = gaussianArray(createRng(3, "inputs"), 12 * COUNT);
  const classes = Float32Array.from({ length: COUNT }, (_, i) => (inputs[12 * i]! > 0 ? 1 : 0));
  place = await createWorkplace({
    "inputs.npy": writeNpy({ shape: [COUNT, 12], data: inputs }),
    "classes.npy": writeNpy({ shape: [COUNT], data: classes }),
    "start.json": JSON.stringify(spaces.start),
    "through.json": JSON.stringify(spaces.through),
  });
  await train(autoencoder, { out: place.path("trained/encoder"), folder: place.folder });
});
afterAll(() => place.remove());

const search = (space: string, out: string, by: string, jobs = 1) =>
  pushforward(["search", space, "--by", by, "--budget", "8", "--jobs", String(jobs), "--out", out], {
    cwd: place.folder,
  });

describe.each(["start", "through"] as const)("a space whose recipes have an earlier training as %s", (kind) => {
  test("gives a recipe in another folder that trains to the error that was found, and the same with several processes", async () => {
    const outs = [`deep/${kind}-1`, `deep/${kind}-2`] as const;
    for (const [i, out] of outs.entries()) {
      const { code, stderr } = await search(`${kind}.json`, out, "spectrum", i + 1);
      expect(code, stderr).toBe(0);
    }
    const beside = /_seconds\/c\//;
    expect(await place.bytes(outs[1], beside)).toEqual(await place.bytes(outs[0], beside));

    const run = await openSearchRun(new DirectoryStore(place.path(outs[0])));
    const best = place.path(outs[0], "best.json");
    const { optimizer } = JSON.parse(await readFile(best, "utf8")) as Recipe;
    const candidate = run.manifest.candidates.findIndex((drawn) => drawn["optimizer.rate"] === optimizer.rate);
    const at = { candidate, seed: 0, rung: 2 };
    const training = await train(best);
    // All 40 held-out examples are the 20 by which the search chose and the 20 by which it reports.
    const halves = run.value("validation_error", at) + run.value("test_error", at);
    expect(1 - (await training.scores()).at(-1)!.accuracy).toBeCloseTo(halves / 2, 12);
  }, 120_000);

  test("is another space once the earlier training is another", async () => {
    const out = `changed-${kind}`;
    expect((await search(`${kind}.json`, out, "random")).code).toBe(0);
    for (const file of ["inputs.npy", "classes.npy"])
      await place.put(`moved-${kind}/${file}`, await readFile(place.path(file)));
    await place.put(`moved-${kind}/space.json`, await readFile(place.path(`${kind}.json`)));
    const other = { ...autoencoder, seed: 1 };
    await train(other, { out: place.path(`moved-${kind}/trained/encoder`), folder: place.folder });
    const { code, stderr } = await search(`moved-${kind}/space.json`, out, "random");
    expect(code).toBe(2);
    expect(stderr).toMatch(kind === "start" ? /data start 1 sha256: stored/ : /data training sha256: stored/);
  }, 60_000);
});

test("weights that do not fit every candidate are refused before one is trained", async () => {
  const { network } = spaces.start;
  const [, ...others] = network.layers;
  const ranged = { ...network, layers: [{ kind: "dense", units: { $integer: [9, 10] } }, ...others] };
  await place.put("ranged.json", JSON.stringify({ ...spaces.start, network: ranged }));
  const { code, stderr } = await search("ranged.json", "ranged", "random");
  expect(code).toBe(2);
  expect(stderr).toMatch(/error: Candidate \d cannot begin as the space says: fc1\.weight is 9×12, but fc1\.weight of/);
  expect(stderr).toContain("at  file ranged.json, option start");
  expect(stderr).toContain("Or let that layer have the same shape in all candidates.");
  await expect(place.list("ranged")).rejects.toThrow("ENOENT");
});

describe("refused before one is trained", () => {
  beforeAll(async () => {
    // A training of which only the first checkpoint is stored.
    const controller = new AbortController();
    const settings = { out: place.path("unfinished"), folder: place.folder, signal: controller.signal };
    const onCheckpoint = () => controller.abort();
    const training = train({ ...autoencoder, epochs: 300 }, { ...settings, onCheckpoint });
    await expect(training).rejects.toMatchObject({ code: "interrupted" });
  });

  test.each<[string, object, string, string]>([
    [
      "a layer to train that a candidate does not have",
      { ...spaces.start, train: ["fc2", "fc9"] },
      'Candidate 0 cannot begin as the space says: There is no layer "fc9" with weights in the network.',
      "Did you mean",
    ],
    [
      "a tensor that an earlier training does not have",
      { ...spaces.through, data: { ...spaces.through.data, through: [{ training: "trained/encoder", to: "tan1" }] } },
      "file trained/encoder, option data.through",
      "Did you mean tanh1?",
    ],
    [
      "codes that the network does not take",
      { ...spaces.through, network: { ...spaces.through.network, input: [11] } },
      "The codes are 10, but the network of the recipe takes 11.",
      'Name the tensor with "to"',
    ],
    [
      "an earlier training that goes on",
      { ...spaces.start, start: { training: "unfinished", layers: { fc1: "fc1" } } },
      "The training unfinished is not finished, so that its weights can change during the search.",
      'name a checkpoint with "step"',
    ],
  ])("%s", async (_, space, what, fix) => {
    await place.put("refused.json", JSON.stringify(space));
    const { code, stderr } = await search("refused.json", "refused", "random");
    expect(code).toBe(2);
    expect(stderr).toContain(what);
    expect(stderr).toContain(fix);
    await expect(place.list("refused")).rejects.toThrow("ENOENT");
  });
});

test("a recipe that is moved names the same files", () => {
  const recipe: Recipe = {
    ...autoencoder,
    data: {
      ...{ pictures: "digits", labels: "labels.tsv", preprocess: "mnist", targets: "inputs" },
      through: [{ training: "../earlier", to: "tanh1", step: 3 }],
    },
    start: { training: "begun", layers: { fc1: "fc2" } },
  };
  const moved = movedTo("out/best", "spaces/a.json", recipe);
  expect(moved).toEqual({
    ...recipe,
    data: {
      ...recipe.data,
      ...{ pictures: "../../spaces/digits", labels: "../../spaces/labels.tsv" },
      through: [{ training: "../../earlier", to: "tanh1", step: 3 }],
    },
    start: { training: "../../spaces/begun", layers: { fc1: "fc2" } },
  });
  const arrays = { inputs: "x.npy", targets: "y.npy", preprocess: "own.json" };
  expect(movedTo("spaces/out", "spaces/a.json", { ...autoencoder, data: arrays, start: [{ training: "b" }] })).toEqual({
    ...autoencoder,
    data: { inputs: "../x.npy", targets: "../y.npy", preprocess: "../own.json" },
    start: [{ training: "../b" }],
  });
});
