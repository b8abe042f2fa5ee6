import { readFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { jsonOf, messageOf, PushforwardError } from "../../base/index.ts";
import { unreadable } from "../../platform/node/file-errors.ts";
import {
  type DrawnNetwork,
  isStack,
  parseDrawnNetwork,
  parseRecipe,
  type Recipe,
  stagesOf,
} from "../../training/index.ts";
import { sha256Of } from "./model-identity.ts";

/** Reads a recipe file. @throws PushforwardError `file-unreadable`; `usage` if it is not understood */
export async function readRecipe(file: string): Promise<Recipe> {
  return parseRecipe((await readJson(file)).json, file);
}

/** A training that a file asks for. */
interface AskedTraining {
  /** Its name in a stack; `undefined` for a recipe. */
  readonly name: string | undefined;
  readonly recipe: Recipe;
  /** Its folder. */
  readonly out: string;
}

/**
 * The trainings that a file asks for, in their order: that of a recipe, or those of a stack, each in a subfolder of `out`.
 *
 * @throws PushforwardError `file-unreadable`; `usage` if it is not understood
 */
export async function readTrainings(file: string, out: string): Promise<AskedTraining[]> {
  const { json } = await readJson(file);
  if (!isStack(json)) return [{ name: undefined, recipe: parseRecipe(json, file), out }];
  const folderOf = (name: string) => relative(dirname(resolve(file)), resolve(out, name));
  return stagesOf(json, file, folderOf).map(({ name, recipe }) => ({ name, recipe, out: join(out, name) }));
}

/**
 * Reads the network and the initializer of a recipe file, or of a file with nothing else.
 *
 * @returns them, and the hash of the file
 * @throws PushforwardError `file-unreadable`; `usage` if it is not understood
 */
export async function readDrawnNetwork(file: string): Promise<DrawnNetwork & { readonly sha256: string }> {
  const { json, sha256 } = await readJson(file);
  return { ...parseDrawnNetwork(json, file), sha256 };
}

/** Reads a file of JSON. @throws PushforwardError `file-unreadable`; `usage` if it is not JSON */
export async function readJson(file: string): Promise<{ readonly json: unknown; readonly sha256: string }> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw unreadable(file, cause);
  });
  try {
    return { json: jsonOf(bytes.toString("utf8")), sha256: sha256Of(bytes) };
  } catch (cause) {
    throw new PushforwardError("usage", {
      what: `This is not JSON: ${messageOf(cause)}.`,
      where: { file },
      fix: "A recipe is one JSON object, as described in docs/training.md.",
      cause,
    });
  }
}
