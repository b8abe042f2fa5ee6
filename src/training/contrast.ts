import { PushforwardError } from "../base/index.ts";
import { floatTensor } from "../onnx/index.ts";
import type { Backend } from "../runtime/index.ts";
import { NEGATIVE } from "./boltzmann.ts";
import { countOf, type DataSet } from "./data-set.ts";
import { compileGibbs } from "./gibbs.ts";
import { compileGradient, type Gradient } from "./gradient.ts";
import { evaluationGraph, type TrainingGraph } from "./graphs.ts";
import type { Chains } from "./losses.ts";
import type { Recipe } from "./recipe.ts";
import type { TrainingState } from "./state.ts";

/**
 * The gradient of contrastive divergence: that of mean F(v₀) − mean F(v_k), for a batch v₀ and the states v_k of Gibbs chains, which begin
 * at the batch or go on from those of the training's state. The chains are drawn from its stream of random numbers. What `at` returns
 * is the loss that is told.
 */
export async function compileContrast(
  backend: Backend,
  { network, loss, batch }: Recipe,
  graph: TrainingGraph,
  { steps, count, persistent }: Chains,
  state: TrainingState,
): Promise<Gradient> {
  const { model, objective, weights, input } = graph;
  const told = await backend.compile(evaluationGraph(network, { batch, loss }).model.onnx);
  const gibbs = await compileGibbs(backend, { weights, chains: count, steps });
  const gradient = await compileGradient(backend, model, { of: objective, by: state.trained });
  const { shape } = model.values.get(NEGATIVE)!;
  return {
    by: gradient.by,
    async at(inputs) {
      const start = persistent ? state.chains : (inputs[input]!.data as Float32Array);
      const states = await gibbs.after(start, inputs, state.rng);
      if (persistent) state.chains.set(states);
      await gradient.at({ ...inputs, [NEGATIVE]: floatTensor(shape, states) });
      const { loss: value } = await told.run(inputs, ["loss"]);
      return Number(value!.data[0]);
    },
    async release() {
      await gradient.release();
      await gibbs.release();
      await told.release();
    },
  };
}

/** @throws PushforwardError `shape-mismatch` unless all inputs are numbers from 0 to 1 */
export function requireProbabilities(data: DataSet): void {
  const wrong = data.inputs.findIndex((value) => !(value >= 0 && value <= 1));
  if (wrong < 0) return;
  const example = Math.floor((wrong * countOf(data)) / data.inputs.length);
  throw new PushforwardError("shape-mismatch", {
    what: `Visible units take numbers from 0 to 1, and ${data.inputs[wrong]} stands in example ${example}.`,
    fix: "Scale the inputs, for pictures by a preprocessing with the scale 1/255 and without a mean.",
  });
}
