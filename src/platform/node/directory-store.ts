import { randomUUID } from "node:crypto";
import { link, mkdir, open, opendir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import { PushforwardError } from "../../base/index.ts";
import type { ByteRange, Key, Store } from "../../results/index.ts";
import { codeOf, unreadable, unwritable } from "./file-errors.ts";

/** Files whose names start with this are unfinished writes. */
const UNFINISHED = ".unfinished-";

/** How many files are open at once while they are forced to the disk. */
const AT_ONCE = 32;

/**
 * A folder as a store, with one file for each key.
 *
 * A file is written under a temporary name in the same folder and then renamed, so after the end of the process it is complete or absent.
 * `create` links the file to its name instead, which fails where another process, also on another machine, was first; and before, it
 * forces everything that was written to the disk.
 */
export class DirectoryStore implements Store {
  readonly location: string;
  /** Files that were written since the last `create`, which may be only in memory; and their folders. */
  readonly #unforced = { files: new Set<string>(), folders: new Set<string>() };

  /** @throws PushforwardError `usage` if the folder is an address, such as `s3://…`, where only a folder can be used */
  constructor(folder: string) {
    // With one slash too: so addresses become when names are joined to them. A single letter is a drive.
    if (/^[a-z][a-z0-9+.-]+:\//i.test(folder)) {
      throw new PushforwardError("usage", {
        what: "A folder is needed here, and this is an address.",
        where: { file: folder },
        fix: "Give a folder. `pushforward spectrum --out`, `report`, `status`, `verify` and `view` also take s3://BUCKET/PREFIX.",
      });
    }
    this.location = resolve(folder);
  }

  async get(key: Key): Promise<Uint8Array | undefined> {
    const bytes = await this.#read(key, (file) => readFile(file));
    return bytes && Uint8Array.from(bytes);
  }

  async getRange(key: Key, range: ByteRange): Promise<Uint8Array | undefined> {
    return this.#read(key, async (file) => {
      const handle = await open(file, "r");
      try {
        const { size } = await handle.stat();
        const offset = "offset" in range ? range.offset : Math.max(0, size - range.suffixLength);
        const length = Math.min("offset" in range ? range.length : range.suffixLength, size - offset);
        const bytes = new Uint8Array(Math.max(0, length));
        await handle.read(bytes, 0, bytes.length, offset);
        return bytes;
      } finally {
        await handle.close();
      }
    });
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
    await this.#writing(file, value, async (unfinished) => {
      await rename(unfinished, file);
      this.#unforced.files.add(file);
      this.#unforced.folders.add(dirname(file));
    });
  }

  async create(key: Key, value: Uint8Array): Promise<boolean> {
    const file = this.#path(key);
    return this.#writing(file, value, async (unfinished) => {
      await this.#force(unfinished);
      const isFirst = await linked(unfinished, file);
      if (isFirst) await force(dirname(file));
      return isFirst;
    });
  }

  /** Writes a file under a temporary name, and does with it what is given; what is left of it is removed. */
  async #writing<T>(file: string, value: Uint8Array, place: (unfinished: string) => Promise<T>): Promise<T> {
    const unfinished = join(dirname(file), `${UNFINISHED}${randomUUID()}`);
    try {
      await writeFile(unfinished, value).catch(async (cause) => {
        if (codeOf(cause) !== "ENOENT") throw cause;
        const first = await mkdir(dirname(file), { recursive: true });
        for (let folder = dirname(file); first !== undefined && folder.length >= dirname(first).length; ) {
          this.#unforced.folders.add(folder);
          folder = dirname(folder);
        }
        await writeFile(unfinished, value);
      });
      return await place(unfinished);
    } catch (cause) {
      throw unwritable(file, cause);
    } finally {
      await rm(unfinished, { force: true }).catch(() => undefined);
    }
  }

  /** Forces a file, and everything that was written before it, to the disk. */
  async #force(file: string): Promise<void> {
    const files = [...this.#unforced.files, file];
    const folders = [...this.#unforced.folders];
    for (const some of [files, folders]) {
      for (let at = 0; at < some.length; at += AT_ONCE) await Promise.all(some.slice(at, at + AT_ONCE).map(force));
    }
    for (const done of files) this.#unforced.files.delete(done);
    for (const done of folders) this.#unforced.folders.delete(done);
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

/** Forces a file or a folder to the disk. What was removed meanwhile, and file systems that cannot do it with folders, are passed over. */
async function force(path: string): Promise<void> {
  try {
    const handle = await open(path, "r");
    await handle.sync().finally(() => handle.close());
  } catch (cause) {
    if (!["ENOENT", "EISDIR", "EINVAL", "EPERM", "EACCES", "ENOTSUP"].includes(codeOf(cause) ?? "")) throw cause;
  }
}

/** Gives a finished file its name, if nothing has it. Returns whether it has it now. */
async function linked(unfinished: string, file: string): Promise<boolean> {
  try {
    await link(unfinished, file);
    return true;
  } catch (cause) {
    if (codeOf(cause) !== "EEXIST") throw cause;
    return (await stat(unfinished)).nlink === 2; // A network file system can lose the answer to a link that succeeded.
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
