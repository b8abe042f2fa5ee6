import { afterAll, beforeAll, expect, test } from "vitest";
import { openTraining, train, trainStack } from "../../src/apps/node/index.ts";
import { createRng } from "../../src/base/index.ts";
import { writeNpy } from "../../src/images/index.ts";
import { pushforward } from "./command-line.ts";
import { createWorkplace, type Workplace } from "./workplace.ts";

const COUNT = 60;
const stack = {
  input: [1, 4, 4],
  stack: [
    { units: 8, penalty: { kind: "contractive", weight: 0.1 } },
    { units: 6, corruption: { kind: "masking", rate: 0.25 } },
  ],
  initializer: { kind: "glorot", gain: 4, distribution: "uniform" },
  loss: "binaryCrossEntropy",
  optimizer: { kind: "adam", rate: 0.01 },
  batch: 10,
  epochs: 4,
  data: { inputs: "x.npy", targets: "inputs", labels: "classes.npy", heldOut: 12, seed: 1, variation: "noise" },
  fineTuning: { classes: 3 },
};

let place: Workplace;
beforeAll(async () => {
  const rng = createRng(1, "pictures");
  const inputs = Float32Array.from({ length: 16 * COUNT }, () => rng.uniform());
  place = await createWorkplace({
    "stack.json": JSON.stringify(stack),
    "x.npy": writeNpy({ shape: [COUNT, 1, 4, 4], data: inputs }),
    "classes.npy": writeNpy({ shape: [COUNT], data: Float32Array.from({ length: COUNT }, (_, i) => i % 3) }),
  });
});
afterAll(() => place.remove());

test("a stack is trained layer by layer and then with labels, and the same command changes nothing", async () => {
  const run = () => pushforward(["train", "stack.json", "--out", "sub/out"], { cwd: place.folder });
  const { code, stdout, stderr } = await run();
  expect({ code, stdout }).toEqual({ code: 0, stdout: "sub/out\n" });
  expect(stderr.match(/^(layer\d|fine-tuned)$/gm)).toEqual(["layer1", "layer2", "fine-tuned"]);
  const [first, second, tuned] = await Promise.all(
    ["layer1", "layer2", "fine-tuned"].map((name) => openTraining(place.path(`sub/out/${name}`))),
  );
  const begun = await tuned!.weights(0);
  expect(begun.get("fc1.weight")).toEqual((await first!.weights()).get("fc1.weight"));
  expect(begun.get("fc1.bias")).toEqual((await first!.weights()).get("fc1.bias"));
  expect(begun.get("fc2.weight")).toEqual((await second!.weights()).get("fc1.weight"));
  expect(begun.get("fc3.weight")!.shape).toEqual([3, 6]);
  expect((await tuned!.scores()).every(({ accuracy }) => accuracy >= 0 && accuracy <= 1)).toBe(true);
  const bytes = await place.bytes("sub/out");
  expect((await run()).code).toBe(0);
  expect(await place.bytes("sub/out")).toEqual(bytes);
  // The same from a program, in another folder: only the paths of the earlier trainings differ.
  const trained = await trainStack(place.path("stack.json"), { out: place.path("program") });
  expect([...trained.keys()]).toEqual(["layer1", "layer2", "fine-tuned"]);
  expect(await trained.get("fine-tuned")!.bytes()).toEqual(await tuned!.bytes());
});

test("what a training begins with is a part of what it is", async () => {
  await trainStack(place.path("stack.json"), { out: place.path("twice") });
  const probe = {
    network: {
      input: [1, 4, 4],
      layers: [{ kind: "dense", units: 8 }, { kind: "sigmoid" }, { kind: "dense", units: 3 }],
    },
    ...{
      initializer: stack.initializer,
      loss: "softmaxCrossEntropy",
      optimizer: stack.optimizer,
      batch: 10,
      epochs: 2,
    },
    data: { inputs: "x.npy", targets: "classes.npy" },
    start: { training: "twice/layer1", layers: { fc1: "fc1" } },
    train: ["fc2"],
  };
  await place.put("probe.json", JSON.stringify(probe));
  const probed = await train(place.path("probe.json"), { out: place.path("probed") });
  expect((await probed.weights()).get("fc1.weight")).toEqual(
    (await (await openTraining(place.path("twice/layer1"))).weights()).get("fc1.weight"),
  );
  await place.put("probe.json", JSON.stringify({ ...probe, start: { ...probe.start, step: 0 } }));
  await expect(train(place.path("probe.json"), { out: place.path("probed") })).rejects.toMatchObject({
    code: "store-mismatch",
  });
});
