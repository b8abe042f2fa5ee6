import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Recipe, type Stack, stagesOf } from "../src/training/index.ts";
import { root } from "../test/docs/markdown.ts";

const DEPTH = 3;

/** A stack whose layers are trained as a recipe says, and then all of them with the classes of the digits. */
export function stackOf(
  { network: { input }, penalty: _, ...settings }: Recipe,
  layer: Stack["stack"][number],
  fineTuning: { readonly epochs: number },
): Stack {
  const optimizer = { kind: "adam", rate: 0.001 } as const;
  return {
    ...settings,
    input,
    stack: Array.from({ length: DEPTH }, () => layer),
    fineTuning: { classes: 10, optimizer, ...fineTuning },
  };
}

/** The networks whose spectra are compared: a training, and its step. */
const NETWORKS = [
  { name: "untrained", training: "untrained", step: "0" },
  { name: "pre-trained", training: "fine-tuned", step: "0" },
  { name: "fine-tuned", training: "fine-tuned", step: "last" },
] as const;

/**
 * Trains a stack, and measures whole spectra from the input to each of its layers at the digits of the example: after the fine-tuning,
 * before it, and of the same network with newly drawn weights.
 *
 * @param run runs `pushforward`, given a name for the log and the arguments; returns whether it succeeded
 */
export async function runStack(
  name: string,
  stack: Stack,
  out: string,
  run: (name: string, args: readonly string[]) => Promise<boolean>,
): Promise<void> {
  const folder = join(out, "stacks", name);
  const trainings = join(folder, "trainings");
  const digits = join(root, "examples/digits");
  const file = join(out, "recipes", `stack-${name}.json`);
  const untrained = join(out, "recipes", `stack-${name}-untrained.json`);
  const { start: _, epochs: __, ...network } = stagesOf(stack, file, (stage) => stage).at(-1)!.recipe;
  writeFileSync(file, JSON.stringify(stack, undefined, 2));
  writeFileSync(untrained, JSON.stringify({ ...network, steps: 1 }, undefined, 2));
  const isTrained =
    (await run(`${name}/layers`, ["train", file, "--out", trainings])) &&
    (await run(`${name}/untrained`, ["train", untrained, "--out", join(trainings, "untrained")]));
  if (!isTrained) return; // Spectra of half a training would stay.
  const taps = [...Array.from({ length: DEPTH }, (_layer, i) => `sigmoid${i + 1}`), "output"];
  const units = Math.max(...stack.stack.map((layer) => layer.units));
  const inputs = [join(digits, "images"), "--preprocess", join(digits, "preprocess.json")];
  const settings = ["--taps", taps.join(","), "-k", String(units)];
  for (const { name: own, training, step } of NETWORKS) {
    const onnx = join(folder, `${own}.onnx`);
    const spectra = join(folder, own);
    await run(`${name}/${own}/onnx`, ["train", join(trainings, training), "--export", step, "--out", onnx]);
    await run(`${name}/${own}/spectra`, ["spectrum", onnx, ...inputs, ...settings, "--out", spectra]);
    await run(`${name}/${own}/report`, ["report", spectra]);
  }
}
