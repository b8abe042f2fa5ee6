import { dirname, resolve } from "node:path";
import { PushforwardError } from "../../base/index.ts";
import { floatTensor, type Tensor, writeModel } from "../../onnx/index.ts";
import { type DeviceOptions, openDevice } from "../../platform/node/devices.ts";
import { DirectoryStore } from "../../platform/node/directory-store.ts";
import {
  type CheckpointScore,
  createTrainingRun,
  MemoryStore,
  openTrainingRun,
  type TrainingRun,
} from "../../results/index.ts";
import type { Backend } from "../../runtime/index.ts";
import {
  type Architecture,
  encoded,
  encoderTo,
  inferenceModel,
  parseRecipe,
  type Recipe,
  type Split,
  startingWeights,
  startsOf,
  type TrainOptions,
  trainingManifest,
  train as trainNetwork,
  type Weights,
  weightShapes,
} from "../../training/index.ts";
import { readRecipe, readTrainings } from "./recipe-file.ts";
import { type ExamplesIdentity, identityOf, identityOfWeights, loadExamples } from "./training-data.ts";
import { version, versionsOf } from "./versions.ts";
import { writeOnnx } from "./write-file.ts";

/** A training, finished or not: its recipe, its curve of losses, and the network at each checkpoint. */
export class Training {
  readonly recipe: Recipe;
  /** The steps at which weights are stored, ascending, from 0 to the last. */
  readonly checkpoints: readonly number[];
  /** The number of steps of the whole training. */
  readonly steps: number;
  /** What identifies its examples: their numbers and hashes. */
  readonly data: ExamplesIdentity;
  readonly #run: TrainingRun;

  constructor(run: TrainingRun) {
    const { recipe, checkpoints, steps, data } = run.manifest;
    this.#run = run;
    this.recipe = recipe as Recipe; // `trainingManifest` put it there.
    this.checkpoints = checkpoints;
    this.steps = steps;
    this.data = data as ExamplesIdentity; // As the recipe.
  }

  /**
   * The weights after so many steps, by tensor name; those of the last checkpoint that is stored unless a step is given.
   *
   * @throws PushforwardError `usage` if there is no checkpoint at this step, or it is not stored yet
   */
  async weights(step?: number): Promise<Weights> {
    return (await this.#at(step)).weights;
  }

  /** The network after so many steps as an ONNX file. @throws PushforwardError as `weights` */
  async bytes(step?: number): Promise<Uint8Array> {
    return networkBytes(this.recipe.network, await this.weights(step));
  }

  /**
   * Writes the network after so many steps as an ONNX file.
   *
   * @returns the step
   * @throws PushforwardError as `weights`; `store-unwritable`
   */
  async write(file: string, step?: number): Promise<number> {
    const { weights, step: found } = await this.#at(step);
    await writeOnnx(file, { model: inferenceModel(this.recipe.network, weights) });
    return found;
  }

  /** The loss of each step on its batch, from step 1; NaN where it is not stored yet. */
  losses(): Promise<Float64Array> {
    return this.#run.readLosses();
  }

  /** What was measured at each checkpoint; NaN where it is not known. */
  scores(): Promise<readonly CheckpointScore[]> {
    return this.#run.readScores();
  }

  /** The steps of the checkpoints that are stored, ascending. */
  async stored(): Promise<number[]> {
    const done = await this.#run.done();
    return this.checkpoints.filter((_, i) => done[i]);
  }

  async #at(step: number | undefined): Promise<{ readonly step: number; readonly weights: Weights }> {
    const done = await this.#run.done();
    const index = step === undefined ? done.lastIndexOf(true) : this.checkpoints.indexOf(step);
    const read = index < 0 ? undefined : await this.#run.readCheckpoint(index);
    if (read === undefined) {
      const stored = await this.stored();
      throw new PushforwardError("usage", {
        what: step === undefined ? "No checkpoint is stored yet." : `No checkpoint is stored at step ${step}.`,
        where: { file: this.#run.location },
        fix: stored.length === 0 ? "Let the training go on." : `Choose one of ${stored.join(", ")}.`,
      });
    }
    const { weights } = this.#run.manifest;
    const tensors = weights.map(({ name, shape }) => [name, floatTensor(shape, read.get(name)!)] as const);
    return { step: this.checkpoints[index]!, weights: new Map(tensors) };
  }
}

export interface TrainSettings extends DeviceOptions, Omit<TrainOptions, "start"> {
  /** The folder of the training, which it goes on in if it has begun there; in memory unless it is given. */
  readonly out?: string;
  /** The examples, in place of those that the recipe names. */
  readonly examples?: Split;
  /** The folder that paths in the recipe are relative to, if it is not that of the recipe's file. */
  readonly folder?: string;
}

/**
 * Trains a network as a recipe says. A relative path in the recipe is relative to its file, or to the current folder if it has none.
 *
 * One thread computes unless `threads` is given: the graphs are small, and so the weights do not depend on the number of cores.
 *
 * @param recipe the recipe, or the path of its JSON file
 * @throws PushforwardError `usage` for a recipe that is not understood; `file-unreadable`, `shape-mismatch` and others for its data;
 * `model-invalid` where layers or loss do not fit; `store-mismatch` for a folder with another training; `not-finite` if the loss
 * diverges; `interrupted` through the signal
 */
export async function train(recipe: Recipe | string, settings: TrainSettings = {}): Promise<Training> {
  const { out, examples, device, threads = 1, notice, ...options } = settings;
  const read = typeof recipe === "string" ? await readRecipe(recipe) : parseRecipe(recipe, "recipe");
  const folder = settings.folder ?? (typeof recipe === "string" ? dirname(recipe) : ".");
  const backend = await openDevice({ threads, device, notice });
  try {
    const earlier = earlierTrainings(folder);
    const split = examples ?? (await loadThrough(backend, read, folder, earlier));
    const start = await startOf(read, earlier);
    const manifest = trainingManifest(read, split, {
      data: { ...identityOf(split), ...(start && { start: identityOfWeights(start) }) },
      backend: backend.description,
      versions: versionsOf(version),
    });
    const run = await createTrainingRun(out === undefined ? new MemoryStore() : new DirectoryStore(out), manifest);
    await trainNetwork(backend, read, split, run, { ...options, ...(start && { start }) });
    return new Training(run);
  } finally {
    await backend.dispose();
  }
}

/**
 * Trains the layers of a stack one after another, each on the codes of the one before, and then all of them with labels.
 *
 * @param file the JSON file of the stack
 * @returns the trainings by their names: `layer1`, `layer2`, …, and `fine-tuned`, each in a subfolder of `out`
 * @throws PushforwardError as `train`
 */
export async function trainStack(
  file: string,
  { out, ...settings }: Omit<TrainSettings, "examples" | "folder" | "out"> & { readonly out: string },
): Promise<ReadonlyMap<string, Training>> {
  const trainings = new Map<string, Training>();
  for (const { name, recipe, out: own } of await readTrainings(file, out)) {
    trainings.set(name ?? "recipe", await train(recipe, { ...settings, out: own, folder: dirname(file) }));
  }
  return trainings;
}

/** Opens earlier trainings that a recipe names, relative to a folder. */
const earlierTrainings = (folder: string) => (path: string) => openTraining(resolve(folder, path));

/** The weights with which layers begin; `undefined` if all are drawn. @throws PushforwardError as `openTraining` and `startingWeights` */
async function startOf(
  { network, start }: Recipe,
  earlier: (path: string) => Promise<Training>,
): Promise<Weights | undefined> {
  if (start === undefined) return undefined;
  const shapes = weightShapes(network);
  const found = new Map<string, Tensor>();
  for (const one of startsOf(start)) {
    const weights = await (await earlier(one.training)).weights(one.step);
    for (const [name, tensor] of startingWeights(shapes, one, weights)) found.set(name, tensor);
  }
  return found;
}

/** The examples of a recipe, after the earlier trainings that they go through. @throws PushforwardError as `loadExamples` */
async function loadThrough(
  backend: Backend,
  recipe: Recipe,
  folder: string,
  earlier: (path: string) => Promise<Training>,
): Promise<Split> {
  const encoders = [];
  for (const { training, to, step } of recipe.data?.through ?? []) {
    const opened = await earlier(training);
    encoders.push({ network: encoderTo(opened.recipe.network, to), weights: await opened.weights(step) });
  }
  const network = encoders[0]?.network ?? recipe.network;
  let split = await loadExamples({ ...recipe, network }, folder);
  for (const { network, weights } of encoders) split = await encoded(backend, network, weights, split);
  return split;
}

/** Opens the folder of a training, finished or not. @throws PushforwardError `file-unreadable`, `store-mismatch` */
export async function openTraining(folder: string): Promise<Training> {
  return new Training(await openTrainingRun(new DirectoryStore(folder)));
}

/** A network with these weights as an ONNX file. @throws PushforwardError `model-invalid` where a layer does not fit */
export function networkBytes(network: Architecture, weights: Weights): Uint8Array {
  return writeModel(inferenceModel(network, weights));
}
