import { PushforwardError } from "../../base/index.ts";
import type { Key } from "../../results/index.ts";
import { ReadOnlyStore } from "./read-only-store.ts";
import { readSource } from "./read-source.ts";

/** Gives the bytes of a file, in a buffer of their own. */
export type ReadFile = () => Promise<Uint8Array>;

/** Files whose names are known, such as those of a folder that was dropped on a page, as a store. */
export class FilesStore extends ReadOnlyStore {
  readonly location: string;
  readonly #files = new Map<Key, ReadFile>();

  /** @param files by their paths. A folder that contains all of them is left out. */
  constructor(location: string, files: Iterable<readonly [path: string, read: ReadFile]>) {
    super();
    this.location = location;
    const entries = [...files].map(
      ([path, read]) => [path.replaceAll("\\", "/").replace(/^\.?\/+/, ""), read] as const,
    );
    const [top] = entries[0]?.[0].split("/", 1) ?? [];
    const shared = entries.every(([path]) => path.startsWith(`${top}/`)) ? top!.length + 1 : 0;
    for (const [path, read] of entries) this.#files.set(`/${path.slice(entries.length === 0 ? 0 : shared)}`, read);
  }

  async get(key: Key): Promise<Uint8Array | undefined> {
    return this.#files.get(key)?.();
  }

  async has(key: Key): Promise<boolean> {
    return this.#files.has(key);
  }

  async *list(prefix: Key): AsyncIterable<Key> {
    for (const key of this.#files.keys()) if (key.startsWith(prefix)) yield key;
  }
}

/** The folder that a user chose or dropped, as a list of its files: the `files` of an `<input webkitdirectory>`. */
export function storeOfFiles(files: Iterable<File>): FilesStore {
  const list = [...files];
  const [first] = list;
  const name = first?.webkitRelativePath.split("/")[0] || "folder";
  return new FilesStore(
    name,
    list.map((file) => [file.webkitRelativePath || file.name, () => readSource(file)] as const),
  );
}

/**
 * The folder behind a handle, from `showDirectoryPicker` or from what was dropped.
 *
 * @throws PushforwardError `file-unreadable` where the browser does not let the page read it
 */
export async function storeOfFolder(folder: FileSystemDirectoryHandle): Promise<FilesStore> {
  const files: [string, ReadFile][] = [];
  const visit = async (within: FileSystemDirectoryHandle, path: string): Promise<void> => {
    for await (const [name, entry] of within.entries()) {
      const inner = `${path}${name}`;
      if (entry.kind === "directory") await visit(entry as FileSystemDirectoryHandle, `${inner}/`);
      else files.push([inner, async () => readSource(await (entry as FileSystemFileHandle).getFile())]);
    }
  };
  try {
    await visit(folder, `${folder.name}/`);
  } catch (cause) {
    throw new PushforwardError("file-unreadable", {
      what: "The browser does not let this page read the folder.",
      where: { file: folder.name },
      fix: "Choose the folder again, and allow the page to view its files.",
      cause,
    });
  }
  return new FilesStore(folder.name, files);
}
