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
/** The seconds that it takes to write a file and its folders, and to force them to the disk. */
const WRITING: Range = { low: 2e-4, high: 3e-3 };
/** The files of a unit: three of a length that depends on k, and small ones; and those of its vectors. */
const FILES = { long: 3, small: 5, vectors: 3 };
/** The folders of a unit in addition to those of u and v; the one of `k` is there with vectors alone. */
const FOLDERS = { unit: 5, vectors: 1 };
/** The files and folders that units share: metadata and coordinates of the run, those of a tap with vectors, and the folders of an input. */
const SHARED = { run: 63, tap: 15, input: 8 };

/**
 * The bytes that the units of a run take in its folder, including the stored source tensor of each input. The vectors of a side are a file,
 * which lies in as many nested folders as its tensor has axes.
 */
export function diskFor(from: Tap, taps: readonly TapForecast[], keeping: Pick<Keeping, "vectors">): number {
  if (taps.length === 0) return 0;
  const file = (bytes: number) => BLOCK * Math.ceil(bytes / BLOCK);
  const tensors = ({ shape }: Tap, count: number) =>
    BLOCK * (shape.length + 1) + file(count * (Float32Array.BYTES_PER_ELEMENT * sizeOf(shape) + 16));
  const inputs = Math.max(...taps.map((tap) => tap.inputs));
  let bytes = BLOCK * (SHARED.run + SHARED.input * inputs) + inputs * tensors(from, 1);
  for (const one of taps) {
    const kept = storedVectors(keeping, one);
    bytes += one.inputs * (BLOCK * (FILES.small + FOLDERS.unit) + FILES.long * file(8 * one.k));
    if (kept === 0) continue;
    const small = BLOCK * (FILES.vectors - 2 + FOLDERS.vectors);
    bytes += BLOCK * SHARED.tap + one.inputs * (small + tensors(from, kept) + tensors(one.tap, kept));
  }
  return bytes;
}

/** The seconds that it takes to write the files of the units. */
export function storingTime(taps: readonly TapForecast[], keeping: Pick<Keeping, "vectors">): Range {
  const files = taps.reduce((sum, one) => {
    const ofVectors = storedVectors(keeping, one) === 0 ? 0 : FILES.vectors;
    return sum + one.inputs * (FILES.long + FILES.small + ofVectors);
  }, 0);
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
