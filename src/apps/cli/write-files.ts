import { openStore } from "../../platform/node/open-store.ts";

/**
 * Writes files by their names into a folder or below an address (`openStore`), in order.
 *
 * @throws PushforwardError `store-unwritable`
 */
export async function writeFiles(
  folder: string,
  files: Iterable<readonly [name: string, content: string | Uint8Array]>,
): Promise<void> {
  const store = openStore(folder);
  for (const [name, content] of files) {
    await store.set(`/${name}`, typeof content === "string" ? new TextEncoder().encode(content) : content);
  }
}
