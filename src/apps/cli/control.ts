import { resolve } from "node:path";
import { Command } from "commander";
import { formatCount, PushforwardError, plural } from "../../base/index.ts";
import { type ControlKind, controlKinds } from "../../controls/index.ts";
import { choosePreset } from "../node/choose-preset.ts";
import { findInputs } from "../node/find-inputs.ts";
import { type Network, openControl, openModel } from "../node/index.ts";
import { isArrayFile } from "../node/load-input.ts";
import { writeOnnx } from "../node/write-file.ts";
import { controlKind } from "./control-options.ts";
import { loadInputs } from "./inputs.ts";
import { type OpeningOptions, opening, openOptions } from "./opening.ts";
import { threadCount, wholeNumber } from "./options.ts";
import { requireMain } from "./prepare.ts";

interface ControlOptions extends OpeningOptions {
  readonly kind: ControlKind;
  readonly draw: number;
  readonly seed: number;
  readonly preprocess?: string;
  readonly out: string;
}

/** `pushforward control MODEL [INPUT...]`: an ONNX file of the same graph whose weights carry nothing learned. */
export function controlCommand(): Command {
  return opening(new Command("control"))
    .description("write an ONNX file of the same graph whose weights are drawn at random, to compare a network with")
    .argument("<model>", "ONNX file")
    .argument(
      "[input...]",
      "for `matched`: pictures, folders of pictures, or .npy arrays at which activations are compared",
    )
    .requiredOption("--kind <kind>", `how the weights are drawn: ${controlKinds.join(", ")}`, controlKind("--kind"))
    .option("--draw <number>", "number of the draw: each is another network", wholeNumber("--draw", 1), 1)
    .option("--seed <seed>", "seed of all random numbers", wholeNumber("--seed", 0), 0)
    .option("--preprocess <name>", "for `matched`: how pictures are converted to inputs, as for `spectrum`")
    .option("--threads <count>", "threads for one product (default: all cores)", threadCount("--threads"))
    .requiredOption("--out <file>", "ONNX file to write")
    .action(writeControl);
}

async function writeControl(file: string, paths: readonly string[], options: ControlOptions): Promise<void> {
  const { kind, draw, seed, out } = options;
  if (resolve(out) === resolve(file)) {
    throw new PushforwardError("usage", {
      what: "The control would be written over the network itself.",
      where: { file, option: "--out" },
      fix: "Name another file with --out.",
    });
  }
  const opened = await openOptions(options);
  const network = await openModel(file, opened);
  try {
    const points = kind === "matched" ? await pointsFor(network, paths, options.preprocess) : [];
    const control = await openControl(network, { ...opened, kind, seed, draw, points });
    try {
      await writeOnnx(out, { model: control.model.onnx });
      const { layers } = control.control;
      const entries = layers.reduce((sum, layer) => sum + layer.entries, 0);
      process.stderr.write(`note: ${formatCount(entries)} weights of ${plural(layers.length, "layer")} were drawn\n`);
    } finally {
      await control.close();
    }
  } finally {
    await network.close();
  }
  process.stdout.write(`${out}\n`);
}

/** The inputs at which activations are compared. @throws PushforwardError `usage` without any; errors of `loadInputs` */
async function pointsFor(
  network: Network,
  paths: readonly string[],
  preprocess: string | undefined,
): Promise<Float32Array[]> {
  if (paths.length === 0) {
    throw new PushforwardError("usage", {
      what: "The control matched needs inputs, because it reaches the trained network's activations at them.",
      fix: "Give pictures, folders of pictures, or .npy arrays after the model.",
    });
  }
  const files = (await findInputs(paths)).map((found) => found.file);
  requireMain(network);
  const { shape: wanted } = network.input;
  const { points, failures } = await loadInputs(
    files,
    network,
    await choosePreset(preprocess, wanted, files.every(isArrayFile)),
  );
  for (const failure of failures) process.stderr.write(`${failure.format()}\n`);
  if (failures.length > 0) process.exitCode = 2;
  return points.filter((point) => point !== undefined);
}
