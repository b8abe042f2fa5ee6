import { createHash } from "node:crypto";
import type { ModelIdentity } from "../../jacobian/index.ts";
import type { ExternalReader } from "../../onnx/index.ts";

/** Hash of a file's bytes, hexadecimal. */
export const sha256Of = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Hashes what is read of external data on its way, so that a model's identity covers its weights wherever they lie. */
export class IdentifyingReader {
  /** By place in the external data: each range once, whichever tensors share it. */
  readonly #ranges = new Map<string, string>();
  readonly #read: ExternalReader;

  constructor(read: ExternalReader) {
    this.#read = read;
  }

  readonly read: ExternalReader = async (location, offset, length) => {
    const bytes = await this.#read(location, offset, length);
    this.#ranges.set(JSON.stringify([location, offset, bytes.length]), sha256Of(bytes));
    return bytes;
  };

  /** The identity of the model that was read from these bytes and from what this read: the plain hash where that is nothing. */
  identityOf(bytes: Uint8Array): ModelIdentity {
    const fileSha256 = sha256Of(bytes);
    if (this.#ranges.size === 0) return { sha256: fileSha256 };
    const all = createHash("sha256").update(fileSha256);
    for (const [place, hash] of [...this.#ranges].sort(([a], [b]) => (a < b ? -1 : 1))) {
      all.update(`\n${place} ${hash}`);
    }
    return { sha256: all.digest("hex"), fileSha256 };
  }
}
