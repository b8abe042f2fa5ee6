import { extname } from "node:path";
import { messageOf, PushforwardError } from "../../base/index.ts";
import { type NumberArray, type Preprocess, preprocess, readNpy } from "../../images/index.ts";
import { imageDecoder } from "../../platform/node/image-decoder.ts";
import { sha256Of } from "./model-identity.ts";
import { readBytes } from "./open-model.ts";

/** An input of a network as loaded, and the hash of its file. */
export interface LoadedInput extends NumberArray {
  readonly sha256: string;
}

/**
 * Loads an input: an .npy array as it is, any other file as a picture through a preprocessing.
 *
 * @throws PushforwardError `file-unreadable`, `image-undecodable`, or `shape-mismatch` if the picture does not fit
 */
export async function loadInput(file: string, preset: Preprocess): Promise<LoadedInput> {
  const bytes = await readBytes(file);
  const sha256 = sha256Of(bytes);
  try {
    const array = isArrayFile(file) ? readNpy(bytes, file) : preprocess(await imageDecoder.decode(bytes), preset);
    return { ...array, sha256 };
  } catch (cause) {
    if (cause instanceof PushforwardError) throw cause.at({ file });
    throw new PushforwardError("image-undecodable", { what: messageOf(cause), where: { file }, cause });
  }
}

/** Whether a file holds an array rather than a picture. */
export const isArrayFile = (file: string): boolean => extname(file).toLowerCase() === ".npy";
