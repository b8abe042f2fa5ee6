import { statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { formatBytes, type Range, sizeOf } from "../../base/index.ts";
import type { Tap } from "../../jacobian/index.ts";
import { isRemote } from "../../platform/node/open-store.ts";
import { storedVectors } from "../../results/index.ts";
import type { TapForecast } from "../../studies/index.ts";
import type { Keeping } from "./memory.ts";

/** The least number of bytes that a file, or a folder, takes on most disks. */
const BLOCK = 4096;
/** The seconds that it takes to write a file and its folders. */
const WRITING: Range = { low: 1e-4, high: 1.5e-3 };
/** The number of files of a unit in addition to its vectors. Each file has a folder of its own. */
const FILES = 24;

/**
 * The bytes that the units of a run take in its folder, including the stored source tensor of each input. Every vector is a file
 * of its own, which lies in as many nested folders as its tensor has axes.
 */
export function diskFor(from: Tap, taps: readonly TapForecast[], keeping: Pick<Keeping, "vectors">): number {
  const file = (bytes: number) => BLOCK * Math.ceil(bytes / BLOCK);
  const vector = ({ shape }: Tap) => BLOCK * shape.length + file(Float32Array.BYTES_PER_ELEMENT * sizeOf(shape));
  const inputs = Math.max(0, ...taps.map((tap) => tap.inputs));
  return taps.reduce((sum, one) => {
    const unit =
      storedVectors(keeping, one) * (vector(from) + vector(one.tap)) + 2 * BLOCK * FILES + 3 * file(8 * one.k);
    return sum + one.inputs * unit;
  }, inputs * vector(from));
}

/** The seconds that it takes to write the files of the units. */
export function storingTime(taps: readonly TapForecast[], keeping: Pick<Keeping, "vectors">): Range {
  const files = taps.reduce((sum, one) => sum + one.inputs * (2 * storedVectors(keeping, one) + FILES), 0);
  return { low: files * WRITING.low, high: files * WRITING.high };
}

/**
 * Warns on standard error if the disk of a folder has less free space than the given bytes. The folder need not exist
 * yet. Of what is not on the disk, nothing is known.
 */
export async function warnOfDisk(folder: string, bytes: number): Promise<void> {
  if (isRemote(folder)) return;
  const free = await freeBytes(resolve(folder));
  if (free === undefined || free >= bytes) return;
  process.stderr.write(
    `warning: the disk of ${folder} has only ${formatBytes(free)} of free space. With --vectors none, less is stored.\n`,
  );
}

async function freeBytes(folder: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return dirname(folder) === folder ? undefined : freeBytes(dirname(folder));
  }
}
