import { resolve } from "node:path";
import { formatShape, PushforwardError, type Shape, sameShape, sizeOf } from "../../base/index.ts";
import { cutPatches, type DataSet, type DataSettings, type Recipe } from "../../training/index.ts";
import { choosePatchPreset, choosePreset, isPresetFile } from "./choose-preset.ts";
import { findInputs } from "./find-inputs.ts";
import { labelInputs } from "./labels.ts";
import { type LoadedInput, loadInput } from "./load-input.ts";

/** How many pictures are decoded at a time. */
const TOGETHER = 16;

/**
 * The pictures of a folder as a recipe takes them, with their classes. With `patches`, each is [patches, C, h, w] (`ungrouped`).
 *
 * @throws PushforwardError `usage` naming the key; `file-unreadable`, `image-undecodable`, `shape-mismatch` for the files
 */
export async function readPictures(
  { network: { input: shape } }: Recipe,
  { labels: table, preprocess, targets, patches, seed = 0 }: DataSettings,
  folder: string,
  pictures: string,
): Promise<DataSet> {
  const found = await findInputs([resolve(folder, pictures)]);
  const asked = preprocess !== undefined && isPresetFile(preprocess) ? resolve(folder, preprocess) : preprocess;
  const preset = await (patches === undefined ? choosePreset(asked, shape, false) : choosePatchPreset(asked, shape));
  const own = patches === undefined ? shape : [patches, ...shape];
  const size = sizeOf(own);
  const inputs = new Float32Array(found.length * size);
  const load = async (file: string, number: number): Promise<Float32Array> => {
    const loaded = await loadInput(file, preset);
    return patches === undefined
      ? whole(loaded, shape, file)
      : cutPatches(loaded, shape, { count: patches, seed, number, file });
  };
  for (let from = 0; from < found.length; from += TOGETHER) {
    const some = found.slice(from, from + TOGETHER).map(({ file }, i) => load(file, from + i));
    for (const [i, loaded] of (await Promise.all(some)).entries()) inputs.set(loaded, (from + i) * size);
  }
  if (targets === "inputs" && table === undefined) return { shape: own, inputs, targets: { kind: "inputs" } };
  if (targets !== undefined && targets !== "inputs") {
    throw new PushforwardError("usage", {
      what: `The targets of pictures are their classes or "inputs", not ${JSON.stringify(targets)}.`,
      where: { option: "data.targets" },
      fix: 'Leave it out, and give the classes as "labels".',
    });
  }
  const { classes, labels } = await labelInputs(table === undefined ? undefined : resolve(folder, table), found);
  const names = classes.length > 0 ? classes.map(({ synset, name }) => synset ?? name) : classNames(labels);
  const indices = labels.map((label, i) => {
    const index = label === undefined ? -1 : names.indexOf(label);
    if (index >= 0) return index;
    throw new PushforwardError("usage", {
      what: label === undefined ? "This picture has no class." : `The class "${label}" is not in the list of classes.`,
      where: { file: found[i]!.file, option: "data.labels" },
      fix: "Give a table labels.tsv with a row for each picture, or put the pictures of each class into a folder of its own.",
    });
  });
  return { shape: own, inputs, targets: { kind: targets ?? "labels", labels: Int32Array.from(indices) } };
}

/** @throws PushforwardError `shape-mismatch` for a picture that is not the input of the network */
function whole(loaded: LoadedInput, shape: Shape, file: string): Float32Array {
  if (sameShape(loaded.shape, shape)) return loaded.data;
  throw new PushforwardError("shape-mismatch", {
    what: `The input is ${formatShape(loaded.shape)}, but the network takes ${formatShape(shape)}.`,
    where: { file },
    fix: "Choose a preprocessing that gives the shape of the network's input.",
  });
}

/** The classes in the order of the outputs: if they are whole numbers, from 0 to the largest; otherwise by name. */
function classNames(labels: readonly (string | undefined)[]): string[] {
  const names = [...new Set(labels.filter((label) => label !== undefined))].sort();
  if (!names.every((name) => /^(0|[1-9]\d{0,4})$/.test(name))) return names;
  return Array.from({ length: Math.max(...names.map(Number)) + 1 }, (_, i) => String(i));
}
