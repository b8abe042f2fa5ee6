import { drawSeed } from "../base/index.ts";
import type { Backend } from "../runtime/index.ts";
import { type DataSet, type Recipe, type Split, subset, Trainer } from "../training/index.ts";
import { alongDirections } from "./class-statistics.ts";
import { digitPictures, type PictureTask } from "./digit-pictures.ts";
import { applied } from "./greedy.ts";
import { squaredNorm } from "./random-net.ts";

/** CD-1 from small Gaussian weights; a gradient that stays the same moves a weight by `rate` times itself in a step. */
const TRAINING = { deviation: 0.01, rate: 0.5, momentum: 0.9, batch: 100 };

/** The recipe of one machine. */
const recipeOf = (inputs: number, units: number, steps: number, seed: number): Recipe => ({
  network: { input: [inputs], layers: [{ kind: "dense", units }, { kind: "sigmoid" }] },
  initializer: { kind: "gaussian", weightVariance: TRAINING.deviation ** 2 * inputs },
  loss: { kind: "contrastiveDivergence", steps: 1 },
  optimizer: { kind: "momentum", rate: TRAINING.rate * (1 - TRAINING.momentum), momentum: TRAINING.momentum },
  batch: TRAINING.batch,
  steps,
  seed,
});

/**
 * The weights of a stack of restricted Boltzmann machines: the first learns the pixels of the digits, and each further one the probabilities
 * of the hidden units of the one before.
 *
 * @returns the first [width, pixels], the others [width, width]
 * @see Hinton, Osindero & Teh 2006
 */
export async function machineLayers(
  backend: Backend,
  {
    layers,
    width,
    training,
    seed,
    onLayer,
  }: {
    readonly layers: number;
    readonly width: number;
    /** Steps of each machine. */
    readonly training: number;
    readonly seed: number;
    onLayer(layer: number): void;
  },
): Promise<Float32Array[]> {
  const { pixels, size } = digitPictures();
  const found: Float32Array[] = [];
  let data: DataSet = { shape: [size], inputs: pixels, targets: { kind: "inputs" } };
  for (let layer = 0; layer < layers; layer++) {
    onLayer(layer);
    const recipe = recipeOf(data.shape[0]!, width, training, drawSeed(seed, "machine", layer));
    const split: Split = { training: data, heldOut: subset(data, []), heldOutIndices: [] };
    const trainer = new Trainer(backend, recipe, split);
    trainer.state.begin();
    trainer.state.weights.get("visible.bias")!.data.set(logOdds(data));
    while (trainer.state.step < trainer.steps) await trainer.advance();
    const [weight, bias] = ["fc1.weight", "fc1.bias"].map((name) => trainer.state.weights.get(name)!.data);
    await trainer.release();
    found.push(weight!);
    data = { ...data, shape: [width], inputs: encoded(data.inputs, weight!, bias!) };
  }
  return found;
}

/** The visible bias with which a machine without weights has the means of the data; means are kept off 0 and 1. @see Hinton 2010, section 8.1 */
function logOdds({ shape: [size = 1], inputs }: DataSet): Float32Array {
  const sums = new Float64Array(size);
  for (const [at, value] of inputs.entries()) sums[at % size]! += value;
  const count = inputs.length / size;
  return Float32Array.from(sums, (sum) => Math.log((sum + 1) / (count - sum + 1)));
}

/** p(h = 1 | v) of each row. */
function encoded(rows: Float32Array, weight: Float32Array, bias: Float32Array): Float32Array {
  const units = bias.length;
  const size = weight.length / units;
  const result = new Float32Array((rows.length / size) * units);
  for (let at = 0; at < result.length; at++) {
    const [row, unit] = [Math.floor(at / units), at % units];
    let field = bias[unit]!;
    for (let i = 0; i < size; i++) field += weight[unit * size + i]! * rows[row * size + i]!;
    result[at] = 1 / (1 + Math.exp(-field));
  }
  return result;
}

/**
 * The layers of a stack as those of a linear network that takes principal components, each multiplied so that what it gives has as much
 * variance as what it takes.
 *
 * @param stack the first [width, pixels], the others [width, width]
 * @returns all [width, width]
 */
export function onComponents([first, ...others]: readonly Float32Array[], task: PictureTask): Float32Array[] {
  const { directions, variances } = task;
  const width = directions.length;
  const restricted = Float32Array.from(alongDirections(first!, directions));
  // [width, width], the examples as rows: their squares sum to the variance.
  let examples = task.inputs;
  const total = variances.reduce((sum, variance) => sum + variance, 0);
  return [restricted, ...others].map((weight) => {
    const given = applied(weight, examples, width);
    const factor = Math.sqrt(total / squaredNorm(given));
    examples = given.map((entry) => factor * entry);
    return weight.map((entry) => factor * entry);
  });
}
