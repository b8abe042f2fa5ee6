import { resolve } from "node:path";
import { formatShape, PushforwardError, sameShape } from "../../base/index.ts";
import type { Tensor } from "../../onnx/index.ts";
import type { Backend } from "../../runtime/index.ts";
import {
  type Architecture,
  encoded,
  encoderTo,
  type Recipe,
  type Split,
  startingWeights,
  startsOf,
  trainedShapes,
  type Weights,
} from "../../training/index.ts";
import { openTraining, type Training } from "./open-training.ts";
import { loadExamples } from "./training-data.ts";

/**
 * The weights with which layers of a recipe begin; `undefined` if all are drawn.
 *
 * @param folder that the paths of earlier trainings are relative to
 * @throws PushforwardError as `openTraining`, `trainedShapes` and `startingWeights`
 */
export async function loadStart({ network, loss, start }: Recipe, folder: string): Promise<Weights | undefined> {
  if (start === undefined) return undefined;
  const shapes = trainedShapes(network, loss);
  const found = new Map<string, Tensor>();
  for (const one of startsOf(start)) {
    const earlier = await openTraining(resolve(folder, one.training));
    for (const [name, tensor] of startingWeights(shapes, one, await earlier.weights(one.step))) found.set(name, tensor);
  }
  return found;
}

/**
 * The examples of a recipe, after the earlier trainings that they go through.
 *
 * @param folder that paths are relative to
 * @throws PushforwardError `tap-unknown` and `shape-mismatch` for trainings that do not fit one another; errors of `openTraining` and `loadExamples`
 */
export async function loadThrough(backend: Backend, recipe: Recipe, folder: string): Promise<Split> {
  const encoders = [];
  for (const { training, to, step } of recipe.data?.through ?? []) {
    const earlier = await openTraining(resolve(folder, training));
    encoders.push({ training, network: encoderOf(earlier, training, to), weights: await earlier.weights(step) });
  }
  const network = encoders[0]?.network ?? recipe.network;
  let split = await loadExamples({ ...recipe, network }, folder);
  for (const { training, network, weights } of encoders) {
    requireFit(split, network, training);
    split = await encoded(backend, network, weights, split);
  }
  if (encoders.length > 0) requireFit(split, recipe.network, "the recipe");
  return split;
}

/** @throws PushforwardError `tap-unknown` that names the training */
function encoderOf({ recipe: { network } }: Training, training: string, to: string): Architecture {
  try {
    return encoderTo(network, to);
  } catch (cause) {
    throw cause instanceof PushforwardError ? cause.at({ file: training, option: "data.through" }) : cause;
  }
}

/** @throws PushforwardError `shape-mismatch` for codes that a network does not take; `of` says whose it is */
function requireFit({ training: { shape } }: Split, { input }: Architecture, of: string): void {
  if (sameShape(shape, input)) return;
  throw new PushforwardError("shape-mismatch", {
    what: `The codes are ${formatShape(shape)}, but the network of ${of} takes ${formatShape(input)}.`,
    where: { option: "data.through" },
    fix: 'Name the tensor with "to" that has the shape of the next network\'s input.',
  });
}
