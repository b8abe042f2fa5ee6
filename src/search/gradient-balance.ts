import type { Backend } from "../runtime/index.ts";
import { compileGradient, isTrained, type Recipe, trainingGraph, type Weights } from "../training/index.ts";

/**
 * ln of the ratio of two gradients of the loss: of the first weights that are trained to that of the last, each as the root mean square of its
 * entries. Below 0 gradients vanish on their way back, above 0 they grow; 0 where no weights of layers are trained. Dropout is left out.
 *
 * @param feeds the examples of one batch and their targets, as inputs of the training graph
 * @throws PushforwardError as `trainingGraph` and `compileGradient`
 */
export async function gradientBalance(
  backend: Backend,
  { network, loss, batch, train }: Recipe,
  weights: Weights,
  feeds: Parameters<Awaited<ReturnType<typeof compileGradient>>["at"]>[0],
): Promise<number> {
  const layers = network.layers.filter(({ kind }) => kind !== "dropout");
  const graph = trainingGraph({ ...network, layers }, { batch, loss });
  const names = [...graph.weights.keys()];
  const tensors = names.filter(isTrained(train, names)).filter((name) => name.endsWith(".weight"));
  if (tensors.length === 0) return 0;
  const ends = [tensors[0]!, tensors.at(-1)!];
  const gradient = await compileGradient(backend, graph.model, { of: "loss", by: ends });
  try {
    await gradient.at({ ...feeds, ...Object.fromEntries(weights) });
    const [first, last] = ends.map((name) => rootMeanSquare(gradient.by.get(name)!));
    return Math.log(first! / last!);
  } finally {
    await gradient.release();
  }
}

const rootMeanSquare = (values: Float32Array): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
