import { createHash } from "node:crypto";
import type { ModelIdentity } from "../../jacobian/index.ts";
import type { ExternalReader } from "../../onnx/index.ts";

/** The most bytes that Node.js hashes at once. */
const MOST = 2 ** 30;

/** Hash of a file's bytes, hexadecimal. */
export function sha256Of(bytes: Uint8Array): string {
  const hash = createHash("sha256");
  for (let at = 0; at < bytes.length; at += MOST) hash.update(bytes.subarray(at, at + MOST));
  return hash.digest("hex");
}

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

  /** The identity of the model that was read from a file with this hash and from what this read: the plain hash where that is nothing. */
  identityOf(fileSha256: string): ModelIdentity {
    if (this.#ranges.size === 0) return { sha256: fileSha256 };
    const all = createHash("sha256").update(fileSha256);
    for (const [place, hash] of [...this.#ranges].sort(([a], [b]) => (a < b ? -1 : 1))) {
      all.update(`\n${place} ${hash}`);
    }
    return { sha256: all.digest("hex"), fileSha256 };
  }
}
