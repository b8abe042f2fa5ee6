import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeModel } from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import {
  type Architecture,
  accuracy,
  classify,
  inferenceModel,
  initialWeights,
  type TrainOptions,
  train,
  wilsonInterval,
} from "../../src/training/index.ts";
import { readDigits } from "./data.ts";
import { writePictures } from "./pictures.ts";

/** AlexNet's way with layers, for digits: strided first convolution, normalization, overlapping pools, dropout. */
const network: Architecture = {
  name: "convnet",
  inputName: "image",
  outputName: "logits",
  input: [1, 28, 28],
  layers: [
    { kind: "conv", channels: 8, kernel: 8, stride: 3, pad: 2 },
    { kind: "relu" },
    { kind: "lrn", size: 5, alpha: 0.1, beta: 0.75, bias: 1 },
    { kind: "maxPool", kernel: 3, stride: 2, pad: 1 },
    { kind: "conv", channels: 16, kernel: 3, pad: 1 },
    { kind: "relu" },
    { kind: "lrn", size: 5, alpha: 0.1, beta: 0.75, bias: 1 },
    { kind: "maxPool", kernel: 3, stride: 2, pad: 1 },
    { kind: "conv", channels: 32, kernel: 3, pad: 1 },
    { kind: "relu" },
    { kind: "conv", channels: 32, kernel: 3, pad: 1 },
    { kind: "relu" },
    { kind: "dense", units: 64 },
    { kind: "relu" },
    { kind: "dropout", rate: 0.2 },
    { kind: "dense", units: 10 },
  ],
};

const recipe = {
  initializer: { kind: "he", stream: "one" },
  epochs: 45,
  batch: 64,
  rate: 3e-3,
  decay: 0.05,
  shift: 1,
} satisfies Partial<TrainOptions>;

/** Pictures written beside the network. */
const PICTURES = 16;

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "0" },
    out: { type: "string", default: import.meta.dirname },
    initial: { type: "string" },
  },
});
const seed = Number(values.seed);

// `--initial FILE`: only the network from which the training with this seed starts.
if (values.initial !== undefined) {
  writeFileSync(values.initial, writeModel(inferenceModel(network, initialWeights(network, recipe.initializer, seed))));
  process.exit();
}

const say = (line: string) => process.stderr.write(`${line}\n`);
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

const digits = readDigits();
const { training, heldOut } = digits;
say(`${training.labels.length} digits to train on, ${heldOut.labels.length} held out; seed ${seed}`);

// One thread: the graphs are small, and so the weights do not depend on the number of cores.
const backend = createBackend({ threads: 1 });
const start = performance.now();
const weights = await train(backend, network, training, {
  ...recipe,
  seed,
  onEpoch: async ({ epoch, loss, weights: soFar }) => {
    const share = accuracy(await classify(backend, inferenceModel(network, soFar), heldOut), heldOut);
    const seconds = (performance.now() - start) / 1000;
    const left = Math.round((seconds / epoch) * (recipe.epochs - epoch));
    say(`epoch ${epoch}/${recipe.epochs}  loss ${loss.toFixed(4)}  held out ${percent(share)}  ${left} s left`);
  },
});

const model = inferenceModel(network, weights);
const found = await classify(backend, model, heldOut);
await backend.dispose();
const bytes = writeModel(model);
mkdirSync(values.out, { recursive: true });
writeFileSync(join(values.out, "digits.onnx"), bytes);
writePictures(digits, PICTURES, values.out);

const share = accuracy(found, heldOut);
const [low, high] = wilsonInterval(share, heldOut.labels.length);
const seconds = Math.round((performance.now() - start) / 1000);
say(`held out ${percent(share)} (95 %: ${percent(low)} to ${percent(high)}), ${bytes.length} bytes, ${seconds} s`);
