import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { PushforwardError } from "../../base/index.ts";
import { openDevice } from "../../platform/node/devices.ts";
import { codeOf as errorCodeOf, unreadable } from "../../platform/node/file-errors.ts";
import type { EncoderTraining } from "../../studies/index.ts";
import {
  type Architecture,
  codeOf,
  encoderTo,
  type LabelledSet,
  lossName,
  type Recipe,
  type Split,
} from "../../training/index.ts";
import { loadThrough } from "../node/earlier-trainings.ts";
import { openTraining, type Training } from "../node/index.ts";
import { identityOf } from "../node/training-data.ts";

/** A training of an encoder in a folder. */
export interface FoundTraining {
  /** The path below the folder that was given. */
  readonly name: string;
  readonly training: Training;
  /** That of its configuration: trainings whose recipes differ in nothing but the seed. */
  readonly configuration: string;
  readonly family: string;
  /** The layers up to the code. */
  readonly network: Architecture;
}

/** How deep trainings may lie below the folder. */
const DEPTH = 3;

/**
 * The finished trainings in a folder and below it, in the order of their names. Others are left out, with a note.
 *
 * @param code the tensor that is the code, or `auto` for that before the decoder
 * @throws PushforwardError `usage` if there is none; `file-unreadable`
 */
export async function findEncoders(folder: string, code: string): Promise<FoundTraining[]> {
  const paths = (await trainingsBelow(folder, DEPTH)).sort();
  const found: FoundTraining[] = [];
  const names = new Map<string, string>();
  for (const path of paths) {
    const name = relative(folder, path).split(sep).join("/") || ".";
    const training = await openTraining(path);
    if ((await training.stored()).at(-1) !== training.steps) {
      process.stderr.write(`note: the training ${name} is left out, because it is not finished\n`);
      continue;
    }
    const { recipe } = training;
    const { seed: _, ...rest } = recipe;
    const key = JSON.stringify(rest);
    const configuration = names.get(key) ?? configurationName(name, [...names.values()]);
    names.set(key, configuration);
    found.push({
      ...{ name, training, configuration, family: familyOf(recipe) },
      network: encoderTo(recipe.network, code === "auto" ? codeOf(recipe.network) : code),
    });
  }
  if (found.length > 0) return found;
  throw new PushforwardError("usage", {
    what: "There is no finished training in this folder.",
    where: { file: folder },
    fix: "Give the folder of a training that `pushforward train` wrote, or a folder of such folders.",
  });
}

/** `contractive` of `contractive/seed-3` and of `contractive-3`; the whole name if another configuration has it. */
function configurationName(name: string, taken: readonly string[]): string {
  const short = name.replace(/[/_-]?(seed)?[/_-]?\d+$/, "");
  return short === "" || taken.includes(short) ? name : short;
}

async function trainingsBelow(folder: string, depth: number): Promise<string[]> {
  if (existsSync(join(folder, "zarr.json"))) return [folder];
  if (depth === 0) return [];
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    if (errorCodeOf(cause) === "ENOTDIR") return [];
    throw unreadable(folder, cause);
  });
  const below = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith("."));
  return (await Promise.all(below.map(({ name }) => trainingsBelow(join(folder, name), depth - 1)))).flat();
}

/** What a training without labels is called in the literature. */
function familyOf({ loss, corruption, penalty, optimizer }: Recipe): string {
  if (lossName(loss) === "contrastiveDivergence") return "RBM";
  if (penalty !== undefined) return "CAE";
  if (corruption !== undefined) return corruption.kind === "gaussian" ? "DAE, Gaussian" : "DAE, masks";
  return (optimizer.decay ?? 0) > 0 ? "AE with decay" : "AE";
}

/**
 * The examples of a training, after the earlier trainings that they go through, with their classes as targets.
 *
 * @param folder that paths in its recipe are relative to
 * @throws PushforwardError `usage` if they are not those that it was trained on, or have no classes; errors of `loadThrough`
 */
export async function examplesOfTraining(
  { name, training }: FoundTraining,
  folder: string,
): Promise<Split<LabelledSet["targets"]>> {
  const split = await loadAsTrained(training.recipe, folder);
  const { training: asked, heldOut } = identityOf(split);
  const stored = training.data;
  const ofCodes =
    training.recipe.data?.through === undefined
      ? ""
      : " Codes are computed by one thread of the processor here: train the stack without --threads and --device.";
  if (JSON.stringify([asked, heldOut]) !== JSON.stringify([stored.training, stored.heldOut])) {
    throw new PushforwardError("usage", {
      what: `The examples that the recipe of ${name} names are not those that it was trained on.`,
      where: { file: folder, option: "--data" },
      fix: `Give the folder of the recipes with --data, and leave their files and earlier trainings as they were.${ofCodes}`,
    });
  }
  const labelled = <T extends Split["training"]>({ targets, ...data }: T): LabelledSet => {
    if ("labels" in targets && targets.labels !== undefined) {
      return { ...data, targets: { kind: "labels", labels: targets.labels } };
    }
    throw new PushforwardError("usage", {
      what: `The recipe of ${name} names no classes of its inputs, so that its features cannot be probed.`,
      where: { option: "data.labels" },
      fix: 'Add "labels" to the data of the recipe, and train again: the held-out examples change with them.',
    });
  };
  const { training: trained, heldOut: held, heldOutIndices } = split;
  return { training: labelled(trained), heldOut: labelled(held), heldOutIndices };
}

/** The examples of a recipe, with the same bits as those that `train` takes unless it is told otherwise: codes are computed by one thread. */
async function loadAsTrained(recipe: Recipe, folder: string): Promise<Split> {
  const backend = await openDevice({ threads: 1 });
  try {
    return await loadThrough(backend, recipe, folder);
  } finally {
    await backend.dispose();
  }
}

/** A training as a study takes it. */
export async function openEncoder(
  found: FoundTraining,
  split: Split<LabelledSet["targets"]>,
): Promise<EncoderTraining> {
  const { name, training, network } = found;
  const { labels } = split.training.targets;
  return {
    ...{ name, network, split },
    first: await training.weights(0),
    last: await training.weights(training.steps),
    classes: labels.reduce((most, label) => Math.max(most, label + 1), 0),
    reconstruction: (await training.scores()).at(-1)!.loss,
    seed: training.recipe.seed ?? 0,
  };
}
