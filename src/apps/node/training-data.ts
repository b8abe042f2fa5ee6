import { extname, join, resolve } from "node:path";
import { formatShape, PushforwardError, sizeOf } from "../../base/index.ts";
import {
  countOf,
  type DataSet,
  type DataSettings,
  examplesOf,
  type Recipe,
  type Split,
  type Targets,
  type Weights,
} from "../../training/index.ts";
import { readArrays } from "../inputs/training-arrays.ts";
import { choosePreset } from "./choose-preset.ts";
import { findInputs } from "./find-inputs.ts";
import { labelInputs } from "./labels.ts";
import { loadInput } from "./load-input.ts";
import { sha256Of } from "./model-identity.ts";
import { readBytes } from "./open-model.ts";

/** How many pictures are decoded at a time. */
const TOGETHER = 16;

/**
 * The examples that a recipe names. Paths are relative to `folder`.
 *
 * @throws PushforwardError `usage` naming the key; `file-unreadable`, `image-undecodable`, `shape-mismatch` for the files
 */
export async function loadExamples(recipe: Recipe, folder: string): Promise<Split> {
  const { data } = recipe;
  if (data === undefined) {
    throw new PushforwardError("usage", {
      what: "The recipe names no examples.",
      where: { option: "data" },
      fix: 'Add "data": { "pictures": FOLDER } or "data": { "inputs": FILE.npy, "targets": FILE.npy }.',
    });
  }
  const { pictures, inputs } = data;
  if ((pictures === undefined) === (inputs === undefined)) {
    throw new PushforwardError("usage", {
      what: pictures === undefined ? "The data name no inputs." : "The data name both pictures and an array.",
      where: { option: "data" },
      fix: 'Give one of "pictures" (a folder) and "inputs" (an .npy file).',
    });
  }
  const all =
    pictures === undefined
      ? await readArrays(recipe, async (path) => {
          const file = resolve(folder, path);
          return { file, bytes: await readBytes(file) };
        })
      : await readPictures(recipe, data, folder, pictures);
  return examplesOf(all, data);
}

/** What identifies the two parts of the examples. */
export interface ExamplesIdentity {
  readonly training: object;
  readonly heldOut: object;
}

/** What identifies examples: their numbers and the hashes of all of them. */
export function identityOf({ training, heldOut }: Split): ExamplesIdentity {
  const hashOf = (data: DataSet) => {
    const targets: Targets = data.targets;
    const wanted = targets.kind === "values" ? targets.values : (targets.labels ?? []);
    return sha256Of(Buffer.concat([bytesOf(data.inputs), bytesOf(Float32Array.from(wanted))]));
  };
  const describe = (data: DataSet) => ({ examples: countOf(data), targets: data.targets.kind, sha256: hashOf(data) });
  return { training: describe(training), heldOut: describe(heldOut) };
}

/** What identifies weights: the hash of all of them with their names. */
export function identityOfWeights(weights: Weights): object {
  const parts = [...weights].flatMap(([name, { data }]) => [Buffer.from(name), bytesOf(data as Float32Array)]);
  return { weights: [...weights.keys()], sha256: sha256Of(Buffer.concat(parts)) };
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) => new Uint8Array(buffer, byteOffset, byteLength);

async function readPictures(
  { network: { input: shape } }: Recipe,
  { labels: table, preprocess, targets }: DataSettings,
  folder: string,
  pictures: string,
): Promise<DataSet> {
  const found = await findInputs([join(folder, pictures)]);
  const asked = preprocess !== undefined && extname(preprocess) === ".json" ? resolve(folder, preprocess) : preprocess;
  const preset = await choosePreset(asked, shape, false);
  const size = sizeOf(shape);
  const inputs = new Float32Array(found.length * size);
  for (let from = 0; from < found.length; from += TOGETHER) {
    const some = found.slice(from, from + TOGETHER).map(({ file }) => loadInput(file, preset));
    for (const [i, loaded] of (await Promise.all(some)).entries()) {
      if (loaded.shape.join() !== shape.join()) {
        throw new PushforwardError("shape-mismatch", {
          what: `The input is ${formatShape(loaded.shape)}, but the network takes ${formatShape(shape)}.`,
          where: { file: found[from + i]!.file },
          fix: "Choose a preprocessing that gives the shape of the network's input.",
        });
      }
      inputs.set(loaded.data, (from + i) * size);
    }
  }
  if (targets === "inputs" && table === undefined) return { shape, inputs, targets: { kind: "inputs" } };
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
  return { shape, inputs, targets: { kind: targets ?? "labels", labels: Int32Array.from(indices) } };
}

/** The classes in the order of the outputs: if they are whole numbers, from 0 to the largest; otherwise by name. */
function classNames(labels: readonly (string | undefined)[]): string[] {
  const names = [...new Set(labels.filter((label) => label !== undefined))].sort();
  if (!names.every((name) => /^(0|[1-9]\d{0,4})$/.test(name))) return names;
  return Array.from({ length: Math.max(...names.map(Number)) + 1 }, (_, i) => String(i));
}
