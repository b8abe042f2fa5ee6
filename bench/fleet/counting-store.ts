import { setTimeout } from "node:timers/promises";
import type { ByteRange, Key, Store } from "../../src/results/index.ts";
import { readRange } from "../../src/results/store.ts";

/** Requests to a server of S3. */
export interface Requests {
  readonly put: number;
  readonly head: number;
  readonly get: number;
  readonly list: number;
  readonly delete: number;
}

/** How many keys S3 lists at once. */
export const KEYS_LISTED = 1000;

/** A store that counts what is asked of it as the requests that S3 would get, and the bytes that are stored. */
export class CountingStore implements Store {
  readonly location: string;
  readonly #store: Store;
  readonly #latency: number;
  #requests = { put: 0, head: 0, get: 0, list: 0, delete: 0 };
  #sizes: number[] = [];

  /** @param latency the milliseconds by which each answer is held back */
  constructor(store: Store, latency = 0) {
    this.#store = store;
    this.#latency = latency;
    this.location = store.location;
  }

  /** What was asked for, and the sizes of what was stored, since the last call. */
  take(): { readonly requests: Requests; readonly sizes: readonly number[] } {
    const taken = { requests: this.#requests, sizes: this.#sizes };
    this.#requests = { put: 0, head: 0, get: 0, list: 0, delete: 0 };
    this.#sizes = [];
    return taken;
  }

  async get(key: Key): Promise<Uint8Array | undefined> {
    await this.#count("get");
    return this.#store.get(key);
  }

  async getRange(key: Key, range: ByteRange): Promise<Uint8Array | undefined> {
    await this.#count("get");
    return readRange(this.#store, key, range);
  }

  async set(key: Key, value: Uint8Array): Promise<void> {
    await this.#count("put");
    this.#sizes.push(value.length);
    return this.#store.set(key, value);
  }

  async create(key: Key, value: Uint8Array): Promise<boolean> {
    await this.#count("put");
    this.#sizes.push(value.length);
    return this.#store.create(key, value);
  }

  async has(key: Key): Promise<boolean> {
    await this.#count("head");
    return this.#store.has(key);
  }

  async *list(prefix: Key): AsyncIterable<Key> {
    await this.#count("list");
    let listed = 0;
    for await (const key of this.#store.list(prefix)) {
      if (listed > 0 && listed % KEYS_LISTED === 0) await this.#count("list");
      listed += 1;
      yield key;
    }
  }

  async delete(key: Key): Promise<void> {
    await this.#count("delete");
    return this.#store.delete(key);
  }

  async #count(what: keyof Requests): Promise<void> {
    this.#requests[what] += 1;
    if (this.#latency > 0) await setTimeout(this.#latency);
  }
}
