import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { createRng, gaussianArray, type Shape, sizeOf } from "../../src/base/index.ts";
import { writeNpy } from "../../src/images/npy.ts";

/** A temporary folder in which commands run. */
export interface Workplace {
  readonly folder: string;
  path(...parts: readonly string[]): string;
  put(name: string, content: Uint8Array | string): Promise<void>;
  /** Files and folders in a folder of it, sorted. */
  list(name?: string): Promise<string[]>;
  /** Every file of a folder of it with its bytes, but those of `without`. */
  bytes(name: string, without?: RegExp): Promise<Map<string, Buffer>>;
  remove(): Promise<void>;
}

export async function createWorkplace(files: Readonly<Record<string, Uint8Array | string>>): Promise<Workplace> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "pushforward-apps-")));
  const path = (...parts: readonly string[]) => join(folder, ...parts);
  const workplace: Workplace = {
    folder,
    path,
    async put(name, content) {
      await mkdir(dirname(path(name)), { recursive: true });
      await writeFile(path(name), content);
    },
    list: async (name = ".") => (await readdir(path(name))).sort(),
    async bytes(name, without) {
      const entries = await readdir(path(name), { recursive: true, withFileTypes: true });
      const found = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
      const kept = found.map((file) => file.slice(path(name).length + 1)).filter((file) => !without?.test(file));
      return new Map(
        await Promise.all(kept.sort().map(async (file) => [file, await readFile(path(name, file))] as const)),
      );
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
  for (const [name, content] of Object.entries(files)) await workplace.put(name, content);
  return workplace;
}

/**
 * What two stores of a run of the same numbers may differ in: seconds and the date, the files that are copied for workers, and what killed
 * programs did not finish.
 */
export const besideNumbers = /^seconds\/c\/|^zarr\.json$|^subject\/|\.unfinished-/;

/** The files that are not the same in two folders of a workplace, or are in one of them alone, but for those of `beside`. */
export async function differences(place: Workplace, a: string, b: string, beside: RegExp): Promise<string[]> {
  const [expected, found] = [await place.bytes(a, beside), await place.bytes(b, beside)];
  const names = new Set([...expected.keys(), ...found.keys()]);
  return [...names].filter((name) => {
    const own = found.get(name);
    return own === undefined || !expected.get(name)?.equals(own);
  });
}

/** An .npy file of random numbers, the same for the same seed. */
export function randomNpy(shape: Shape, seed = 0): Uint8Array {
  return writeNpy({ shape, data: gaussianArray(createRng(seed, "npy"), sizeOf(shape)) });
}

/** A grey PNG of random levels. */
export function randomPng(height: number, width: number, seed = 0): Promise<Buffer> {
  const rng = createRng(seed, "png");
  const levels = Buffer.from(Array.from({ length: height * width }, () => rng.integer(256)));
  return sharp(levels, { raw: { width, height, channels: 1 } })
    .png()
    .toBuffer();
}
