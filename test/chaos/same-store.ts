import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** What two stores of the same numbers may differ in: seconds and the date, files for workers, and unfinished files of killed programs. */
const BESIDE = /^seconds\/c\/|^zarr\.json$|^subject\/|\.unfinished-/;

async function filesOf(folder: string): Promise<ReadonlyMap<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((name) => !BESIDE.test(name));
  return new Map(await Promise.all(files.map(async (name) => [name, await readFile(join(folder, name))] as const)));
}

/** The files in which the stores in two folders differ. */
export async function differences(a: string, b: string): Promise<string[]> {
  const [expected, found] = [await filesOf(a), await filesOf(b)];
  const names = new Set([...expected.keys(), ...found.keys()]);
  return [...names].filter((name) => !expected.get(name)?.equals(found.get(name) ?? Buffer.from(" "))).sort();
}
