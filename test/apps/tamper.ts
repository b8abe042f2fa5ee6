import { readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** The chunks of an array of a stored run whose coordinates begin with these, as files: `sigma` at [input, tap]. */
async function chunksOf(folder: string, array: string, coordinates: readonly number[]): Promise<string[]> {
  const root = join(folder, array, "c");
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const chunks = files.filter((file) => `${file}/`.startsWith(`${join(root, ...coordinates.map(String))}/`));
  if (chunks.length === 0) throw new Error(`${array} has no chunk at ${coordinates}`);
  return chunks;
}

/** Changes the bytes of the chunks of an array behind the back of the run. */
export async function tamper(
  folder: string,
  array: string,
  coordinates: readonly number[],
  change: (bytes: DataView) => void,
): Promise<void> {
  for (const file of await chunksOf(folder, array, coordinates)) {
    const bytes = await readFile(file);
    change(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    await writeFile(file, bytes);
  }
}

/** Removes the chunks of an array behind the back of the run. */
export async function lose(folder: string, array: string, coordinates: readonly number[]): Promise<void> {
  for (const file of await chunksOf(folder, array, coordinates)) await rm(file);
}

/** Leaves three bytes of the chunks of an array. */
export async function cutOff(folder: string, array: string, coordinates: readonly number[]): Promise<void> {
  for (const file of await chunksOf(folder, array, coordinates)) await truncate(file, 3);
}
