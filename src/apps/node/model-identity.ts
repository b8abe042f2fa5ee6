import { createHash } from "node:crypto";
import type { ModelIdentity } from "../../jacobian/index.ts";
import type { ExternalReader } from "../../onnx/index.ts";
import { sha256InThread } from "../../platform/node/hash-thread.ts";

/** The most bytes that Node.js hashes at once. */
const MOST = 2 ** 30;

/** Hash of a file's bytes, hexadecimal. */
export function sha256Of(bytes: Uint8Array): string {
  const hash = createHash("sha256");
  for (let at = 0; at < bytes.length; at += MOST) hash.update(bytes.subarray(at, at + MOST));
  return hash.digest("hex");
}

/** From so many bytes on, a thread of its own hashes. */
const LARGE = 2 ** 23;

/** Keeps what is read of external data, so that a model's identity covers its weights wherever they lie. */
export class IdentifyingReader {
  /** By place in the external data: each range once, whichever tensors share it. */
  readonly #ranges = new Map<string, Uint8Array>();
  readonly #read: ExternalReader;

  constructor(read: ExternalReader) {
    this.#read = read;
  }

  readonly read: ExternalReader = async (location, offset, length) => {
    const bytes = await this.#read(location, offset, length);
    this.#ranges.set(JSON.stringify([location, offset, bytes.length]), bytes);
    return bytes;
  };

  /**
   * The identity of the model that was read from a file with these bytes and from what this read: the plain hash of the file where that
   * is nothing. The bytes must not change until then.
   *
   * @param file the bytes of the file, in pieces
   */
  async identity(file: readonly Uint8Array[]): Promise<ModelIdentity> {
    const ranges = [...this.#ranges].sort(([a], [b]) => (a < b ? -1 : 1));
    this.#ranges.clear();
    const lists = [file, ...ranges.map(([, bytes]) => [bytes])];
    const [fileSha256, ...hashes] = await sha256OfLists(lists);
    if (ranges.length === 0) return { sha256: fileSha256! };
    const all = createHash("sha256").update(fileSha256!);
    ranges.forEach(([place], i) => {
      all.update(`\n${place} ${hashes[i]}`);
    });
    return { sha256: all.digest("hex"), fileSha256: fileSha256! };
  }
}

function sha256OfLists(lists: readonly (readonly Uint8Array[])[]): string[] | Promise<string[]> {
  const isLarge = lists.flat().reduce((sum, { length }) => sum + length, 0) >= LARGE;
  return isLarge ? sha256InThread(lists) : lists.map((pieces) => sha256Of(Buffer.concat(pieces)));
}
