import { PushforwardError } from "../../../../base/index.ts";
import type { Key, Store } from "../../../../results/index.ts";

/** What the page reads of a stored run: a file of its folder, by its path there. */
type ReadFile = (path: string) => Promise<Uint8Array | undefined>;

/** A run that is only read: below an address of this site, or in a folder that was given to the page. */
export function readOnlyStore(location: string, read: ReadFile): Store {
  const refuse = async (): Promise<never> => {
    throw new PushforwardError("store-unwritable", { what: "The page only reads a run.", where: { file: location } });
  };
  return {
    location,
    get: (key: Key) => read(key.slice(1)),
    has: async (key: Key) => (await read(key.slice(1))) !== undefined,
    set: refuse,
    delete: refuse,
    list() {
      throw new PushforwardError("store-unwritable", {
        what: "The page does not list a run.",
        where: { file: location },
      });
    },
  };
}

/** The files below an address of this site. */
export function filesAt(address: string): ReadFile {
  const start = address.replace(/\/*$/, "/");
  return async (path) => {
    const response = await fetch(start + path).catch((cause: unknown) => {
      throw new PushforwardError("file-unreadable", {
        what: "The server of the run does not answer.",
        where: { file: start + path },
        fix: "See whether pushforward view still runs, and reload the page.",
        cause,
      });
    });
    return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined;
  };
}
