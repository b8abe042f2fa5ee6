import { createRng, PushforwardError, type Rng, sizeOf } from "../base/index.ts";
import type { Tensor } from "../onnx/index.ts";
import type { Backend } from "../runtime/index.ts";
import { adam, cosineRate } from "./adam.ts";
import type { Architecture, Weights } from "./architecture.ts";
import { copyShifted, type DataSet, shuffled } from "./data-set.ts";
import { compileGradient } from "./gradient.ts";
import { type TrainingGraph, trainingGraph } from "./graphs.ts";
import { type Initializer, initialWeights } from "./initializers.ts";

export interface TrainOptions {
  readonly initializer: Initializer;
  readonly epochs: number;
  /** The number of images in a step. Images that do not fill a step at the end of an epoch are skipped. */
  readonly batch: number;
  /** The largest learning rate. It is reached after one epoch and then falls to zero as a half cosine. */
  readonly rate: number;
  /** Decoupled weight decay. */
  readonly decay: number;
  /** Each image is shifted at random by up to so many pixels in each direction. */
  readonly shift: number;
  /** Determines initial weights, order, shifts and dropout. On one machine the same seed gives the same weights bit for bit. */
  readonly seed: number;
  /** Called after each epoch. */
  readonly onEpoch?: (progress: EpochProgress) => void | Promise<void>;
}

export interface EpochProgress {
  /** From 1. */
  readonly epoch: number;
  /** The mean loss over the steps of the epoch, in nats, with dropout. */
  readonly loss: number;
  /** The current weights. The next step changes them in place. */
  readonly weights: Weights;
}

/**
 * Trains a classifier with softmax cross entropy, Adam with decoupled weight decay, and gradients from `linearize` and
 * `transpose`.
 *
 * Shapes: the images must have the input shape of the network, and labels must be smaller than its number of outputs.
 *
 * @throws PushforwardError `shape-mismatch` if images, labels or batch do not fit; `not-finite` if the loss diverges
 */
export async function train(
  backend: Backend,
  net: Architecture,
  data: DataSet,
  options: TrainOptions,
): Promise<Weights> {
  const { epochs, batch, rate, decay, seed } = options;
  const graph = trainingGraph(net, { batch, loss: "softmaxCrossEntropy" });
  check(graph, data);
  const weights = initialWeights(net, options.initializer, seed);
  const arrays = new Map([...weights].map(([name, { data }]) => [name, data as Float32Array]));
  const gradient = await compileGradient(backend, graph.model, { of: "loss", by: [...graph.weights.keys()] });
  const optimizer = adam({ decay });
  const stepsPerEpoch = Math.floor(data.labels.length / batch);
  const rateAt = cosineRate(rate, epochs * stepsPerEpoch, stepsPerEpoch);
  const rng = createRng(seed, "batches");
  const feeds = new Batches(graph, data, options.shift, rng);
  try {
    for (let epoch = 0; epoch < epochs; epoch++) {
      const order = shuffled(data.labels.length, rng);
      let total = 0;
      for (let step = 0; step < stepsPerEpoch; step++) {
        const inputs = feeds.next(order.slice(step * batch, (step + 1) * batch));
        total += await gradient.at({ ...inputs, ...Object.fromEntries(weights) });
        optimizer.step(arrays, gradient.by, rateAt(epoch * stepsPerEpoch + step));
      }
      await options.onEpoch?.({ epoch: epoch + 1, loss: total / stepsPerEpoch, weights });
    }
  } finally {
    await gradient.release();
  }
  return weights;
}

function check({ model, batch, input: name }: TrainingGraph, { shape, images, labels }: DataSet): void {
  const [, ...input] = model.values.get(name)!.shape;
  const classes = model.values.get("target")!.shape[1]!;
  const refuse = (what: string, fix: string) => {
    throw new PushforwardError("shape-mismatch", { what, fix });
  };
  if (input.join() !== shape.join() || images.length !== labels.length * sizeOf(shape)) {
    refuse("The images do not have the shape of the network's input.", "Give one image [C, H, W] for each label.");
  }
  if (labels.some((label) => label >= classes))
    refuse("A label is no output.", `Give labels from 0 to ${classes - 1}.`);
  if (labels.length < batch) refuse(`${labels.length} images are less than a batch.`, `Lower the batch from ${batch}.`);
}

/** Fills the inputs of the training graph. The arrays are reused for each batch. */
class Batches {
  readonly #graph: TrainingGraph;
  readonly #data: DataSet;
  readonly #shift: number;
  readonly #rng: Rng;
  readonly #feeds: Record<string, Tensor & { data: Float32Array }>;

  constructor(graph: TrainingGraph, data: DataSet, shift: number, rng: Rng) {
    this.#graph = graph;
    this.#data = data;
    this.#shift = shift;
    this.#rng = rng;
    const names = [graph.input, "target", ...graph.masks.map(({ name }) => name)];
    this.#feeds = Object.fromEntries(
      names.map((name) => {
        const { type, shape } = graph.model.values.get(name)!;
        return [name, { type, shape, data: new Float32Array(sizeOf(shape)) }];
      }),
    );
  }

  next(indices: readonly number[]): Readonly<Record<string, Tensor>> {
    const { shape, images, labels } = this.#data;
    const size = sizeOf(shape);
    const image = this.#feeds[this.#graph.input]!.data;
    const target = this.#feeds.target!.data.fill(0);
    const classes = target.length / indices.length;
    indices.forEach((index, to) => {
      const from = images.subarray(index * size, (index + 1) * size);
      copyShifted(from, image.subarray(to * size, (to + 1) * size), shape, this.#offset(), this.#offset());
      target[to * classes + labels[index]!] = 1;
    });
    for (const { name, rate } of this.#graph.masks) {
      const mask = this.#feeds[name]!.data;
      for (let i = 0; i < mask.length; i++) mask[i] = this.#rng.uniform() < rate ? 0 : 1 / (1 - rate);
    }
    return this.#feeds;
  }

  #offset(): number {
    return this.#rng.integer(2 * this.#shift + 1) - this.#shift;
  }
}
