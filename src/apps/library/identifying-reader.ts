import type { ModelIdentity } from "../../jacobian/index.ts";
import type { ExternalReader } from "../../onnx/index.ts";

/** SHA-256, hexadecimal, of each list of pieces, one piece after the other. The bytes must not change until then. */
export type HashLists = (lists: readonly (readonly Uint8Array[])[]) => Promise<readonly string[]>;

/** Keeps what is read of external data, so that a model's identity covers its weights wherever they lie. */
export class IdentifyingReader {
  /** By place in the external data: each range once, whichever tensors share it. */
  readonly #ranges = new Map<string, Uint8Array>();
  readonly #read: ExternalReader;
  readonly #hashLists: HashLists;

  constructor(read: ExternalReader, hashLists: HashLists) {
    this.#read = read;
    this.#hashLists = hashLists;
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
    const [fileSha256, ...hashes] = await this.#hashLists([file, ...ranges.map(([, bytes]) => [bytes])]);
    if (ranges.length === 0) return { sha256: fileSha256! };
    const lines = ranges.map(([place], i) => `\n${place} ${hashes[i]}`);
    const [all] = await this.#hashLists([[new TextEncoder().encode(fileSha256! + lines.join(""))]]);
    return { sha256: all!, fileSha256: fileSha256! };
  }
}
