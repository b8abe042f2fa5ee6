import { createRng, gaussianArray, sizeOf } from "../../src/base/index.ts";
import type { Tensor } from "../../src/onnx/index.ts";
import type { Architecture, LabelledSet, TrainingGraph } from "../../src/training/index.ts";

/** A network with a layer of every kind, small enough for differences. */
export const everyLayer: Architecture = {
  input: [2, 11, 9],
  inputName: "image",
  outputName: "logits",
  layers: [
    { kind: "conv", channels: 6, kernel: 3, stride: 2, pad: 2 },
    { kind: "relu" },
    { kind: "lrn", size: 5, alpha: 0.5, beta: 0.75, bias: 1 },
    { kind: "maxPool", kernel: 3, stride: 2, pad: 1 },
    { kind: "conv", channels: 5, kernel: 2 },
    { kind: "relu" },
    { kind: "dense", units: 7 },
    { kind: "relu" },
    { kind: "dropout", rate: 0.3 },
    { kind: "dense", units: 4 },
  ],
};

/** Random values for every input of a training graph, weights included; image i has class i. */
export function randomFeeds({ model, weights, masks }: TrainingGraph, seed: number) {
  const rng = createRng(seed, "feeds");
  const rates = new Map(masks.map(({ name, rate }) => [name, rate]));
  const entries = model.onnx.graph.inputs.map(({ name }) => {
    const { type, shape } = model.values.get(name)!;
    const rate = rates.get(name);
    const scale = weights.has(name) ? 0.5 : 1;
    let data = gaussianArray(rng, sizeOf(shape)).map((value) => scale * value);
    if (rate !== undefined) data = data.map(() => (rng.uniform() < rate ? 0 : 1 / (1 - rate)));
    if (name === "target") data = data.map((_, i) => (i % shape[1]! === Math.floor(i / shape[1]!) ? 1 : 0));
    return [name, { type, shape, data }] as const;
  });
  return Object.fromEntries(entries) satisfies Readonly<Record<string, Tensor>>;
}

/** Noise, each image with a random class: nothing to generalize from, but enough to learn by heart. */
export function noiseImages(count: number, shape: readonly number[], classes: number, seed: number): LabelledSet {
  const rng = createRng(seed, "noise");
  return {
    shape,
    inputs: gaussianArray(rng, count * sizeOf(shape)),
    targets: { kind: "labels", labels: Int32Array.from({ length: count }, () => rng.integer(classes)) },
  };
}
