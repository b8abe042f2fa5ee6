import { drawSeed } from "../base/index.ts";
import { floatTensor } from "../onnx/index.ts";
import { type Architecture, initialWeights, type Weights } from "../training/index.ts";
import type { CompiledDescent } from "./descent.ts";

/** Steps and rate of one auto-encoder, whose input has a first principal component of variance 1. */
const TRAINING = { steps: 400, rate: 0.15 };

/** y = Wᵀ·W·x */
export const autoEncoder = (width: number): Architecture => ({
  input: [width],
  layers: [
    { kind: "dense", units: width, bias: false },
    { kind: "dense", tied: "fc1", transposed: true, bias: false },
  ],
});

/**
 * Square layers, each trained as a tied linear auto-encoder of what the layers before it give, from Gaussian weights.
 *
 * @param descent that of `autoEncoder`
 * @param examples [width, width], one a row
 * @returns [layers], [width, width] each
 * @see Bengio et al. 2007, greedy layer-wise training
 */
export async function greedyLayers(
  descent: CompiledDescent,
  examples: Float32Array,
  {
    layers,
    width,
    seed,
    onLayer,
  }: { readonly layers: number; readonly width: number; readonly seed: number; onLayer(layer: number): void },
): Promise<Float32Array[]> {
  const found: Float32Array[] = [];
  let data = examples;
  for (let layer = 0; layer < layers; layer++) {
    onLayer(layer);
    const inputs = floatTensor([width, width], data);
    const start = initialWeights(autoEncoder(width), { kind: "gaussian" }, drawSeed(seed, "auto-encoder", layer));
    const run = { inputs, targets: inputs, start, rate: TRAINING.rate };
    const weight = weightOf(await descent.run(run, ({ step }) => step < TRAINING.steps));
    found.push(weight);
    data = applied(weight, data, width);
  }
  return found;
}

const weightOf = (weights: Weights): Float32Array => weights.get("fc1.weight")!.data as Float32Array;

/** Each row of the examples times Wᵀ. */
export function applied(weight: Float32Array, examples: Float32Array, width: number): Float32Array {
  const result = new Float32Array(examples.length);
  for (let row = 0; row < examples.length / width; row++) {
    for (let i = 0; i < width; i++) {
      let sum = 0;
      for (let j = 0; j < width; j++) sum += weight[i * width + j]! * examples[row * width + j]!;
      result[row * width + i] = sum;
    }
  }
  return result;
}
