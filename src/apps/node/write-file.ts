import { open, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { type FileDescription, type OnnxModel, type OutsidePlace, type Tensor, writeModel } from "../../onnx/index.ts";
import { unwritable } from "../../platform/node/file-errors.ts";

/** A file of the format must be less than 2 GiB. With more bytes of weights than this, they are written beside it. */
const MOST = 2 ** 31 - 2 ** 26;

/** Where each tensor begins in a file of weights: at a multiple of the size of a page, so that it can be mapped. */
const PAGE = 4096;

/** Weights of at least so many bytes go to the file of weights. */
const LEAST = 1024;

export interface OnnxFile {
  readonly model: OnnxModel;
  readonly about?: FileDescription;
}

/**
 * Writes a model. If its weights do not fit into one file of the format, they are written beside it, to the file `FILE.data`, which the
 * model refers to.
 *
 * @param most the bytes of weights that may be in the file itself
 * @throws PushforwardError `store-unwritable`
 */
export async function writeOnnx(file: string, { model, about }: OnnxFile, most = MOST): Promise<void> {
  const described = about === undefined ? {} : { about };
  const weights = [...model.graph.initializers.values()];
  const total = weights.reduce((sum, { data }) => sum + (ArrayBuffer.isView(data) ? data.byteLength : 0), 0);
  try {
    if (total <= most) return await writeFile(file, writeModel(model, described));
    const location = `${basename(file)}.data`;
    const places = await writeWeights(`${file}.data`, location, weights);
    await writeFile(file, writeModel(model, { ...described, outside: (tensor) => places.get(tensor) }));
  } catch (cause) {
    throw unwritable(file, cause);
  }
}

async function writeWeights(
  path: string,
  location: string,
  weights: readonly Tensor[],
): Promise<ReadonlyMap<Tensor, OutsidePlace>> {
  const places = new Map<Tensor, OutsidePlace>();
  const handle = await open(path, "w");
  try {
    let offset = 0;
    for (const tensor of weights) {
      const { data } = tensor;
      if (!ArrayBuffer.isView(data) || data.byteLength < LEAST || places.has(tensor)) continue;
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      for (let at = 0; at < bytes.length; )
        at += (await handle.write(bytes, at, Math.min(bytes.length - at, 2 ** 30), offset + at)).bytesWritten;
      places.set(tensor, { location, offset, length: bytes.length });
      offset = PAGE * Math.ceil((offset + bytes.length) / PAGE);
    }
  } finally {
    await handle.close();
  }
  return places;
}
