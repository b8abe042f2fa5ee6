import { PushforwardError } from "../base/index.ts";
import type { Architecture } from "./architecture.ts";
import type { Corruption } from "./corruptions.ts";
import type { Initializer } from "./initializers.ts";
import { type Loss, lossName } from "./losses.ts";
import type { OptimizerSettings } from "./optimizers.ts";
import type { Penalty } from "./penalties.ts";
import { checkDrawnNetwork, checkRecipe } from "./recipe-checks.ts";
import type { ScheduleSettings } from "./schedules.ts";
import type { Start } from "./start.ts";
import type { Variation } from "./variations.ts";

/** Where examples come from. Paths are relative to the recipe's file. */
interface Files {
  /** A folder of pictures, whose classes come from a table `labels.tsv`, or from the sub-folders. */
  readonly pictures?: string;
  /** The table of their classes, if it lies elsewhere. For an auto-encoder: their classes, a table or an .npy array, which it is not trained on. */
  readonly labels?: string;
  /** The preprocessing of the pictures: the name of a preset, or its file. */
  readonly preprocess?: string;
  /** In place of pictures: an .npy array of all inputs, [N, …]. */
  readonly inputs?: string;
  /**
   * What the network is to answer: an .npy array, of N classes or of N outputs [N, …]; or `inputs`, as for an auto-encoder. For pictures
   * it is left out where their classes are meant.
   */
  readonly targets?: string;
}

/** An earlier training whose network the inputs go through, up to one of its tensors. */
export interface Through {
  /** Its folder, relative to the recipe's file. */
  readonly training: string;
  readonly to: string;
  /** The step of the checkpoint; that of the last unless it is given. */
  readonly step?: number;
}

/** The examples of a training. */
export interface DataSettings extends Files {
  /** The network takes what earlier trainings make of the inputs, the first of which takes the inputs themselves. */
  readonly through?: readonly Through[];
  /**
   * Of each picture so many patches are taken, of the size of the network's input, at places drawn by the seed of the data. Those of a picture
   * are all held out or none. Whole pictures unless it is given.
   */
  readonly patches?: number;
  /** All examples are varied in this way, if it is given. */
  readonly variation?: Variation;
  /** How many examples are held out, of each class the same share; none unless it is given. */
  readonly heldOut?: number;
  /** How many of the others are used, of each class the same share; all unless it is given. */
  readonly subset?: number;
  /** The share of the examples trained on whose class is replaced by one drawn uniformly from all classes. */
  readonly labelNoise?: number;
  /** Determines patches, variations, which examples are held out and used, and the noise of the labels, whatever the seed of the training; 0 unless given. */
  readonly seed?: number;
}

/** All that determines a training, as it is written in a JSON file. */
export interface Recipe {
  readonly network: Architecture;
  readonly initializer: Initializer;
  readonly loss: Loss;
  readonly optimizer: OptimizerSettings;
  /** Constant unless it is given. */
  readonly schedule?: ScheduleSettings;
  /** Absent if a program gives the examples itself. */
  readonly data?: DataSettings;
  /** The number of examples in a step. Those that do not fill a step at the end of an epoch are left out of it. */
  readonly batch: number;
  /** How long it lasts: either of the two. */
  readonly epochs?: number;
  readonly steps?: number;
  /** Each picture is shifted at random by up to so many pixels in each direction. */
  readonly augmentation?: { readonly shift: number };
  /** The inputs of each step are corrupted, while targets stay clean; after the shift, and not where the network is evaluated. */
  readonly corruption?: Corruption;
  /** Is added to the loss in training. */
  readonly penalty?: Penalty;
  /** Layers begin with the weights of earlier trainings; others are drawn. */
  readonly start?: Start | readonly Start[];
  /** The layers whose weights are trained, by name; all unless it is given. Others stay as they begin. */
  readonly train?: readonly string[];
  /** How many checkpoints are stored, spaced by the logarithm of the step, with step 0 and the last; 2 unless it is given. */
  readonly checkpoints?: number;
  /** Determines initial weights, order, shifts, corruption, dropout, signs and Gibbs chains; 0 unless it is given. */
  readonly seed?: number;
}

/**
 * The recipe that a JSON value holds.
 *
 * @throws PushforwardError `usage` naming the key that is unknown, missing or of the wrong type
 */
export function parseRecipe(json: unknown, file: string): Recipe {
  checkRecipe(json, { file, path: "" });
  const recipe = json as Recipe;
  const both = ["epochs", "steps"].filter((key) => key in recipe);
  if (both.length !== 1) {
    throw new PushforwardError("usage", {
      what:
        both.length === 0 ? "The recipe does not say how long to train." : "The recipe gives both epochs and steps.",
      where: { file, option: "epochs" },
      fix: 'Give one of "epochs" and "steps".',
    });
  }
  const { loss } = recipe;
  if (typeof loss === "object" && "chains" in loss && loss.persistent !== true) {
    throw new PushforwardError("usage", {
      what: "Chains that are not persistent begin at the examples of each batch, so that there are as many.",
      where: { file, option: "loss.chains" },
      fix: 'Leave "chains" out, or set "persistent" to true.',
    });
  }
  if (recipe.penalty !== undefined && lossName(loss) === "contrastiveDivergence") {
    throw new PushforwardError("usage", {
      what: "A penalty is added to a loss that is differentiated, and contrastive divergence is none.",
      where: { file, option: "penalty" },
      fix: "Leave the penalty out, or choose another loss.",
    });
  }
  const { patches, pictures, variation } = recipe.data ?? {};
  if (patches !== undefined && (pictures === undefined || variation !== undefined)) {
    throw new PushforwardError("usage", {
      what: "Patches are taken of pictures as they are.",
      where: { file, option: "data.patches" },
      fix: pictures === undefined ? 'Give "pictures", a folder, or leave "patches" out.' : 'Leave "variation" out.',
    });
  }
  return recipe;
}

/** A network, and how its weights are drawn. */
export type DrawnNetwork = Pick<Recipe, "network" | "initializer" | "seed">;

/**
 * The network and the initializer that a JSON value holds: a recipe, or nothing but them and perhaps a seed.
 *
 * @throws PushforwardError `usage` as `parseRecipe`
 */
export function parseDrawnNetwork(json: unknown, file: string): DrawnNetwork {
  const keys = Object.keys(typeof json === "object" && json !== null ? json : {});
  if (!keys.every((key) => ["network", "initializer", "seed"].includes(key))) return parseRecipe(json, file);
  checkDrawnNetwork(json, { file, path: "" });
  return json as DrawnNetwork;
}

/** How a training of so many examples goes. */
export interface Course {
  readonly stepsPerEpoch: number;
  readonly steps: number;
  /** The steps at which weights are stored, from 0 to the last, ascending. */
  readonly checkpoints: readonly number[];
}

/**
 * The steps of a training. Checkpoints are spaced by the logarithm of the step, and no two are at one step.
 *
 * @throws PushforwardError `usage` for more checkpoints than steps, or too few examples
 */
export function courseOf({ batch, epochs, steps: asked, checkpoints = 2 }: Recipe, examples: number): Course {
  const stepsPerEpoch = Math.floor(examples / batch);
  if (stepsPerEpoch === 0) {
    throw new PushforwardError("usage", {
      what: `${examples} examples are less than a batch of ${batch}.`,
      where: { option: "batch" },
      fix: "Lower the batch, or give more examples.",
    });
  }
  const steps = asked ?? epochs! * stepsPerEpoch;
  if (checkpoints > steps + 1) {
    throw new PushforwardError("usage", {
      what: `There are ${steps} steps, too few for ${checkpoints} checkpoints.`,
      where: { option: "checkpoints" },
      fix: `Give at most ${steps + 1}.`,
    });
  }
  const last = checkpoints - 1;
  const at = (i: number) =>
    i === 0 ? 0 : i === last ? steps : Math.max(i, Math.round(steps ** ((i - 1) / (last - 1))));
  return { stepsPerEpoch, steps, checkpoints: Array.from({ length: checkpoints }, (_, i) => at(i)) };
}
