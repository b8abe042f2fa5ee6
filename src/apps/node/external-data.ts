import { open, realpath } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { codeOf, unreadable } from "../../platform/node/file-errors.ts";
import { isWithin } from "../../platform/node/is-within.ts";

/**
 * Reads external data of the model in a file: from the file's own folder, or from the folder of the file that it is a link to
 * (as in caches that keep all files in one folder and link to them). What leads elsewhere is refused, through links too.
 */
export function externalReader(file: string) {
  return async (location: string, offset: number, length: number | undefined): Promise<Uint8Array> => {
    const path = await locate(file, location);
    const refuse = (cause: unknown): never => {
      throw unreadable(location, cause);
    };
    const handle = await open(path).catch(refuse);
    try {
      const left = Math.max((await handle.stat()).size - offset, 0);
      const size = Math.min(length ?? left, left);
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(size), 0, size, offset).catch(refuse);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  };
}

/** The real path of the data at a location beside a model. */
async function locate(file: string, location: string): Promise<string> {
  const beside = await realpath(dirname(resolve(file)));
  const ofModel = dirname(await realpath(file));
  const find = (folder: string) => realpath(resolve(folder, location));
  const path = await find(beside)
    .catch((cause: unknown) => (codeOf(cause) === "ENOENT" ? find(ofModel) : Promise.reject(cause)))
    .catch((cause: unknown) => {
      throw unreadable(location, cause);
    });
  if (isWithin(beside, path) || isWithin(ofModel, path)) return path;
  throw new Error("it leads out of the model's folder");
}
