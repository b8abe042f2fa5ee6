import { mkdir, opendir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { PushforwardError } from "../../base/index.ts";
import type { Key, Store } from "../../results/index.ts";
import { codeOf, unreadable, unwritable } from "./file-errors.ts";

/** Files whose names start with this are unfinished writes. */
const UNFINISHED = ".unfinished-";

/**
 * A folder as a store, with one file for each key.
 *
 * A file is written under a temporary name in the same folder and then renamed, so after the end of the process it is complete or absent.
 * (After a power failure this does not hold, because nothing is forced to the disk.)
 */
export class DirectoryStore implements Store {
  readonly location: string;
  #writes = 0;

  constructor(folder: string) {
    this.location = resolve(folder);
  }

  async get(key: Key): Promise<Uint8Array | undefined> {
    const bytes = await this.#read(key, (file) => readFile(file));
    return bytes && Uint8Array.from(bytes);
  }

  async has(key: Key): Promise<boolean> {
    return (await this.#read(key, (file) => stat(file)))?.isFile() ?? false;
  }

  async *list(prefix: Key): AsyncIterable<Key> {
    const folder = await this.#read(prefix, (path) => opendir(path, { recursive: true }));
    if (folder === undefined) return;
    try {
      for await (const entry of folder) {
        if (!entry.isFile() || entry.name.startsWith(UNFINISHED)) continue;
        yield `/${relative(this.location, join(entry.parentPath, entry.name)).split(sep).join("/")}`;
      }
    } catch (cause) {
      throw unreadable(pathOf(cause) ?? this.#path(prefix), cause); // of a folder below
    }
  }

  async set(key: Key, value: Uint8Array): Promise<void> {
    const file = this.#path(key);
    const unfinished = join(dirname(file), `${UNFINISHED}${process.pid}-${this.#writes++}-${basename(file)}`);
    try {
      await writeFile(unfinished, value).catch(async (cause) => {
        if (codeOf(cause) !== "ENOENT") throw cause;
        await mkdir(dirname(file), { recursive: true });
        await writeFile(unfinished, value);
      });
      await rename(unfinished, file);
    } catch (cause) {
      await rm(unfinished, { force: true }).catch(() => undefined);
      throw unwritable(file, cause);
    }
  }

  async delete(key: Key): Promise<void> {
    const file = this.#path(key);
    await rm(file, { force: true }).catch((cause) => {
      throw unwritable(file, cause);
    });
  }

  #path(key: Key): string {
    const path = join(this.location, key);
    if (path === this.location || path.startsWith(this.location + sep)) return path;
    throw new PushforwardError("usage", { what: `"${key}" leads out of the store.`, where: { file: this.location } });
  }

  async #read<T>(key: Key, read: (path: string) => Promise<T>): Promise<T | undefined> {
    const path = this.#path(key);
    try {
      return await read(path);
    } catch (cause) {
      if (["ENOENT", "EISDIR"].includes(codeOf(cause) ?? "")) return undefined;
      if (codeOf(cause) !== "ENOTDIR") throw unreadable(path, cause);
      if (await isFolder(this.location)) return undefined; // Below a key there is nothing.
      throw new PushforwardError("file-unreadable", {
        what: "A run is a folder, but this is a file.",
        where: { file: this.location },
        fix: "Give the folder that a run was written to.",
        cause,
      });
    }
  }
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** The file or folder that an error of the system refers to. */
function pathOf(cause: unknown): string | undefined {
  return cause instanceof Error && "path" in cause ? String(cause.path) : undefined;
}
