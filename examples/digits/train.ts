import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { networkBytes, type Recipe, train } from "../../src/apps/node/index.ts";
import { courseOf, initialWeights, wilsonInterval } from "../../src/training/index.ts";
import { readDigits, writeArrays } from "./data.ts";
import { writePictures } from "./pictures.ts";

/** AlexNet's way with layers, for digits: strided first convolution, normalization, overlapping pools, dropout. */
const stored = JSON.parse(readFileSync(join(import.meta.dirname, "recipe.json"), "utf8")) as Recipe;

/** Pictures written beside the network. */
const PICTURES = 16;

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "0" },
    out: { type: "string", default: import.meta.dirname },
    initial: { type: "string" },
    arrays: { type: "string" },
  },
});
const recipe: Recipe = { ...stored, seed: Number(values.seed) };
const { network, initializer, seed } = recipe;

// `--initial FILE`: only the network from which the training with this seed starts.
if (values.initial !== undefined) {
  writeFileSync(values.initial, networkBytes(network, initialWeights(network, initializer, seed ?? 0)));
  process.exit();
}

const say = (line: string) => process.stderr.write(`${line}\n`);
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

const digits = readDigits();

// `--arrays DIR`: only the arrays that the recipe names, for `pushforward train`.
if (values.arrays !== undefined) {
  writeArrays(values.arrays);
  process.exit();
}

const { training, heldOut } = digits;
const [count, held] = [training, heldOut].map(({ targets }) => targets.labels.length);
say(`${count} digits to train on, ${held} held out; seed ${seed}`);

const start = performance.now();
const { steps } = courseOf(recipe, count!);
const trained = await train(recipe, {
  examples: digits,
  onCheckpoint: ({ step, loss, accuracy }) => {
    const seconds = (performance.now() - start) / 1000;
    const left = step === 0 ? "" : `  ${Math.round((seconds / step) * (steps - step))} s left`;
    say(`step ${step}/${steps}  loss ${loss.toFixed(4)}  held out ${percent(accuracy)}${left}`);
  },
});

const bytes = await trained.bytes();
mkdirSync(values.out, { recursive: true });
writeFileSync(join(values.out, "digits.onnx"), bytes);
writePictures(digits, PICTURES, values.out);

const { accuracy } = (await trained.scores()).at(-1)!;
const [low, high] = wilsonInterval(accuracy, held!);
const seconds = Math.round((performance.now() - start) / 1000);
say(`held out ${percent(accuracy)} (95 %: ${percent(low)} to ${percent(high)}), ${bytes.length} bytes, ${seconds} s`);
