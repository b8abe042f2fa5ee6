import { execFileSync } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  initializers,
  networkBytes,
  openModel,
  openTraining,
  PushforwardError,
  type Recipe,
  train,
} from "../../src/apps/node/index.ts";
import { createRng, gaussianArray } from "../../src/base/index.ts";
import { writeNpy } from "../../src/images/index.ts";
import { hasXarray, python, withoutXarray } from "../support/python.ts";
import { sharedDir, sharedPath, withoutShared } from "../support/shared.ts";
import { sigmoidAutoencoder } from "../training/sigmoid-autoencoder.ts";
import { pushforward, start } from "./command-line.ts";
import { createWorkplace, randomPng, type Workplace } from "./workplace.ts";

const COUNT = 120;
const recipe: Recipe = {
  network: {
    input: [24],
    layers: [
      { kind: "dense", units: 96 },
      { kind: "tanh" },
      { kind: "dropout", rate: 0.1 },
      { kind: "dense", units: 96 },
      { kind: "relu" },
      { kind: "dense", units: 3 },
    ],
  },
  initializer: { kind: "orthogonal", gain: 1.2 },
  loss: "softmaxCrossEntropy",
  optimizer: { kind: "adam", rate: 1e-3 },
  corruption: { kind: "masking", rate: 0.1 },
  penalty: { kind: "contractive", weight: 1e-3, to: "relu2" },
  data: { inputs: "inputs.npy", targets: "classes.npy", heldOut: 20 },
  batch: 32,
  steps: 3000,
  checkpoints: 12,
  seed: 4,
};
const short: Recipe = { ...recipe, steps: 30, checkpoints: 4 };
/** Chains that go on from step to step, so that a training that is resumed needs their states too. */
const machine: Recipe = {
  network: { input: [24], layers: [{ kind: "dense", units: 64 }, { kind: "sigmoid" }] },
  initializer: { kind: "gaussian", weightVariance: 0.24 },
  loss: { kind: "contrastiveDivergence", persistent: true, chains: 20, steps: 2 },
  optimizer: { kind: "momentum", rate: 0.05, momentum: 0.5 },
  data: { inputs: "levels.npy", heldOut: 20 },
  batch: 20,
  steps: 3000,
  checkpoints: 12,
  seed: 4,
};
/** What a killed writer did not finish. */
const beside = /\.unfinished-/;

let place: Workplace;
beforeAll(async () => {
  const inputs = gaussianArray(createRng(1, "inputs"), 24 * COUNT);
  const classes = Float32Array.from({ length: COUNT }, (_, i) =>
    inputs[24 * i]! > 0 ? 2 : inputs[24 * i + 1]! > 0 ? 1 : 0,
  );
  place = await createWorkplace({
    "recipe.json": JSON.stringify(recipe),
    "short.json": JSON.stringify(short),
    "machine.json": JSON.stringify(machine),
    "levels.npy": writeNpy({ shape: [COUNT, 24], data: inputs.map((value) => 1 / (1 + Math.exp(-value))) }),
    "inputs.npy": writeNpy({ shape: [COUNT, 24], data: inputs }),
    "classes.npy": writeNpy({ shape: [COUNT], data: classes }),
  });
});
afterAll(() => place.remove());

const command = (name: string, out: string, ...more: string[]) => ["train", `${name}.json`, "--out", out, ...more];
const run = (...args: string[]) => pushforward(args, { cwd: place.folder });
const progress = /^\[\d+\/\d+\] /gm;

describe("a training that is cut short", () => {
  /**
   * Trains a recipe to its end, and once more with kills on the way: the bytes are the same. They are returned.
   *
   * @param tolds for each kill, how many checkpoints are told before it; the state is stored after each is told, but for the first
   */
  async function sameAfterKills(name: string, tolds: readonly number[], seed: number): Promise<Map<string, Buffer>> {
    const [alone, cut] = [`${name}-alone`, `${name}-killed`];
    expect((await run(...command(name, alone))).code).toBe(0);
    const rng = createRng(seed, "kill");
    for (const told of tolds) {
      const running = start(command(name, cut), { cwd: place.folder });
      await running.shown(progress, told);
      await delay(rng.uniform() * (told === 0 ? 600 : 30));
      running.child.kill("SIGKILL");
      expect((await running.outcome).code).toBeNull();
    }
    const before = await openTraining(place.path(cut)).then((training) => training.losses());
    expect(before.some(Number.isNaN)).toBe(true);
    const last = await run(...command(name, cut));
    expect(last.code).toBe(0);
    expect(last.stderr).toMatch(/^note: the training goes on from step \d+\n/);
    const [whole, killed] = [await place.bytes(alone, beside), await place.bytes(cut, beside)];
    expect([...killed.keys()]).toEqual([...whole.keys()]);
    expect([...whole].filter(([file, bytes]) => !bytes.equals(killed.get(file)!)).map(([file]) => file)).toEqual([]);
    return whole;
  }

  test("killed at ten random moments, ends with the bytes of one that was left alone", async () => {
    const whole = await sameAfterKills("recipe", [0, 3, 0, 2, 0, 1, 1, 0, 1, 1], 21);
    expect([...whole.keys()].filter((file) => file.startsWith("weights/fc1.weight/c/"))).toHaveLength(12);
    expect([...whole.keys()]).toContain("loss.svg");
    expect([...whole.keys()]).toContain("accuracy.svg");
  }, 120_000);

  test("a Boltzmann machine with persistent chains, killed at four random moments, ends with the same bytes", async () => {
    await sameAfterKills("machine", [3, 1, 2, 1], 22);
  }, 120_000);

  test("interrupted, says how to go on, and goes on", async () => {
    const running = start(command("recipe", "interrupted"), { cwd: place.folder });
    await running.shown(progress, 3);
    running.child.kill("SIGINT");
    const { code, stdout, stderr } = await running.outcome;
    expect({ code, stdout }).toEqual({ code: 130, stdout: "" });
    const [what, fix] = stderr.trimEnd().split("\n").slice(-2);
    expect(what).toMatch(/^error: The training was interrupted after \d+ of 3000 steps\. All of them are stored\.$/);
    expect(fix).toBe("  do  Go on with: pushforward train recipe.json --out interrupted");
    const done = Number(/after (\d+) of/.exec(what!)![1]);
    const resumed = await run(...command("recipe", "interrupted"));
    expect(resumed.stderr).toMatch(new RegExp(`^note: the training goes on from step ${done}\n`));
    const [whole, again] = [await place.bytes("recipe-alone", beside), await place.bytes("interrupted", beside)];
    expect([...again].filter(([file, bytes]) => !bytes.equals(whole.get(file)!)).map(([file]) => file)).toEqual([]);
  }, 60_000);
});

test("finished: one JSON object for each checkpoint, and the same command changes nothing", async () => {
  const { code, stdout, stderr } = await run(...command("short", "done", "--json"));
  expect({ code, stderr: stderr.match(progress)!.length }).toEqual({ code: 0, stderr: 4 });
  const lines = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, number>);
  expect(lines.map(({ step }) => step)).toEqual([0, 1, 5, 30]);
  for (const { loss, accuracy } of lines) {
    expect(loss).toBeGreaterThan(0);
    expect(accuracy! * 20).toBeCloseTo(Math.round(accuracy! * 20), 9);
  }
  const bytes = await place.bytes("done");
  const again = await run(...command("short", "done"));
  expect(again).toMatchObject({ code: 0, stdout: "done\n" });
  expect(await place.bytes("done")).toEqual(bytes);
});

test("--export writes the network at a checkpoint, which answers as its weights say", async () => {
  const training = await train(place.path("short.json"), { out: place.path("exported") });
  const { code, stdout } = await run("train", "exported", "--export", "5", "--out", "five.onnx", "--json");
  expect({ code, stdout }).toEqual({ code: 0, stdout: '{"file":"five.onnx","step":5}\n' });
  const network = await openModel(place.path("five.onnx"));
  try {
    const weights = await training.weights(5);
    const x = gaussianArray(createRng(2, "x"), 24);
    const layer = (name: string, input: readonly number[]) => {
      const [w, b] = [`${name}.weight`, `${name}.bias`].map((tensor) => weights.get(tensor)!.data as Float32Array);
      return Array.from(b!, (bias, i) =>
        input.reduce((sum, value, j) => sum + w![i * input.length + j]! * value, bias),
      );
    };
    const hidden = layer("fc2", layer("fc1", Array.from(x)).map(Math.tanh)).map((value) => Math.max(value, 0));
    const [found] = await network.forward(x, [network.output]);
    for (const [i, expected] of layer("fc3", hidden).entries()) expect(found![i]).toBeCloseTo(expected, 5);
  } finally {
    await network.close();
  }
  expect(await run("train", "exported", "--export", "last", "--out", "last.onnx")).toMatchObject({
    code: 0,
    stdout: "last.onnx\n",
  });
  const wrong = await run("train", "exported", "--export", "7", "--out", "seven.onnx");
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain("error: No checkpoint is stored at step 7.");
  expect(wrong.stderr).toContain("do  Choose one of 0, 1, 5, 30.");
});

test("pictures in folders of their classes, and the same from a program", async () => {
  for (const [i, name] of ["zero/a.png", "zero/b.png", "one/c.png", "one/d.png"].entries()) {
    await place.put(`pictures/${name}`, await randomPng(6, 6, i));
  }
  const of: Recipe = {
    ...short,
    network: {
      input: [1, 6, 6],
      layers: [{ kind: "conv", channels: 2, kernel: 3 }, { kind: "relu" }, { kind: "dense", units: 2 }],
    },
    initializer: { kind: "he" },
    data: { pictures: "pictures", preprocess: "mnist" },
    augmentation: { shift: 1 },
    penalty: { kind: "contractive", weight: 0.1, to: "relu1" },
    batch: 4,
    steps: 3,
    checkpoints: 2,
  };
  await place.put("pictures.json", JSON.stringify(of));
  expect((await run(...command("pictures", "seen"))).code).toBe(0);
  const stored = await openTraining(place.path("seen"));
  const trained = await train(place.path("pictures.json"));
  expect(await trained.bytes()).toEqual(await stored.bytes());
  expect(await trained.bytes(0)).toEqual(networkBytes(of.network, initializers.he(of.network, {}, 4)));
  expect((await stored.scores()).every(({ loss, accuracy }) => Number.isNaN(loss) && Number.isNaN(accuracy))).toBe(
    true,
  );
});

/** An auto-encoder of grey patches of 12×12 pixels. */
const ofPatches = (pictures: string): Recipe => ({
  ...sigmoidAutoencoder([1, 12, 12], 16),
  data: { pictures, targets: "inputs", patches: 10, heldOut: 20, seed: 1 },
  batch: 100,
  epochs: 5,
});

test.skipIf(sharedDir === undefined)(`grey patches of photographs (${withoutShared})`, async () => {
  const trained = await train(ofPatches(sharedPath("data", "cifar10")));
  expect(trained.data.training).toMatchObject({ examples: 1800, targets: "inputs" });
  expect(trained.data.heldOut).toMatchObject({ examples: 200 });
  const scores = await trained.scores();
  expect(scores.at(-1)!.loss).toBeLessThan(0.95 * scores[0]!.loss);
  const again = await train(ofPatches(sharedPath("data", "cifar10")));
  expect(await again.bytes()).toEqual(await trained.bytes());
});

test("a picture that is smaller than a patch is named", async () => {
  await place.put("little/a.png", await randomPng(20, 20, 1));
  await place.put("little/b.png", await randomPng(20, 11, 2));
  await expect(train(ofPatches(place.path("little")))).rejects.toMatchObject({
    code: "shape-mismatch",
    what: expect.stringMatching(/^No patch of 1×12×12 can be cut out of a picture of 1×(11×20|20×11)\.$/),
    where: { file: expect.stringMatching(/b\.png$/) },
  });
});

describe("refuses", () => {
  test.each<[string, object, string[]]>([
    [
      "a key that is misspelt",
      { ...short, bacth: 3 },
      ['error: "bacth" is no key of a recipe.', "wrong.json, option bacth", 'do  Did you mean "batch"?'],
    ],
    ["no examples", { ...short, data: undefined }, ["error: The recipe names no examples."]],
    ["a file that is not there", { ...short, data: { inputs: "none.npy", targets: "classes.npy" } }, ["none.npy"]],
    ["no targets", { ...short, data: { inputs: "inputs.npy" } }, ["error: The data name no targets."]],
    [
      "pictures and arrays",
      { ...short, data: { inputs: "inputs.npy", pictures: "." } },
      ["error: The data name both pictures and an array."],
    ],
    [
      "arrays of another shape",
      { ...short, network: { ...short.network, input: [25] } },
      ["error: The inputs are 24, but the network takes 25."],
    ],
    [
      "targets that are no classes",
      { ...short, data: { inputs: "inputs.npy", targets: "halves.npy" } },
      ["error: 0.5 is no class."],
    ],
    [
      "labels that are no classes",
      { ...short, data: { inputs: "inputs.npy", targets: "inputs", labels: "halves.npy" } },
      ["error: 0.5 is no class.", "option data.labels", "do  Give whole numbers from 0."],
    ],
    [
      "vectors to turn",
      { ...short, data: { ...short.data, variation: "rotated" } },
      ["error: Only pictures [C, H, W] can be varied, and the examples are 24."],
    ],
    [
      "too few targets",
      { ...short, data: { inputs: "inputs.npy", targets: "few.npy" } },
      ["error: There are 3 targets for 120 inputs."],
    ],
  ])("%s", async (_, wrong, told) => {
    await place.put("halves.npy", writeNpy({ shape: [COUNT], data: new Float32Array(COUNT).fill(0.5) }));
    await place.put("few.npy", writeNpy({ shape: [3], data: new Float32Array(3) }));
    await place.put("wrong.json", JSON.stringify(wrong));
    const text = await train(place.path("wrong.json"), { out: place.path("nothing") }).then(
      () => "no refusal",
      (error: unknown) => (error instanceof PushforwardError ? error.format() : String(error)),
    );
    for (const line of told) expect(text).toContain(line);
    expect(await place.list()).not.toContain("nothing");
  });

  test("a folder of another training, of other things, and a folder in place of a recipe", async () => {
    await train(place.path("short.json"), { out: place.path("mine") });
    await place.put("other.json", JSON.stringify({ ...short, seed: 5 }));
    const other = await run(...command("other", "mine"));
    expect(other.code).toBe(2);
    expect(other.stderr).toContain("error: This folder contains another training. recipe seed: stored 4, asked 5.");
    await place.put("busy/notes.txt", "notes");
    expect((await run(...command("short", "busy"))).stderr).toContain("It contains notes.txt.");
    expect((await run("train", "mine", "--out", "mine")).stderr).toContain("error: This is a folder, not a recipe.");
    expect((await run("train", "none", "--export", "0", "--out", "x.onnx")).stderr).toContain(
      "error: There is no training here.",
    );
  });
});

describe.skipIf(!hasXarray())(`xarray (${withoutXarray})`, () => {
  test("opens the checkpoints, the weights and the curve of losses by step", async () => {
    await train(place.path("short.json"), { out: place.path("opened") });
    const script = fileURLToPath(new URL("open-training.py", import.meta.url));
    const opened = JSON.parse(
      execFileSync(python, [script, place.path("opened"), "fc3.bias", "5"], { encoding: "utf8" }),
    ) as {
      readonly attrs: Readonly<Record<string, string>>;
      readonly root: Readonly<Record<string, { dims: string[]; values: unknown[] }>>;
      readonly curve: Readonly<Record<string, { dims: string[]; values: unknown[] }>>;
      readonly weights: Readonly<Record<string, string[]>>;
      readonly picked: number[];
    };
    const training = await openTraining(place.path("opened"));
    const scores = await training.scores();
    expect(JSON.parse(opened.attrs.recipe!)).toEqual(short);
    expect(opened.root.step).toEqual({ dims: ["step"], values: [0, 1, 5, 30] });
    expect(opened.root.done!.values).toEqual([true, true, true, true]);
    expect(opened.root.held_out_loss!.values).toEqual(scores.map(({ loss }) => loss));
    expect(opened.root.held_out_accuracy!.values).toEqual(scores.map(({ accuracy }) => accuracy));
    expect(opened.curve.step!.values).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    expect(opened.curve.loss!.values).toEqual(Array.from(await training.losses()));
    expect(opened.weights["fc1.weight"]).toEqual(["step", "fc1.weight_0", "fc1.weight_1"]);
    expect(opened.picked).toEqual(Array.from((await training.weights(5)).get("fc3.bias")!.data as Float32Array));
  });
});
