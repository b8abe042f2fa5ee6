import { resolve } from "node:path";
import { PushforwardError } from "../../base/index.ts";
import {
  countOf,
  type DataSet,
  examplesOf,
  type Recipe,
  type Split,
  type Targets,
  ungrouped,
  type Weights,
} from "../../training/index.ts";
import { readArrays } from "../inputs/training-arrays.ts";
import { sha256Of } from "./model-identity.ts";
import { readBytes } from "./open-model.ts";
import { readPictures } from "./training-pictures.ts";

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
  const { pictures, inputs, patches } = data;
  if ((pictures === undefined) === (inputs === undefined)) {
    throw new PushforwardError("usage", {
      what: pictures === undefined ? "The data name no inputs." : "The data name both pictures and an array.",
      where: { option: "data" },
      fix: 'Give one of "pictures" (a folder) and "inputs" (an .npy file).',
    });
  }
  if (pictures !== undefined) {
    const split = examplesOf(await readPictures(recipe, data, folder, pictures), data);
    return patches === undefined ? split : ungrouped(split);
  }
  const all = await readArrays(recipe, async (path) => {
    const file = resolve(folder, path);
    return { file, bytes: await readBytes(file) };
  });
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
