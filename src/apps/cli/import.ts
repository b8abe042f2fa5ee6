import { writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { Command } from "commander";
import { formatCount, PushforwardError, quoted, type Shape, sizeOf } from "../../base/index.ts";
import { type CaffeMean, type ImportedNet, importCaffe, presetOf, readMeanImage } from "../../caffe/index.ts";
import { writeNpy } from "../../images/index.ts";
import { writeModel } from "../../onnx/index.ts";
import { unwritable } from "../../platform/node/file-errors.ts";
import { readBytes } from "../node/open-model.ts";
import { withShape } from "./opening.ts";

interface ImportOptions {
  readonly out: string;
  readonly shape?: ReadonlyMap<string, Shape>;
  readonly until?: string;
  readonly mean?: string;
}

/** `pushforward import NET.prototxt NET.caffemodel --out NET.onnx`: a network of Caffe as an ONNX file. */
export function importCommand(): Command {
  return new Command("import")
    .description("convert a network of Caffe (.prototxt and .caffemodel) to an ONNX file")
    .argument("<prototxt>", "description of the network")
    .argument("<caffemodel>", "its weights")
    .option(
      "--shape <extents>",
      "shape of the input without the batch, for example 3,227,227; NAME=3,227,227 for another input; may be repeated",
      withShape,
    )
    .option("--until <name>", "import the network up to this layer or blob")
    .option("--mean <mean>", "mean image (.binaryproto), or mean pixel: 104,117,123; a preset file is written with it")
    .requiredOption("--out <file>", "ONNX file to write")
    .action(writeImport);
}

async function writeImport(prototxt: string, caffemodel: string, options: ImportOptions): Promise<void> {
  const { out, shape, until, mean } = options;
  if ([prototxt, caffemodel].some((file) => resolve(file) === resolve(out))) {
    throw new PushforwardError("usage", {
      what: "The ONNX file would be written over a file of the network.",
      where: { file: out, option: "--out" },
      fix: "Name another file with --out.",
    });
  }
  const [text, weights] = await Promise.all([readBytes(prototxt), readBytes(caffemodel)]);
  const imported = importCaffe(
    { bytes: text, file: prototxt },
    { bytes: weights, file: caffemodel },
    { ...(shape === undefined ? {} : { shapes: shape }), ...(until === undefined ? {} : { until }) },
  );
  const { model, notes } = imported;
  for (const note of notes) process.stderr.write(`note: ${note}\n`);
  const preset = await writePreset(imported, out, mean);
  await write(out, writeModel(model));
  const entries = [...model.graph.initializers.values()].reduce((sum, tensor) => sum + sizeOf(tensor.shape), 0);
  process.stderr.write(`note: ${formatCount(model.graph.nodes.length)} nodes, ${formatCount(entries)} weights\n`);
  if (preset !== undefined) process.stderr.write(`note: pictures are prepared with --preprocess ${quoted(preset)}\n`);
  process.stdout.write(`${out}\n`);
}

/** Writes the preset file of the network's pictures, and a mean image beside it, if it is known how pictures are prepared. */
async function writePreset(imported: ImportedNet, out: string, mean: string | undefined): Promise<string | undefined> {
  const stem = join(dirname(out), basename(out).replace(/\.onnx$/i, ""));
  const given = mean === undefined ? undefined : await readMean(mean);
  if (given === undefined && imported.transform?.meanFile !== undefined) {
    process.stderr.write(
      `note: the mean image ${imported.transform.meanFile} belongs to the network: give it with --mean\n`,
    );
    return undefined;
  }
  const meanFile = `${stem}.mean.npy`;
  const preset = presetOf(imported, given, basename(meanFile));
  if (preset === undefined) return undefined;
  if (given !== undefined && "data" in given) await write(meanFile, writeNpy(given));
  const file = `${stem}.preprocess.json`;
  await write(file, new TextEncoder().encode(`${JSON.stringify(preset, undefined, 2)}\n`));
  return file;
}

/** A mean pixel, or a mean image. */
async function readMean(mean: string): Promise<CaffeMean> {
  const pixel = mean.split(",").map(Number);
  if (pixel.every(Number.isFinite)) return pixel;
  return readMeanImage(await readBytes(mean), mean);
}

async function write(file: string, bytes: Uint8Array): Promise<void> {
  await writeFile(file, bytes).catch((cause: unknown) => {
    throw unwritable(file, cause);
  });
}
