import { type BigIntStats, statSync } from "node:fs";
import { resolve } from "node:path";

/** The part of a file that shared memory was read from. */
interface Origin {
  readonly path: string;
  readonly offset: number;
  /** `stampOf` the file when it was read. */
  readonly stamp: string;
  /** Where bytes began that have been moved in memory since: their offset in memory, and the one at which they were read. */
  readonly moved?: ReadonlyMap<number, number>;
}

const origins = new WeakMap<ArrayBufferLike, Origin>();

/** What changes when a file is written to or replaced. */
export const stampOf = ({ dev, ino, size, mtimeNs }: BigIntStats): string => [dev, ino, size, mtimeNs].join(":");

export function rememberOrigin(memory: ArrayBufferLike, { path, ...origin }: Origin): void {
  origins.set(memory, { ...origin, path: resolve(path) });
}

/** Notes that bytes were moved in memory that was read from a file. The others are not found in the file any more. */
export function rememberMoves(memory: ArrayBufferLike, moved: ReadonlyMap<number, number>): void {
  const origin = origins.get(memory);
  if (origin !== undefined) origins.set(memory, { ...origin, moved });
}

/** Where bytes in memory lie in the file that they were read from; `undefined` for others, and if the file is another by now. */
export function placeInFile({ buffer, byteOffset }: Uint8Array): { path: string; offset: number } | undefined {
  const origin = origins.get(buffer);
  const at = origin?.moved === undefined ? byteOffset : origin.moved.get(byteOffset);
  if (origin === undefined || at === undefined) return undefined;
  const stats = statSync(origin.path, { bigint: true, throwIfNoEntry: false });
  return stats !== undefined && stampOf(stats) === origin.stamp
    ? { path: origin.path, offset: origin.offset + at }
    : undefined;
}
