import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTraining, type Recipe, train } from "../../src/apps/node/index.ts";
import { createRng } from "../../src/base/index.ts";
import { writeNpy } from "../../src/images/index.ts";
import { createWorkplace, type Workplace } from "./workplace.ts";

const [COUNT, VISIBLE, HIDDEN] = [40, 8, 5];
const machine: Recipe = {
  network: { input: [VISIBLE], layers: [{ kind: "dense", units: HIDDEN }, { kind: "sigmoid" }] },
  initializer: { kind: "gaussian", biasVariance: 1 },
  loss: "contrastiveDivergence",
  optimizer: { kind: "sgd", rate: 0.1 },
  data: { inputs: "x.npy" },
  batch: 10,
  steps: 8,
};
const autoencoder: Recipe = {
  ...machine,
  network: {
    input: [VISIBLE],
    layers: [...machine.network.layers, { kind: "dense", tied: "fc1", transposed: true }, { kind: "sigmoid" }],
  },
  loss: "binaryCrossEntropy",
  data: { inputs: "x.npy", targets: "inputs" },
};

let place: Workplace;
beforeAll(async () => {
  const rng = createRng(1, "inputs");
  const data = Float32Array.from({ length: COUNT * VISIBLE }, () => rng.uniform());
  place = await createWorkplace({ "x.npy": writeNpy({ shape: [COUNT, VISIBLE], data }) });
  await train(machine, { out: place.path("machine"), folder: place.folder });
  await train(autoencoder, { out: place.path("autoencoder"), folder: place.folder });
});
afterAll(() => place.remove());

describe("a restricted Boltzmann machine that starts from an earlier training", () => {
  const begun = async (more: Partial<Recipe>, of = machine) => {
    const training = await train({ ...of, seed: 7, ...more }, { folder: place.folder });
    return { first: await training.weights(0), last: await training.weights() };
  };
  const earlier = async (name: string) => (await openTraining(place.path(name))).weights();
  const drawn = async () => (await begun({})).first.get("visible.bias");

  test("has the visible bias of another machine, and learns on from it", async () => {
    const { first, last } = await begun({ start: { training: "machine" } });
    expect(first).toEqual(await earlier("machine"));
    expect(last.get("visible.bias")).not.toEqual(first.get("visible.bias"));
  });

  test("has it only where it is named, if layers are named", async () => {
    const weights = await earlier("machine");
    const some = await begun({ start: { training: "machine", layers: { fc1: "fc1" } } });
    expect(some.first.get("fc1.weight")).toEqual(weights.get("fc1.weight"));
    expect(some.first.get("visible.bias")).toEqual(await drawn());
    const both = await begun({ start: { training: "machine", layers: { fc1: "fc1", visible: "visible" } } });
    expect(both.first).toEqual(weights);
  });

  test("draws it if the earlier training is no machine, but takes the bias of its decoder if it is told so", async () => {
    const weights = await earlier("autoencoder");
    const same = await begun({ start: { training: "autoencoder" } });
    expect(same.first.get("fc1.bias")).toEqual(weights.get("fc1.bias"));
    expect(same.first.get("visible.bias")).toEqual(await drawn());
    const decoder = await begun({ start: { training: "autoencoder", layers: { fc1: "fc1", visible: "fc2" } } });
    expect(decoder.first.get("visible.bias")).toEqual(weights.get("fc2.bias"));
    await expect(begun({ start: { training: "autoencoder", layers: { visible: "visible" } } })).rejects.toMatchObject({
      code: "usage",
      what: 'There is no layer "visible" with weights in the training autoencoder.',
    });
  });

  test("keeps it as it begins unless it is one of the layers that are trained", async () => {
    const start = { training: "machine" };
    const moved = async (layers: string[]) => {
      const { first, last } = await begun({ start, train: layers });
      return [...last].filter(([name, { data }]) => first.get(name)!.data.join() !== data.join()).map(([name]) => name);
    };
    expect(await moved(["fc1"])).toEqual(["fc1.weight", "fc1.bias"]);
    expect(await moved(["visible"])).toEqual(["visible.bias"]);
  });

  test("gives its visible bias to the decoder of an auto-encoder", async () => {
    const start = { training: "machine", layers: { fc1: "fc1", fc2: "visible" } };
    const { first } = await begun({ start }, autoencoder);
    expect(first.get("fc2.bias")).toEqual((await earlier("machine")).get("visible.bias"));
  });
});
