import { dirname } from "node:path";
import { type DeviceOptions, openDevice } from "../../platform/node/devices.ts";
import { DirectoryStore } from "../../platform/node/directory-store.ts";
import { createTrainingRun, MemoryStore } from "../../results/index.ts";
import {
  parseRecipe,
  type Recipe,
  type Split,
  type TrainOptions,
  trainingManifest,
  train as trainNetwork,
} from "../../training/index.ts";
import { loadStart, loadThrough } from "./earlier-trainings.ts";
import { Training } from "./open-training.ts";
import { readRecipe, readTrainings } from "./recipe-file.ts";
import { identityOf, identityOfWeights } from "./training-data.ts";
import { version, versionsOf } from "./versions.ts";

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
    const split = examples ?? (await loadThrough(backend, read, folder));
    const start = await loadStart(read, folder);
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
