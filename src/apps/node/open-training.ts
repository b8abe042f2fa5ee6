import { PushforwardError } from "../../base/index.ts";
import { floatTensor, writeModel } from "../../onnx/index.ts";
import { DirectoryStore } from "../../platform/node/directory-store.ts";
import { type CheckpointScore, openTrainingRun, type TrainingRun } from "../../results/index.ts";
import { type Architecture, inferenceModel, type Recipe, type Weights } from "../../training/index.ts";
import type { ExamplesIdentity } from "./training-data.ts";
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

/** Opens the folder of a training, finished or not. @throws PushforwardError `file-unreadable`, `store-mismatch` */
export async function openTraining(folder: string): Promise<Training> {
  return new Training(await openTrainingRun(new DirectoryStore(folder)));
}

/** A network with these weights as an ONNX file. @throws PushforwardError `model-invalid` where a layer does not fit */
export function networkBytes(network: Architecture, weights: Weights): Uint8Array {
  return writeModel(inferenceModel(network, weights));
}
