import { PushforwardError } from "../../base/index.ts";
import type { ByteRange, Key } from "../../results/index.ts";
import { ReadOnlyStore } from "./read-only-store.ts";
import { fetchIfThere } from "./read-source.ts";

/** A folder of a site as a store. A server does not tell which files it has, so that they cannot be listed. */
export class FetchStore extends ReadOnlyStore {
  readonly location: string;

  readonly #headers: Readonly<Record<string, string>>;

  /**
   * @param folder its address, with or without `/` at its end
   * @param headers what each request has besides. A server that answers 204 says, as one that answers 404, that there is nothing.
   */
  constructor(folder: URL, headers: Readonly<Record<string, string>> = {}) {
    super();
    this.#headers = headers;
    this.location = folder.href.endsWith("/") ? folder.href : `${folder.href}/`;
  }

  get(key: Key): Promise<Uint8Array | undefined> {
    return fetchIfThere(this.#address(key), { headers: this.#headers });
  }

  async getRange(key: Key, range: ByteRange): Promise<Uint8Array | undefined> {
    const asked = "offset" in range ? `${range.offset}-${range.offset + range.length - 1}` : `-${range.suffixLength}`;
    return fetchIfThere(this.#address(key), { headers: { ...this.#headers, range: `bytes=${asked}` } }, range);
  }

  async has(key: Key): Promise<boolean> {
    return (await fetchIfThere(this.#address(key), { method: "HEAD", headers: this.#headers })) !== undefined;
  }

  // biome-ignore lint/correctness/useYield: it never has a key to give
  async *list(): AsyncIterable<Key> {
    throw new PushforwardError("file-unreadable", {
      what: "The files of a site cannot be listed.",
      where: { file: this.location },
      fix: "Pack the folder as a ZIP archive, and open that.",
    });
  }

  /** @throws PushforwardError `usage` for a key that leads out of the folder */
  #address(key: Key): URL {
    const path = key.slice(1).split("/").map(encodeURIComponent).join("/");
    const address = new URL(path, this.location);
    if (address.href.startsWith(this.location)) return address;
    throw new PushforwardError("usage", { what: `"${key}" leads out of the store.`, where: { file: this.location } });
  }
}
