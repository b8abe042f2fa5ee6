import { open, readFile, stat } from "node:fs/promises";

/** The most bytes that one call of the system reads. */
const MOST = 2 ** 30;

/** The bytes of a file, which may be larger than the 2 GiB that Node.js reads at once. */
export async function readWhole(path: string): Promise<Buffer> {
  const { size } = await stat(path);
  return size <= MOST ? readFile(path) : readPart(path, 0, undefined);
}

/** `length` bytes of a file from `offset` on, all up to its end if undefined; fewer if it ends earlier. */
export async function readPart(path: string, offset: number, length: number | undefined): Promise<Buffer<ArrayBuffer>> {
  const handle = await open(path);
  try {
    const left = Math.max((await handle.stat()).size - offset, 0);
    const bytes = Buffer.allocUnsafeSlow(Math.min(length ?? left, left));
    let read = 0;
    while (read < bytes.length) {
      const { bytesRead } = await handle.read(bytes, read, Math.min(bytes.length - read, MOST), offset + read);
      if (bytesRead === 0) break;
      read += bytesRead;
    }
    return bytes.subarray(0, read);
  } finally {
    await handle.close();
  }
}
