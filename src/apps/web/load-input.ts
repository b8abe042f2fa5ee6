import { messageOf, PushforwardError, sha256Of } from "../../base/index.ts";
import { type NumberArray, type Preprocess, preprocess, readNpy } from "../../images/index.ts";
import { imageDecoder } from "../../platform/web/image-decoder.ts";
import { nameOf, readSource, type Source } from "../../platform/web/read-source.ts";

/** An input of a network as loaded, and the hash of its file. */
export interface LoadedInput extends NumberArray {
  readonly sha256: string;
}

/**
 * Loads an input in a browser: an .npy array as it is, anything else as a picture through a preprocessing. The numbers are those that
 * Node gives for the same file.
 *
 * @throws PushforwardError `file-unreadable`, `image-undecodable`, or `shape-mismatch` if the picture does not fit
 */
export async function loadInput(source: Source, preset: Preprocess): Promise<LoadedInput> {
  const file = nameOf(source, "input");
  const bytes = await readSource(source);
  const sha256 = await sha256Of(bytes);
  try {
    const array = isArray(bytes) ? readNpy(bytes, file) : preprocess(await imageDecoder.decode(bytes), preset);
    return { ...array, sha256 };
  } catch (cause) {
    if (cause instanceof PushforwardError) throw cause.at({ file });
    throw new PushforwardError("image-undecodable", { what: messageOf(cause), where: { file }, cause });
  }
}

const MAGIC = "\x93NUMPY";

const isArray = (bytes: Uint8Array): boolean => String.fromCharCode(...bytes.subarray(0, MAGIC.length)) === MAGIC;
