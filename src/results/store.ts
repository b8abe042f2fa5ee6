/** A place in a store: `/`, then names joined by `/`. */
export type Key = `/${string}`;

/** Where a run is kept: bytes under keys. It is what zarrita reads from and writes to, and each platform hands in its own. */
export interface Store {
  /** How errors name it: a folder, an address. */
  readonly location: string;
  /** The bytes, the caller's own and in a buffer of their own; `undefined` where there are none. */
  get(key: Key): Promise<Uint8Array | undefined>;
  /**
   * Stores the bytes whole or not at all: a reader or a killed writer never leaves a part of them.
   *
   * @throws PushforwardError `store-unwritable`
   */
  set(key: Key, value: Uint8Array): Promise<void>;
  has(key: Key): Promise<boolean>;
  /** All keys below a prefix that ends in `/`, in no order. */
  list(prefix: Key): AsyncIterable<Key>;
  /** Removes the bytes; nothing happens where there are none. */
  delete(key: Key): Promise<void>;
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
