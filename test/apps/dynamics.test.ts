import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTraining, type Recipe, train } from "../../src/apps/node/index.ts";
import { createRng, gaussianArray } from "../../src/base/index.ts";
import { writeNpy } from "../../src/images/index.ts";
import { buildModel, floatTensor, node, type OnnxModel, valueInfo, writeModel } from "../../src/onnx/index.ts";
import { DirectoryStore } from "../../src/platform/node/directory-store.ts";
import { openStudyRun } from "../../src/results/index.ts";
import { readStudy, type StudyData } from "../../src/studies/index.ts";
import { hasXarray, python, withoutXarray } from "../support/python.ts";
import { pushforward } from "./command-line.ts";
import { convnet, residualNet } from "./networks.ts";
import { createWorkplace, randomPng, type Workplace } from "./workplace.ts";

/** A network on the way from one to another, as training would move it; the softmax at its end is no tap by default. */
function checkpoint(share: number, seed = 0): Uint8Array {
  const [from, to] = [convnet({ seed: 2 * seed }), convnet({ seed: 2 * seed + 1 })];
  const initializers = new Map(
    [...from.graph.initializers].map(([name, { shape, data }]) => {
      const end = to.graph.initializers.get(name)!.data as Float32Array;
      return [
        name,
        floatTensor(
          shape,
          (data as Float32Array).map((value, i) => value + share * (end[i]! - value)),
        ),
      ];
    }),
  );
  const model: OnnxModel = { ...from, graph: { ...from.graph, initializers } };
  return writeModel(model);
}

const common = ["--preprocess", "preset.json", "--at", "relu1,logits", "-k", "8", "--quick"];
let place: Workplace;
beforeAll(async () => {
  place = await createWorkplace({
    "preset.json": JSON.stringify({ colour: "gray", scale: 1 / 255, mean: [0], std: [1] }),
    "training/net-step0.onnx": checkpoint(0),
    "training/net-step8.onnx": checkpoint(0.5),
    "training/net-step100.onnx": checkpoint(1),
    "training/net-step40.onnx": checkpoint(1).subarray(0, 900),
    "training/best.onnx": checkpoint(1),
    "seeds/a/1.onnx": checkpoint(0.2, 3),
    "seeds/a/2.onnx": checkpoint(0.9, 3),
    "seeds/b/1.onnx": checkpoint(0.2, 4),
    "seeds/b/2.onnx": checkpoint(0.9, 4),
    "seeds/b/3.onnx": checkpoint(1, 4),
    "mixed/step1.onnx": checkpoint(0),
    "mixed/step2.onnx": writeModel(residualNet()),
    "twice/a1.onnx": checkpoint(0),
    "twice/b1.onnx": checkpoint(0),
  });
  for (const i of [0, 1, 2]) await place.put(`images/${i}.png`, await randomPng(12, 12, i));
});
afterAll(() => place.remove());

const study = (...args: readonly string[]) => pushforward(["study", ...args, ...common], { cwd: place.folder });
const read = async (folder: string): Promise<StudyData> =>
  readStudy(await openStudyRun(new DirectoryStore(place.path(folder))));

test("a folder of checkpoints is measured in the order of steps, and one that does not open is reported", async () => {
  const asked = ["dynamics", "training", "images", "--out", "out"];
  const outcome = await study(...asked);
  expect(outcome.code).toBe(2);
  expect(outcome.stderr).toContain("note: training/best.onnx is left out, because its name has no step");
  expect(outcome.stderr).toMatch(/training training, step 40 failed: The checkpoint net-step40.onnx cannot be used/);
  expect(outcome.stderr).toContain("1 cell of the study dynamics failed");
  const data = await read("out/dynamics");
  expect(data.axes).toMatchObject({ training: ["training"], step: [0, 8, 40, 100], tap: ["relu1", "logits"] });
  const { data: rank, shape } = data.values.effective_rank!;
  expect(shape).toEqual([1, 4, 2, 3]);
  expect(Array.from(rank, Number.isFinite)).toEqual(Array.from(rank, (_, i) => Math.floor(i / 6) !== 2));

  // The same numbers as the study of spectra has at one checkpoint, and the same again from what is stored.
  expect((await study("spectra", "training/net-step8.onnx", "images", "--out", "one")).code).toBe(0);
  const one = await read("one/spectra");
  expect(Array.from(rank.subarray(6, 12))).toEqual(Array.from(one.values.effective_rank!.data));
  const before = await place.bytes("out", /\.(svg|png|html)$|done|cell_failed/);
  expect((await study(...asked)).stderr).toContain("[3/4]");
  expect(await place.bytes("out", /\.(svg|png|html)$|done|cell_failed/)).toEqual(before);
  expect(await place.list("out")).toEqual(
    expect.arrayContaining(["dynamics-spectra.svg", "dynamics-onset.csv", "dynamics-by-step.csv", "studies.html"]),
  );
});

describe.skipIf(!hasXarray())(`xarray (${withoutXarray})`, () => {
  test("opens it by training, step, tap and image", async () => {
    const script = fileURLToPath(new URL("open-study.py", import.meta.url));
    const at = { training: "training", step: 8, tap: "logits", image: "1" };
    const opened = JSON.parse(
      execFileSync(python, [script, place.path("out/dynamics"), "participation_ratio", JSON.stringify([at])], {
        encoding: "utf8",
      }),
    );
    expect(opened.coords.step.values).toEqual([0, 8, 40, 100]);
    expect(opened.variables.sigma.dims).toEqual(["training", "step", "tap", "image", "k"]);
    const { data } = (await read("out/dynamics")).values.participation_ratio!;
    expect(opened.picked).toEqual([data[6 + 3 + 1]]);
  });
});

test("subfolders are trainings, compared with controls drawn from each checkpoint", async () => {
  const outcome = await study(
    "dynamics",
    "seeds",
    "images",
    "--control",
    "permuted",
    "--draws",
    "1",
    "--out",
    "several",
  );
  expect(outcome.code, outcome.stderr).toBe(0);
  expect(outcome.stderr).toContain("not every training has them: 3");
  expect(outcome.stderr).toContain("claims will be undecided for lack of trainings");
  const [own, drawn] = [await read("several/dynamics"), await read("several/controls/permuted/1/dynamics")];
  expect(own.axes).toMatchObject({ training: ["a", "b"], step: [1, 2] });
  const ranks = [own, drawn].map(({ values }) => Array.from(values.effective_rank!.data));
  // relu1 of two trainings, two steps, and their controls: eight different networks.
  expect(new Set(ranks.flatMap((all) => all.filter((_, i) => i % 6 === 0))).size).toBe(8);
  const onset = Buffer.from((await place.bytes("several")).get("dynamics-onset.csv")!).toString();
  expect(onset).toContain('"change of ln effective rank, trained − permuted"');
  expect(await place.list("several")).toContain("dynamics-parting.csv");
  const page = Buffer.from((await place.bytes("several")).get("studies.html")!).toString();
  expect(page).toContain("each by a 95 % interval over trainings of its own");
  expect(page).toMatch(/Fewer than \d+ trainings decide nothing/);
  expect(page).toMatch(/its mean over trainings and draws/);
  expect(page).not.toMatch(/over images( and draws|\s+alone| of its own)/);
});

test("an image at which J is not finite has no numbers, and the others of its checkpoint are kept", async () => {
  const root = (seed: number) =>
    writeModel(
      buildModel({
        name: "root",
        inputs: [valueInfo("x", "float32", [1, 4])],
        outputs: [valueInfo("logits", "float32", [1, 3])],
        nodes: [
          node({ op: "MatMul", inputs: ["x", "own"], outputs: ["moved"] }),
          node({ op: "Sqrt", inputs: ["moved"], outputs: ["root"] }),
          node({ op: "MatMul", inputs: ["root", "weights"], outputs: ["logits"] }),
        ],
        initializers: new Map([
          ["own", floatTensor([4, 4], [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, seed])],
          ["weights", floatTensor([4, 3], gaussianArray(createRng(seed, "root"), 12))],
        ]),
      }),
    );
  await place.put("roots/step1.onnx", root(1));
  await place.put("roots/step2.onnx", root(2));
  const points = { zero: [1, 0, 2, 3], one: [1, 2, 3, 4], two: [4, 3, 2, 1] };
  for (const [name, data] of Object.entries(points)) {
    await place.put(`points/${name}.npy`, writeNpy({ shape: [4], data: Float32Array.from(data) }));
  }
  const asked = ["study", "dynamics", "roots", "points", "--at", "moved,logits", "--quick", "--out", "rooted"];
  for (const _ of ["first", "again"]) {
    const { code, stderr } = await pushforward(asked, { cwd: place.folder });
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /training roots, step 2: At zero nothing is known of logits: .* is Sqrt, which gives "root"/,
    );
    expect(stderr).toContain("2 cells of the study dynamics lack a part, whose numbers are NaN");
    expect(stderr).not.toContain("failed");
  }
  const { axes, values } = await read("rooted/dynamics");
  const known = Array.from(values.effective_rank!.data, Number.isFinite);
  const zero = axes.image!.map(String).findIndex((name) => name.startsWith("zero"));
  // [step, tap, image]: all at the tap before the root, and all but one behind it.
  const expected = [0, 1].flatMap(() =>
    [true, false].flatMap((all) => [0, 1, 2].map((image) => all || image !== zero)),
  );
  expect(known).toEqual(expected);
  const page = Buffer.from((await place.bytes("rooted")).get("studies.html")!).toString();
  expect(page).toContain("2 cells of the study dynamics lack a part, which the numbers leave out.");
  expect(page).toContain("At zero nothing is known of logits");
});

test("the training that `pushforward train` stored is measured at its checkpoints, with what it scored there itself", async () => {
  const count = 40;
  const rng = createRng(2, "labels");
  await place.put("inputs.npy", writeNpy({ shape: [count, 1, 12, 12], data: gaussianArray(rng, count * 144) }));
  const labels = Float32Array.from({ length: count }, () => rng.integer(3));
  await place.put("labels.npy", writeNpy({ shape: [count], data: labels }));
  const recipe: Recipe = {
    network: {
      input: [1, 12, 12],
      layers: [{ kind: "conv", channels: 3, kernel: 5 }, { kind: "relu" }, { kind: "dense", units: 3 }],
      outputName: "logits",
    },
    initializer: { kind: "he" },
    loss: "softmaxCrossEntropy",
    optimizer: { kind: "adam", rate: 0.01 },
    data: { inputs: "inputs.npy", targets: "labels.npy", heldOut: 10, labelNoise: 0.6 },
    batch: 10,
    steps: 60,
    checkpoints: 3,
  };
  await place.put("recipe.json", JSON.stringify(recipe));
  await train(place.path("recipe.json"), { out: place.path("stored") });
  const scores = await (await openTraining(place.path("stored"))).scores();
  expect(scores.at(-1)!.memorised).toBeGreaterThan(scores[0]!.memorised);

  const outcome = await study("dynamics", "stored", "images", "--out", "of-stored");
  expect(outcome.code, outcome.stderr).toBe(0);
  const { axes, values } = await read("of-stored/dynamics");
  expect(axes).toMatchObject({ training: ["stored"], step: [0, 1, 60], tap: ["relu1", "logits"] });
  expect(Array.from(values.memorised!.data)).toEqual(scores.map(({ memorised }) => memorised));
  expect(Array.from(values.held_out_accuracy!.data)).toEqual(scores.map(({ accuracy }) => accuracy));
  expect(Array.from(values.held_out_loss!.data)).toEqual(scores.map(({ loss }) => loss));
  expect(Array.from(values.effective_rank!.data).every(Number.isFinite)).toBe(true);
});

test.each([
  [["mixed"], "The checkpoints are not of one architecture: step2.onnx has"],
  [["twice"], "Both a1.onnx and b1.onnx are named as step 1."],
  [["images"], "There is no ONNX file with a step in its name in this folder."],
  [["training/net-step8.onnx"], "A training is a folder of checkpoints, and this is a file."],
  [["training", "--control", "initial=training/net-step0.onnx"], "here that is the checkpoint of step 0"],
])("%j is refused", async ([folder, ...options], message) => {
  const outcome = await study("dynamics", folder!, "images", ...options, "--out", "refused");
  expect([outcome.code, outcome.stderr]).toEqual([2, expect.stringContaining(message)]);
});
