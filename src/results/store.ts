/** A path in a store: `/`, then names joined by `/`. */
export type Key = `/${string}`;

/** A part of the bytes under a key: so many from an offset on, or the last ones. */
export type ByteRange = { readonly offset: number; readonly length: number } | { readonly suffixLength: number };

/** A part of bytes, in a buffer of its own. */
export const partOf = (bytes: Uint8Array, range: ByteRange): Uint8Array =>
  "offset" in range ? bytes.slice(range.offset, range.offset + range.length) : bytes.slice(-range.suffixLength);

/** A store for runs: bytes under keys. zarrita reads from it and writes to it, and each platform has its own implementation. */
export interface Store {
  /** Its name in errors: a folder or an address. */
  readonly location: string;
  /** The bytes, in a buffer that belongs to the caller; `undefined` if there are none. */
  get(key: Key): Promise<Uint8Array | undefined>;
  /** A part of the bytes, where a store can read it without the rest. */
  getRange?(key: Key, range: ByteRange): Promise<Uint8Array | undefined>;
  /**
   * Stores the bytes completely or not at all: a reader never sees a part of them, even if the writer is killed.
   *
   * @throws PushforwardError `store-unwritable`
   */
  set(key: Key, value: Uint8Array): Promise<void>;
  /**
   * Stores the bytes if there are none under the key, and returns whether it did. Of several writers, also on other machines, exactly one
   * succeeds. When it returns, these bytes and all that this store `set` before are on the disk, also after a power failure.
   *
   * @throws PushforwardError `store-unwritable`
   */
  create(key: Key, value: Uint8Array): Promise<boolean>;
  has(key: Key): Promise<boolean>;
  /** All keys below a prefix that ends in `/`, in no order. */
  list(prefix: Key): AsyncIterable<Key>;
  /** Removes the bytes, if there are any. */
  delete(key: Key): Promise<void>;
}

/** A part of the bytes under a key; of a store that gives only all of them, it is cut out. */
export async function readRange(
  store: Pick<Store, "get" | "getRange">,
  key: Key,
  range: ByteRange,
): Promise<Uint8Array | undefined> {
  if (store.getRange !== undefined) return store.getRange(key, range);
  const bytes = await store.get(key);
  return bytes && partOf(bytes, range);
}

/** A store that lives as long as the program. */
export class MemoryStore implements Store {
  readonly location = "memory";
  readonly #values = new Map<Key, Uint8Array>();

  async get(key: Key): Promise<Uint8Array | undefined> {
    return this.#values.get(key)?.slice();
  }

  async set(key: Key, value: Uint8Array): Promise<void> {
    this.#values.set(key, Uint8Array.from(value));
  }

  async create(key: Key, value: Uint8Array): Promise<boolean> {
    if (this.#values.has(key)) return false;
    this.#values.set(key, Uint8Array.from(value));
    return true;
  }

  async has(key: Key): Promise<boolean> {
    return this.#values.has(key);
  }

  async *list(prefix: Key): AsyncIterable<Key> {
    for (const key of this.#values.keys()) if (key.startsWith(prefix)) yield key;
  }

  async delete(key: Key): Promise<void> {
    this.#values.delete(key);
  }
}
