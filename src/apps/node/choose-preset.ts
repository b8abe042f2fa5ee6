import { dirname, extname, resolve } from "node:path";
import { formatShape, jsonOf, messageOf, PushforwardError, type Shape } from "../../base/index.ts";
import {
  decodeText,
  fitChannelsTo,
  fitTo,
  guessPreset,
  type Preprocess,
  parsePreset,
  presetNamed,
} from "../../images/index.ts";
import type { RunManifest } from "../../results/index.ts";
import { readBytes } from "./open-model.ts";

/** Whether a preprocessing is given by its file, and not by its name. */
export const isPresetFile = (nameOrFile: string): boolean => extname(nameOrFile).toLowerCase() === ".json";

/** The preprocessing with a name, or from a JSON file, before it is adapted to a network. */
async function readPreset(nameOrFile: string): Promise<Preprocess> {
  if (!isPresetFile(nameOrFile)) return presetNamed(nameOrFile);
  const { text } = decodeText(await readBytes(nameOrFile));
  let json: unknown;
  try {
    json = jsonOf(text);
  } catch (cause) {
    throw new PushforwardError("usage", {
      what: `This is not JSON: ${messageOf(cause)}.`,
      where: { file: nameOrFile, option: "--preprocess" },
      fix: "A preset file must be one JSON object, as described in docs/preprocessing.md.",
      cause,
    });
  }
  return parsePreset(json, nameOrFile, (path) => readBytes(resolve(dirname(nameOrFile), path)));
}

/**
 * The preprocessing of pictures of which a network takes patches: the one asked for, or `none`, with as many channels as the network takes.
 *
 * @throws PushforwardError `usage` for one that is not there; errors of `fitChannelsTo`
 */
export const choosePatchPreset = async (asked: string | undefined, shape: Shape): Promise<Preprocess> =>
  fitChannelsTo(await readPreset(asked ?? "none"), shape);

/** The path of the mean image of a run's preprocessing, if it has one: from the folder of the preset file, or the current one. */
export function meanOfRun({ settings: { mean } }: RunManifest["preprocess"]): string | undefined {
  return typeof mean === "object" && mean !== null && "file" in mean ? String(mean.file) : undefined;
}

/**
 * The preprocessing that a stored run describes.
 *
 * @param meanFile the mean image, if it is elsewhere than the run says
 * @throws PushforwardError `file-unreadable` for a mean image that is not there
 */
export function presetOfRun(preprocess: RunManifest["preprocess"], meanFile?: string): Promise<Preprocess> {
  const { name, unit, settings } = preprocess;
  const json = { ...settings, name, unit, mean: meanOfRun(preprocess) ?? settings.mean };
  return parsePreset(json, `the run's preprocessing ${name}`, (path) => readBytes(meanFile ?? path));
}

/**
 * The preprocessing to use: the one asked for, or `imagenet` if the input of the network has 3 channels and at least 128 rows.
 *
 * @throws PushforwardError `usage` if pictures need a preprocessing and none is given or evident; errors of `fitTo`
 */
export async function choosePreset(asked: string | undefined, shape: Shape, onlyArrays: boolean): Promise<Preprocess> {
  if (asked !== undefined) return fitTo(await readPreset(asked), shape);
  if (onlyArrays) return presetNamed("none");
  const { preset, isUnsure } = guessPreset(shape);
  if (!isUnsure) {
    process.stderr.write(`note: the preprocessing ${preset.name} is used, because --preprocess is not given\n`);
    return preset;
  }
  throw new PushforwardError("usage", {
    what: `No preprocessing is given, so it is not known how to convert pictures to an input of ${formatShape(shape)}.`,
    where: { option: "--preprocess" },
    fix: "Give one: imagenet, caffe-alexnet, mnist, cifar10, none, or a JSON file.",
  });
}
