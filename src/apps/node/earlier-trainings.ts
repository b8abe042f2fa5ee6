import { resolve } from "node:path";
import type { Tensor } from "../../onnx/index.ts";
import type { Backend } from "../../runtime/index.ts";
import {
  encoded,
  encoderTo,
  type Recipe,
  type Split,
  startingWeights,
  startsOf,
  trainedShapes,
  type Weights,
} from "../../training/index.ts";
import { openTraining } from "./open-training.ts";
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
 * @throws PushforwardError as `openTraining` and `loadExamples`
 */
export async function loadThrough(backend: Backend, recipe: Recipe, folder: string): Promise<Split> {
  const encoders = [];
  for (const { training, to, step } of recipe.data?.through ?? []) {
    const earlier = await openTraining(resolve(folder, training));
    encoders.push({ network: encoderTo(earlier.recipe.network, to), weights: await earlier.weights(step) });
  }
  const network = encoders[0]?.network ?? recipe.network;
  let split = await loadExamples({ ...recipe, network }, folder);
  for (const { network, weights } of encoders) split = await encoded(backend, network, weights, split);
  return split;
}
