import { createHash } from "node:crypto";
import { readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { textsChunk } from "../../src/results/arrays.ts";
import type { UnitRecord } from "../../src/results/unit.ts";

/** The file of a chunk of an array of a stored run, whose coordinates begin with these: `sigma` at [input, tap]. */
async function fileOf(folder: string, array: string, coordinates: readonly number[]): Promise<string> {
  const root = join(folder, array, "c", ...coordinates.map(String));
  const entries = await readdir(join(folder, array, "c"), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const [file, ...more] = files.filter((name) => `${name}/`.startsWith(`${root}/`));
  if (file === undefined || more.length > 0) throw new Error(`${array} has not one chunk at ${coordinates}`);
  return file;
}

/** A chunk of a unit: its array, the indices of the unit, and of vectors the place of one. */
interface Chunk {
  readonly array: string;
  readonly input: number;
  readonly tap: number;
  readonly slot?: number;
}

const isOfTap = (array: string) => array.startsWith("taps/");

/** The file of a chunk of a unit. */
const chunkFile = (folder: string, { array, input, tap }: Chunk) =>
  fileOf(folder, array, isOfTap(array) ? [input] : [input, tap]);

/**
 * Changes the bytes of a chunk behind the back of the run, of vectors those of one of them. The digest is changed as well, as by one who
 * knows of it, unless `isForged` is false.
 */
export async function tamper(
  folder: string,
  chunk: Chunk,
  change: (bytes: DataView) => void,
  { isForged = true } = {},
): Promise<void> {
  const { array, input, tap, slot } = chunk;
  const file = await chunkFile(folder, chunk);
  const bytes = await readFile(file);
  const done = await fileOf(folder, "done", [input, tap]);
  const text = await readFile(done);
  const record = JSON.parse(text.subarray(8).toString()) as UnitRecord;
  const name = array.split("/").at(-1)!;
  const digests = record.sha256[name]!;
  const size = slot === undefined ? bytes.length : sizeOfVector(bytes);
  const part = bytes.subarray((slot ?? 0) * size, ((slot ?? 0) + 1) * size);
  change(new DataView(part.buffer, part.byteOffset, part.byteLength));
  await writeFile(file, bytes);
  if (!isForged) return;
  const digest = createHash("sha256").update(part).digest("hex").slice(0, 32);
  const forged = typeof digests === "string" ? digest : digests.map((one, i) => (i === slot ? digest : one));
  const changed: UnitRecord = { ...record, sha256: { ...record.sha256, [name]: forged } };
  await writeFile(done, textsChunk([JSON.stringify(changed)]));
}

/** The bytes of one vector of a shard, from its index: the length of the first, which follows its offset of 0. */
function sizeOfVector(shard: Buffer): number {
  for (let at = shard.length - 4 - 16; at >= 0; at -= 16) {
    if (shard.readBigUInt64LE(at) === 0n) return Number(shard.readBigUInt64LE(at + 8));
  }
  throw new Error("the shard has no vector");
}

/** Changes the stored source of an input, which has no digest. */
export async function tamperSource(folder: string, input: number, change: (bytes: DataView) => void): Promise<void> {
  const file = await fileOf(folder, "source", [input]);
  const bytes = await readFile(file);
  change(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  await writeFile(file, bytes);
}

/** Removes a chunk behind the back of the run. */
export const lose = async (folder: string, chunk: Chunk): Promise<void> => rm(await chunkFile(folder, chunk));

/** Leaves three bytes of a chunk. */
export const cutOff = async (folder: string, chunk: Chunk): Promise<void> =>
  truncate(await chunkFile(folder, chunk), 3);
