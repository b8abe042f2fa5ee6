import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTraining, type Recipe, train, trainStack, type Weights } from "../../src/apps/node/index.ts";
import { createRng } from "../../src/base/index.ts";
import { writeNpy } from "../../src/images/index.ts";
import { DirectoryStore } from "../../src/platform/node/directory-store.ts";
import { openStudyRun } from "../../src/results/index.ts";
import { readStudy } from "../../src/studies/index.ts";
import { hasXarray, python, withoutXarray } from "../support/python.ts";
import { sigmoidAutoencoder } from "../training/sigmoid-autoencoder.ts";
import { pushforward } from "./command-line.ts";
import { createWorkplace, type Workplace } from "./workplace.ts";

const [COUNT, HELD_OUT, UNITS] = [60, 20, 6];
const plain: Recipe = {
  ...sigmoidAutoencoder([1, 4, 4], UNITS),
  data: { inputs: "x.npy", targets: "inputs", labels: "classes.npy", heldOut: HELD_OUT, seed: 1 },
  batch: 10,
  epochs: 4,
};
const { targets: _, ...unlabelled } = plain.data!;
const recipes: Readonly<Record<string, Recipe>> = {
  plain,
  contractive: { ...plain, penalty: { kind: "contractive", weight: 1, to: "sigmoid1" } },
  rbm: {
    ...plain,
    network: { ...plain.network, layers: plain.network.layers.slice(0, 2) },
    loss: "contrastiveDivergence",
    data: unlabelled,
  },
};
const inputs = Float32Array.from(
  (function* () {
    const rng = createRng(1, "pictures");
    // The class is the brightest quarter of the picture.
    for (let i = 0; i < COUNT; i++) {
      for (let at = 0; at < 16; at++) yield 0.5 * rng.uniform() + (Math.floor(at / 4) === i % 4 ? 0.5 : 0);
    }
  })(),
);

/** A layer of sigmoids at an input, and the sum of the squares of the entries of its Jacobian, in float64. */
function sigmoids(weights: Weights, input: ArrayLike<number>): { outputs: number[]; squares: number } {
  const [W, b] = ["fc1.weight", "fc1.bias"].map((name) => weights.get(name)!.data as Float32Array);
  let squares = 0;
  const outputs = Array.from(b!, (bias, j) => {
    const row = W!.subarray(input.length * j, input.length * (j + 1));
    const h = 1 / (1 + Math.exp(-row.reduce((sum, w, at) => sum + w * input[at]!, bias)));
    squares += (h * (1 - h)) ** 2 * row.reduce((sum, w) => sum + w * w, 0);
    return h;
  });
  return { outputs, squares };
}

let place: Workplace;
beforeAll(async () => {
  place = await createWorkplace({
    "x.npy": writeNpy({ shape: [COUNT, 1, 4, 4], data: inputs }),
    "classes.npy": writeNpy({ shape: [COUNT], data: Float32Array.from({ length: COUNT }, (_x, i) => i % 4) }),
  });
  for (const [name, recipe] of Object.entries(recipes)) {
    for (const seed of [0, 1]) {
      await place.put(`${name}-${seed}.json`, JSON.stringify({ ...recipe, seed }));
      await train(place.path(`${name}-${seed}.json`), { out: place.path(`all/${name}/seed-${seed}`) });
    }
  }
});
afterAll(() => place.remove());

const study = (...args: string[]) => pushforward(["study", "features", ...args], { cwd: place.folder });
const settings = ["--set", "images=8", "--set", "probe=300", "--set", "tuning=100", "--set", "directions=4"];

describe("study features", () => {
  test("measures all trainings at their held-out examples, and stores them as other studies do", async () => {
    const { code, stdout } = await study("all", "--out", "found", ...settings);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "found/studies.html\n" });
    const run = await openStudyRun(new DirectoryStore(place.path("found/features")));
    const { axes, values } = await readStudy(run);
    expect(axes.training).toEqual([
      "contractive/seed-0",
      "contractive/seed-1",
      "plain/seed-0",
      "plain/seed-1",
      "rbm/seed-0",
      "rbm/seed-1",
    ]);
    expect(run.manifest.params).toMatchObject({
      configuration: ["contractive", "contractive", "plain", "plain", "rbm", "rbm"],
      family: ["CAE", "CAE", "AE", "AE", "RBM", "RBM"],
      seed: [0, 1, 0, 1, 0, 1],
    });
    // ‖J‖_F² of a sigmoid layer in closed form, from the stored weights in float64.
    const trainings = await Promise.all(axes.training!.map((name) => openTraining(place.path(`all/${name}`))));
    const numbers = axes.image!.map((name) => Number(String(name).split(" ")[1]));
    for (const [t, training] of trainings.entries()) {
      const weights = await training.weights();
      for (const [i, example] of numbers.entries()) {
        const { squares } = sigmoids(weights, inputs.subarray(16 * example, 16 * example + 16));
        const norm = values.norm!.data[(t * 3 + 0) * 8 + i]!;
        expect(Math.abs(norm / Math.sqrt(squares) - 1)).toBeLessThan(1e-5);
      }
      // Controls are measured at a quarter of the examples.
      expect(values.norm!.data.slice((t * 3 + 2) * 8, (t * 3 + 3) * 8).findIndex(Number.isNaN)).toBe(2);
    }
    expect([...values.probe_error!.data, ...values.tuned_error!.data].every((e) => e >= 0 && e <= 1)).toBe(true);
    // The labels are those of the pictures: from the pictures themselves they are learned.
    expect(Math.min(...values.tuned_error!.data)).toBeLessThan(0.4);
    expect([...(await place.bytes("found")).keys()]).toEqual(
      expect.arrayContaining(["features-rules.csv", "features-spectra.svg", "features-tangents.svg"]),
    );
    const bytes = await place.bytes("found");
    // Three families, each with the image and four vectors: in the file, and in the page for two widths, each with a bar of colours.
    expect(values.picture!.data.slice(0, 16)).toEqual(
      Float64Array.from(inputs.slice(16 * numbers[0]!, 16 * numbers[0]! + 16)),
    );
    const picturesIn = (file: string) =>
      Buffer.from(bytes.get(file)!)
        .toString()
        .match(/<image /g)!.length;
    expect(picturesIn("features-tangent-pictures.svg")).toBe(3 * 5 + 1);
    expect(picturesIn("studies.html")).toBe(2 * (3 * 5 + 1));
    expect((await study("all", "--out", "found", ...settings)).code).toBe(0);
    expect([...(await place.bytes("found")).keys()]).toEqual([...bytes.keys()]);
  }, 120_000);

  test.skipIf(!hasXarray())(`xarray opens it (${withoutXarray})`, async () => {
    const script = fileURLToPath(new URL("open-study.py", import.meta.url));
    const stored = await readStudy(await openStudyRun(new DirectoryStore(place.path("found/features"))));
    const { image, k } = stored.axes;
    const selected = JSON.stringify([{ training: "rbm/seed-1", variant: "permuted", image: image![1], k: 2 }]);
    const output = execFileSync(python, [script, place.path("found/features"), "sigma", selected], {
      encoding: "utf8",
    });
    const opened = JSON.parse(output) as {
      readonly coords: Readonly<Record<string, { readonly values: readonly unknown[] }>>;
      readonly variables: Readonly<Record<string, { readonly dims: readonly string[] }>>;
      readonly picked: readonly number[];
    };
    for (const [axis, labels] of Object.entries(stored.axes)) expect(opened.coords[axis]!.values).toEqual(labels);
    expect(opened.variables.sigma!.dims).toEqual(["training", "variant", "image", "k"]);
    expect(opened.variables.probe_error!.dims).toEqual(["training", "variant"]);
    const at = ((5 * 3 + 2) * image!.length + 1) * k!.length + 1;
    expect(opened.picked).toEqual([stored.values.sigma!.data[at]]);
  });

  test("a layer of a stack is measured at the codes of the layers before it, which it was trained on", async () => {
    const { initializer, loss, optimizer, data, batch, epochs } = plain;
    const layers = [{ units: UNITS }, { units: 4 }];
    const whole = { initializer, loss, optimizer, data, batch, epochs };
    await place.put("stack.json", JSON.stringify({ input: [1, 4, 4], stack: layers, ...whole }));
    const trained = await trainStack(place.path("stack.json"), { out: place.path("stack") });
    const { code, stderr } = await study("stack/layer2", "--out", "second", ...settings);
    expect(stderr).not.toContain("error");
    expect(code).toBe(0);
    const { axes, values } = await readStudy(await openStudyRun(new DirectoryStore(place.path("second/features"))));
    const [first, second] = await Promise.all(["layer1", "layer2"].map((name) => trained.get(name)!.weights()));
    for (const [i, name] of axes.image!.entries()) {
      const example = Number(String(name).split(" ")[1]);
      const hidden = sigmoids(first!, inputs.subarray(16 * example, 16 * example + 16)).outputs;
      const { squares } = sigmoids(second!, hidden);
      expect(Math.abs(values.norm!.data[i]! / Math.sqrt(squares) - 1)).toBeLessThan(1e-5);
    }
    await place.put("moved/x.npy", writeNpy({ shape: [COUNT, 1, 4, 4], data: inputs }));
    expect((await study("stack/layer2", "--data", "moved", "--out", "g", ...settings)).stderr).toContain(
      "moved/stack/layer1",
    );
  }, 60_000);

  test("refuses what it cannot measure", async () => {
    const told = async (...args: string[]) => (await study(...args)).stderr;
    expect(await told("all", "x.npy", "--out", "a")).toContain(
      "error: The study features measures trainings at the examples that they held out, and takes no inputs.",
    );
    expect(await told("found", "--out", "b")).toContain("This Zarr store is not a training");
    await place.put("empty/nothing.txt", "nothing");
    expect(await told("empty", "--out", "c")).toContain("error: There is no finished training in this folder.");
    await place.put("elsewhere/x.npy", writeNpy({ shape: [COUNT, 1, 4, 4], data: inputs.map((x) => 1 - x) }));
    await place.put("elsewhere/classes.npy", writeNpy({ shape: [COUNT], data: new Float32Array(COUNT) }));
    expect(await told("all", "--data", "elsewhere", "--out", "d")).toContain(
      "error: The examples that the recipe of contractive/seed-0 names are not those that it was trained on.",
    );
    const { labels: __, ...none } = plain.data!;
    await place.put("none.json", JSON.stringify({ ...plain, data: none }));
    await train(place.path("none.json"), { out: place.path("none") });
    expect(await told("none", "--out", "e")).toContain("error: The recipe of . names no classes of its inputs");
    await place.put(
      "narrow.json",
      JSON.stringify({
        ...plain,
        network: { ...plain.network, layers: [{ kind: "dense", units: 5 }, ...plain.network.layers.slice(1)] },
      }),
    );
    await train(place.path("narrow.json"), { out: place.path("all/z-narrow") });
    expect(await told("all", "--out", "f")).toContain(
      "error: The code of z-narrow is 5, and that of contractive/seed-0 is 6.",
    );
  }, 60_000);
});

test("other studies still need inputs", async () => {
  expect((await pushforward(["study", "spectra", "net.onnx", "--out", "g"], { cwd: place.folder })).stderr).toContain(
    "error: The study spectra needs inputs to measure the network at.",
  );
});
