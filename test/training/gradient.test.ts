import { afterAll, expect, test } from "vitest";
import { createRng, gaussianArray } from "../../src/base/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { compileGradient, trainingGraph } from "../../src/training/index.ts";
import { everyLayer, randomFeeds } from "./networks.ts";

const backend = createBackend({ threads: 1 });
afterAll(() => backend.dispose());

const norm = (x: Float32Array) => Math.hypot(...x);

test("the gradient of the loss by every weight agrees with central differences", async () => {
  const graph = trainingGraph(everyLayer, { batch: 3, loss: "softmaxCrossEntropy" });
  const names = [...graph.weights.keys()];
  const gradient = await compileGradient(backend, graph.model, { of: "loss", by: names });
  const feeds = randomFeeds(graph, 1);
  await gradient.at(feeds);
  const slopes = new Map([...gradient.by].map(([name, slope]) => [name, slope.slice()]));
  const rng = createRng(2, "directions");

  for (const name of names) {
    const slope = slopes.get(name)!;
    const weight = feeds[name]!.data;
    const at = weight.slice();
    // Half along the gradient, so that the difference is no small one, half at random, so that every entry counts.
    const random = gaussianArray(rng, weight.length);
    const direction = slope.map((value, i) => value / norm(slope) + random[i]! / norm(random));
    const shifted = async (step: number) => {
      weight.set(at.map((value, i) => value + step * direction[i]!));
      return gradient.at(feeds);
    };
    // Some 1e-3 off the point the loss (about 1, to 1e-7) moves by 1e-3; kinks are further away than that here.
    const step = 1e-3;
    const measured = ((await shifted(step)) - (await shifted(-step))) / (2 * step);
    weight.set(at);
    const expected = slope.reduce((total, value, i) => total + value * direction[i]!, 0);
    expect(norm(slope), name).toBeGreaterThan(0.1);
    expect(Math.abs(measured - expected) / norm(slope), name).toBeLessThan(1e-3);
  }
});

test("where the scalar does not move with an input, that part is zero", async () => {
  const graph = trainingGraph(everyLayer, { batch: 2, loss: "softmaxCrossEntropy" });
  const { onnx, values } = graph.model;
  const inputs = [...onnx.graph.inputs, { ...onnx.graph.inputs[0]!, name: "idle" }];
  const model = {
    onnx: { ...onnx, graph: { ...onnx.graph, inputs } },
    values: new Map([...values, ["idle", values.get("image")!]]),
  };
  const gradient = await compileGradient(backend, model, { of: "loss", by: ["idle", "fc4.bias"] });
  const feeds = randomFeeds(graph, 1);
  await gradient.at({ ...feeds, idle: feeds.image! });
  expect(norm(gradient.by.get("idle")!)).toBe(0);
  expect(norm(gradient.by.get("fc4.bias")!)).toBeGreaterThan(0);
});

test("a loss that is not finite is an error", async () => {
  const graph = trainingGraph(everyLayer, { batch: 2, loss: "softmaxCrossEntropy" });
  const gradient = await compileGradient(backend, graph.model, { of: "loss", by: ["fc4.bias"] });
  const feeds = randomFeeds(graph, 1);
  feeds.image!.data[0] = Number.NaN;
  await expect(gradient.at(feeds)).rejects.toMatchObject({ code: "not-finite", what: `"loss" is NaN.` });
});
