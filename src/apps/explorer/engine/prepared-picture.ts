import { messageOf, PushforwardError } from "../../../base/index.ts";
import { type NumberArray, type Preprocess, preprocess, readNpy } from "../../../images/index.ts";
import type { Network } from "../../../jacobian/index.ts";
import { checkFits } from "../../inputs/check-fits.ts";
import type { EngineHost } from "./host.ts";
import type { NamedBytes } from "./read-given.ts";

/** The input of a network, made of a file. */
export interface PreparedPicture {
  readonly point: Float32Array;
  /** The size of the picture in the file; absent for arrays. */
  readonly width?: number;
  readonly height?: number;
  /** Of the float32 entries of the input, row-major, little-endian. */
  readonly sha256: string;
}

/**
 * Prepares a file for a network: an .npy array as it is, anything else as a picture.
 *
 * @param preset adapted to the network; absent where none is known, and then `refusal` says what to do
 * @throws PushforwardError `image-undecodable`, `shape-mismatch` or `usage`, all with the name of the file
 */
export async function preparePicture(
  { name, bytes }: NamedBytes,
  { preset, refusal }: { readonly preset: Preprocess | undefined; readonly refusal: PushforwardError | undefined },
  { input, inputs }: Network,
  host: EngineHost,
): Promise<PreparedPicture> {
  try {
    const { array, ...size } = isArray(name) ? { array: readNpy(bytes, name) } : await decoded();
    const { type } = inputs.find((own) => own.name === input.tensor)!;
    checkFits(array, { name: input.tensor, type, shape: input.shape }, name);
    return { point: array.data, ...size, sha256: await sha256OfEntries(array.data, host) };
  } catch (cause) {
    if (cause instanceof PushforwardError) throw cause.at({ file: name });
    throw new PushforwardError("image-undecodable", { what: messageOf(cause), where: { file: name }, cause });
  }

  async function decoded(): Promise<{ array: NumberArray; width: number; height: number }> {
    if (preset === undefined) throw refusal!;
    const image = await host.decoder.decode(bytes);
    return { array: preprocess(image, preset), width: image.width, height: image.height };
  }
}

export const isArray = (name: string): boolean => name.toLowerCase().endsWith(".npy");

export function sha256OfEntries({ buffer, byteOffset, byteLength }: Float32Array, host: EngineHost): Promise<string> {
  return host.sha256(new Uint8Array(buffer, byteOffset, byteLength));
}
