import { open, readFile, stat } from "node:fs/promises";
import { rememberOrigin, stampOf } from "./weight-origins.ts";

/** The most bytes that one call of the system reads. */
const MOST = 2 ** 30;

/** The bytes of a file, which may be larger than the 2 GiB that Node.js reads at once. */
export async function readWhole(path: string): Promise<Buffer> {
  const { size } = await stat(path);
  return size <= MOST ? readFile(path) : (await read(path, 0, undefined, Buffer.allocUnsafeSlow)).bytes;
}

/** From so many bytes on, what is read lies in shared memory. */
const LARGE = 2 ** 20;

/**
 * `length` bytes of a file from `offset` on, all up to its end if undefined; fewer if it ends earlier. Many bytes lie in memory that threads
 * can share, and it is remembered which part of the file they are.
 */
export async function readShared(path: string, offset = 0, length?: number): Promise<Buffer> {
  const allocate = (size: number): Buffer =>
    size < LARGE ? Buffer.allocUnsafeSlow(size) : Buffer.from(new SharedArrayBuffer(size));
  const { bytes, stamp } = await read(path, offset, length, allocate);
  if (bytes.buffer instanceof SharedArrayBuffer) rememberOrigin(bytes.buffer, { path, offset, stamp });
  return bytes;
}

async function read(
  path: string,
  offset: number,
  length: number | undefined,
  allocate: (size: number) => Buffer,
): Promise<{ bytes: Buffer; stamp: string }> {
  const handle = await open(path);
  try {
    const stats = await handle.stat({ bigint: true });
    const left = Math.max(Number(stats.size) - offset, 0);
    const bytes = allocate(Math.min(length ?? left, left));
    let at = 0;
    while (at < bytes.length) {
      const { bytesRead } = await handle.read(bytes, at, Math.min(bytes.length - at, MOST), offset + at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return { bytes: bytes.subarray(0, at), stamp: stampOf(stats) };
  } finally {
    await handle.close();
  }
}
