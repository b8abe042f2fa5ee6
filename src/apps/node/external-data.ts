import { realpath } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { codeOf, unreadable } from "../../platform/node/file-errors.ts";
import { isWithin } from "../../platform/node/is-within.ts";
import { readShared } from "../../platform/node/read-part.ts";

/**
 * Reads external data of the model in a file: from the file's own folder, or from the folder of the file that it is a link to
 * (as in caches that keep all files in one folder and link to them). What leads elsewhere is refused, through links too.
 */
export function externalReader(file: string) {
  return async (location: string, offset: number, length: number | undefined): Promise<Uint8Array> => {
    const path = await locate(file, location);
    return readShared(path, offset, length).catch((cause: unknown) => {
      throw unreadable(location, cause);
    });
  };
}

/** The real path of the data at a location beside a model. */
export async function locate(file: string, location: string): Promise<string> {
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
