import { PushforwardError, type Shape } from "../base/index.ts";
import type { Activation, Architecture, Layer, Sigmoid } from "./architecture.ts";
import { tensorsOf } from "./graphs.ts";
import { lossName } from "./losses.ts";
import type { Penalty } from "./penalties.ts";
import { type DataSettings, parseRecipe, type Recipe, type Through } from "./recipe.ts";
import { checkStack } from "./recipe-checks.ts";

/** What a layer may have in place of what the whole stack has. */
type Settings = Pick<
  Recipe,
  "initializer" | "loss" | "optimizer" | "schedule" | "corruption" | "batch" | "epochs" | "steps" | "checkpoints"
>;

/** One layer of a stack: an auto-encoder with tied weights, or a restricted Boltzmann machine by its loss. */
interface StackedLayer extends Partial<Settings> {
  readonly units: number;
  /** A sigmoid unless it is given. */
  readonly activation?: Activation | Sigmoid;
  /** Of the output of the layer, by its input. */
  readonly penalty?: Omit<Penalty, "to">;
}

/**
 * Layers that are trained one after another, each on the codes of the one before, and then together with labels.
 *
 * @see Bengio et al. 2007, "Greedy layer-wise training of deep networks"
 */
export interface Stack extends Partial<Settings> {
  readonly input: Shape;
  readonly stack: readonly StackedLayer[];
  /** The network of all layers, with one more of so many units, the classes, is trained with labels; not at all unless given. */
  readonly fineTuning?: { readonly classes: number } & Partial<Omit<Settings, "loss">>;
  readonly data?: DataSettings;
  readonly seed?: number;
}

const SIGMOID: Sigmoid = { kind: "sigmoid" };

/** A training of a stack: the name of its folder, and its recipe, whose earlier trainings are the folders by their names. */
export interface Stage {
  readonly name: string;
  readonly recipe: Recipe;
}

/** Whether a JSON value is meant as a stack, and not as a recipe. */
export const isStack = (json: unknown): boolean =>
  typeof json === "object" && json !== null && Object.hasOwn(json, "stack");

/**
 * The trainings of a stack in their order, `layer1`, `layer2` … and `fine-tuned`.
 *
 * @param folderOf the path of the folder of a training by its name, relative to the stack's file
 * @throws PushforwardError `usage` naming the key that is unknown, missing or of the wrong type
 */
export function stagesOf(json: unknown, file: string, folderOf: (name: string) => string): Stage[] {
  checkStack(json, { file, path: "" });
  const { input, stack, fineTuning, data = {}, seed, ...common } = json as Stack;
  const stages: Stage[] = [];
  const stacked: Layer[] = [];
  const through: Through[] = [];
  let shape = input;
  for (const [i, { units, activation = SIGMOID, penalty, ...settings }] of stack.entries()) {
    const name = `layer${i + 1}`;
    const encoder: Layer[] = [{ kind: "dense", units }, activation];
    const code = tensorsOf({ input: shape, layers: encoder }).at(-1)!;
    const whole = inPlaceOf(common, settings);
    const isMachine = whole.loss !== undefined && lossName(whole.loss) === "contrastiveDivergence";
    const decoder: Layer[] = isMachine ? [] : [{ kind: "dense", tied: "fc1", transposed: true }, { kind: "sigmoid" }];
    stages.push(
      stage(name, file, {
        network: { input: shape, layers: [...encoder, ...decoder] },
        ...whole,
        ...(penalty && { penalty: { ...penalty, to: code.name } }),
        data: { ...data, targets: "inputs", ...(through.length > 0 && { through: [...through] }) },
        ...(seed !== undefined && { seed }),
      }),
    );
    through.push({ training: folderOf(name), to: code.name });
    stacked.push(...encoder);
    shape = code.shape;
  }
  if (fineTuning === undefined) return stages;
  const { classes, ...settings } = fineTuning;
  const { corruption: _, ...clean } = common;
  const network: Architecture = { input, layers: [...stacked, { kind: "dense", units: classes }] };
  const { targets: __, labels, ...examples } = data;
  if (labels === undefined) {
    throw new PushforwardError("usage", {
      what: "The fine-tuning of a stack needs the classes of the examples.",
      where: { file, option: "data.labels" },
      fix: 'Give them as "labels": an .npy array beside "inputs", a table beside "pictures".',
    });
  }
  const classesOf = data.inputs === undefined ? { labels } : { targets: labels };
  return [
    ...stages,
    stage("fine-tuned", file, {
      network,
      ...inPlaceOf(clean, settings),
      loss: "softmaxCrossEntropy",
      start: through.map(({ training }, i) => ({ training, layers: { [`fc${i + 1}`]: "fc1" } })),
      data: { ...examples, ...classesOf },
      ...(seed !== undefined && { seed }),
    }),
  ];
}

/** The settings of one training in place of those of the whole stack; a length of its own in place of either, epochs and steps. */
function inPlaceOf(common: Partial<Settings>, own: Partial<Settings>): Partial<Settings> {
  const { epochs: _, steps: __, ...others } = common;
  return "epochs" in own || "steps" in own ? { ...others, ...own } : { ...common, ...own };
}

/** A training of the stack as a recipe. @throws PushforwardError `usage` that says of which training */
function stage(name: string, file: string, recipe: object): Stage {
  try {
    return { name, recipe: parseRecipe(recipe, file) };
  } catch (cause) {
    if (!(cause instanceof PushforwardError)) throw cause;
    throw new PushforwardError(cause.code, {
      what: `The training ${name} of the stack is incomplete: ${cause.what}`,
      where: { file },
      fix: `Give it to ${name === "fine-tuned" ? '"fineTuning"' : "the layer"}, or to the whole stack. ${cause.fix}`,
      cause,
    });
  }
}
