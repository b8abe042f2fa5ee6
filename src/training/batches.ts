import { formatShape, PushforwardError, type Rng, sizeOf } from "../base/index.ts";
import type { Tensor } from "../onnx/index.ts";
import { type Corruption, corrupt } from "./corruptions.ts";
import { copyShifted, countOf, type DataSet } from "./data-set.ts";
import type { TrainingGraph } from "./graphs.ts";

/** What is done to the inputs of a step. */
export interface Disturbance {
  /** Each is shifted at random by up to so many pixels in each direction. */
  readonly shift: number;
  readonly corruption: Corruption | undefined;
}

type Feeds = Readonly<Record<string, Tensor & { readonly data: Float32Array }>>;

/** Fills the inputs of a training graph that are no weights. The arrays are reused for each batch. */
export class Batches {
  readonly #graph: TrainingGraph;
  readonly #data: DataSet;
  readonly #feeds: Feeds;

  /** @throws PushforwardError `shape-mismatch` if the examples do not fit the graph */
  constructor(graph: TrainingGraph, data: DataSet) {
    checkFit(graph, data);
    this.#graph = graph;
    this.#data = data;
    const signs = graph.signs === undefined ? [] : [graph.signs];
    const target = graph.hasTarget ? ["target"] : [];
    const names = [graph.input, ...target, ...graph.masks.map(({ name }) => name), ...signs];
    const empty = names.map((name) => {
      const { shape } = graph.model.values.get(name)!;
      return [name, { type: "float32", shape, data: new Float32Array(sizeOf(shape)) } as const] as const;
    });
    this.#feeds = Object.fromEntries(empty);
  }

  /** The examples at these positions as they are. */
  plain(indices: readonly number[]): Feeds {
    const { inputs, shape } = this.#data;
    const size = sizeOf(shape);
    const { data } = this.#feeds[this.#graph.input]!;
    indices.forEach((index, to) => {
      data.set(inputs.subarray(index * size, (index + 1) * size), to * size);
    });
    this.#fillTargets(indices);
    return this.#feeds;
  }

  /** The examples at these positions, disturbed at random, with clean targets, new dropout masks and signs. */
  random(indices: readonly number[], { shift, corruption }: Disturbance, rng: Rng): Feeds {
    const { shape, inputs } = this.#data;
    const size = sizeOf(shape);
    const { data } = this.#feeds[this.#graph.input]!;
    if (shift === 0) this.plain(indices);
    else {
      const offset = () => rng.integer(2 * shift + 1) - shift;
      indices.forEach((index, to) => {
        const from = inputs.subarray(index * size, (index + 1) * size);
        copyShifted(from, data.subarray(to * size, (to + 1) * size), shape, offset(), offset());
      });
      this.#fillTargets(indices);
    }
    if (corruption !== undefined) corrupt(data, corruption, rng);
    for (const { name, rate } of this.#graph.masks) {
      const mask = this.#feeds[name]!.data;
      for (let i = 0; i < mask.length; i++) mask[i] = rng.uniform() < rate ? 0 : 1 / (1 - rate);
    }
    if (this.#graph.signs !== undefined) {
      const signs = this.#feeds[this.#graph.signs]!.data;
      for (let i = 0; i < signs.length; i++) signs[i] = rng.uniform() < 0.5 ? -1 : 1;
    }
    return this.#feeds;
  }

  #fillTargets(indices: readonly number[]): void {
    if (!this.#graph.hasTarget) return;
    const { targets } = this.#data;
    const { data } = this.#feeds.target!;
    const size = data.length / indices.length;
    switch (targets.kind) {
      case "labels":
        data.fill(0);
        indices.forEach((index, to) => {
          data[to * size + targets.labels[index]!] = 1;
        });
        break;
      case "values":
        indices.forEach((index, to) => {
          data.set(targets.values.subarray(index * size, (index + 1) * size), to * size);
        });
        break;
      case "inputs":
        data.set(this.#feeds[this.#graph.input]!.data);
    }
  }
}

function checkFit({ model, batch, input, output, hasTarget }: TrainingGraph, data: DataSet): void {
  const [, ...takes] = model.values.get(input)!.shape;
  const [, ...gives] = model.values.get(output)!.shape;
  const { shape, inputs } = data;
  const targets = data.targets;
  const [count, size] = [countOf(data), sizeOf(gives)];
  const refuse = (what: string, fix: string): never => {
    throw new PushforwardError("shape-mismatch", { what, fix });
  };
  if (takes.join() !== shape.join() || inputs.length !== count * sizeOf(shape) || !Number.isInteger(count)) {
    refuse(
      `The examples are ${formatShape(shape)}, but the network takes ${formatShape(takes)}.`,
      "Give examples of the shape of the network's input, or change that.",
    );
  }
  if (count < batch) refuse(`${count} examples are less than a batch of ${batch}.`, "Lower the batch.");
  if (!hasTarget) return;
  if (targets.kind === "labels") {
    if (targets.labels.length !== count)
      refuse(`There are ${targets.labels.length} labels for ${count} examples.`, "Give one for each.");
    const wrong = targets.labels.find((label) => label < 0 || label >= size);
    if (wrong !== undefined)
      refuse(
        `The class ${wrong} is none of the ${size} outputs.`,
        `Give classes from 0 to ${size - 1}, or let the network have more outputs.`,
      );
  } else {
    const values = targets.kind === "values" ? targets.values.length / count : sizeOf(shape);
    if (values !== size)
      refuse(
        `A target has ${values} entries, but the network gives ${size}.`,
        "Give targets of the shape of the network's output, or change that.",
      );
  }
}
