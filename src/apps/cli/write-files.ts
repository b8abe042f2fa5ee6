import { DirectoryStore } from "../../platform/node/directory-store.ts";

/**
 * Writes files by their names into a folder, in order.
 *
 * @throws PushforwardError `store-unwritable`
 */
export async function writeFiles(
  folder: string,
  files: Iterable<readonly [name: string, content: string | Uint8Array]>,
): Promise<void> {
  const store = new DirectoryStore(folder);
  for (const [name, content] of files) {
    await store.set(`/${name}`, typeof content === "string" ? new TextEncoder().encode(content) : content);
  }
}
