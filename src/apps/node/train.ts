import { dirname } from "node:path";
import { PushforwardError } from "../../base/index.ts";
import { floatTensor, writeModel } from "../../onnx/index.ts";
import { type DeviceOptions, openDevice } from "../../platform/node/devices.ts";
import { DirectoryStore } from "../../platform/node/directory-store.ts";
import {
  type CheckpointScore,
  createTrainingRun,
  MemoryStore,
  openTrainingRun,
  type TrainingRun,
} from "../../results/index.ts";
import {
  type Architecture,
  inferenceModel,
  parseRecipe,
  type Recipe,
  type Split,
  type TrainOptions,
  trainingManifest,
  train as trainNetwork,
  type Weights,
} from "../../training/index.ts";
import { readRecipe } from "./recipe-file.ts";
import { identityOf, loadExamples } from "./training-data.ts";
import { version, versionsOf } from "./versions.ts";
import { writeOnnx } from "./write-file.ts";

/** A training, finished or not: its recipe, its curve of losses, and the network at each checkpoint. */
export class Training {
  readonly recipe: Recipe;
  /** The steps at which weights are stored, ascending, from 0 to the last. */
  readonly checkpoints: readonly number[];
  /** The number of steps of the whole training. */
  readonly steps: number;
  readonly #run: TrainingRun;

  constructor(run: TrainingRun) {
    const { recipe, checkpoints, steps } = run.manifest;
    this.#run = run;
    this.recipe = recipe as Recipe; // `trainingManifest` put it there.
    this.checkpoints = checkpoints;
    this.steps = steps;
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

export interface TrainSettings extends DeviceOptions, TrainOptions {
  /** The folder of the training, which it goes on in if it has begun there; in memory unless it is given. */
  readonly out?: string;
  /** The examples, in place of those that the recipe names. */
  readonly examples?: Split;
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
  const folder = typeof recipe === "string" ? dirname(recipe) : ".";
  const split = examples ?? (await loadExamples(read, folder));
  const backend = await openDevice({ threads, device, notice });
  try {
    const manifest = trainingManifest(read, split, {
      data: identityOf(split),
      backend: backend.description,
      versions: versionsOf(version),
    });
    const run = await createTrainingRun(out === undefined ? new MemoryStore() : new DirectoryStore(out), manifest);
    await trainNetwork(backend, read, split, run, options);
    return new Training(run);
  } finally {
    await backend.dispose();
  }
}

/** Opens the folder of a training, finished or not. @throws PushforwardError `file-unreadable`, `store-mismatch` */
export async function openTraining(folder: string): Promise<Training> {
  return new Training(await openTrainingRun(new DirectoryStore(folder)));
}

/** A network with these weights as an ONNX file. @throws PushforwardError `model-invalid` where a layer does not fit */
export function networkBytes(network: Architecture, weights: Weights): Uint8Array {
  return writeModel(inferenceModel(network, weights));
}
