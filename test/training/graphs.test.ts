import { afterAll, expect, test } from "vitest";
import { checkModel, normalize } from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { evaluateWith } from "../../src/runtime/index.ts";
import { inferenceModel, trainingGraph } from "../../src/training/index.ts";
import { everyLayer, randomFeeds } from "./networks.ts";

const backend = createBackend({ threads: 1 });
const evaluate = evaluateWith(backend);
afterAll(() => backend.dispose());

test("tensors are named as AlexNet's layers", () => {
  const { graph } = inferenceModel(everyLayer, new Map());
  expect(graph.nodes.map(({ name }) => name)).toEqual([
    "conv1",
    "relu1",
    "norm1",
    "pool1",
    "conv2",
    "relu2",
    "flat2",
    "fc3",
    "relu3",
    "fc4",
  ]);
  expect(graph.nodes.flatMap(({ outputs }) => outputs).at(-1)).toBe("logits");
});

test("both graphs are valid, and their shapes are those of ONNX Runtime", async () => {
  const graph = trainingGraph(everyLayer, { batch: 3, loss: "softmaxCrossEntropy" });
  const feeds = new Map(Object.entries(randomFeeds(graph, 4)));
  checkModel(graph.model.onnx);
  const { values } = await normalize(graph.model.onnx, { evaluate, feeds });
  for (const [name, type] of graph.model.values) expect(values.get(name), name).toEqual(type);
});

test("the loss is the mean cross entropy of what the network answers", async () => {
  const graph = trainingGraph(everyLayer, { batch: 3, loss: "softmaxCrossEntropy" });
  const feeds = randomFeeds(graph, 4);
  feeds.mask3!.data.fill(1);
  const run = await evaluate(graph.model.onnx, new Map(Object.entries(feeds)), ["loss"]);
  const weights = new Map([...graph.weights.keys()].map((name) => [name, feeds[name]!]));
  const answer = await evaluate(inferenceModel(everyLayer, weights), new Map([["image", feeds.image!]]), ["logits"]);
  const logits = answer.get("logits")!.data as Float32Array;
  const terms = [0, 1, 2].map((image) => {
    const row = Array.from(logits.subarray(4 * image, 4 * image + 4));
    return Math.log(row.reduce((total, value) => total + Math.exp(value), 0)) - row[image]!;
  });
  expect(run.get("loss")!.data[0]).toBeCloseTo(terms.reduce((total, term) => total + term, 0) / 3, 5);
});

test("a window that does not fit is an error with its place", () => {
  const layers = [...everyLayer.layers.slice(0, 4), { kind: "conv", channels: 1, kernel: 5 } as const];
  expect(() => trainingGraph({ ...everyLayer, layers }, { batch: 1, loss: "softmaxCrossEntropy" })).toThrow(
    "A window of 5×5 does not fit 6×4×3.",
  );
});
