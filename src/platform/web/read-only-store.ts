import { PushforwardError } from "../../base/index.ts";
import type { Key, Store } from "../../results/index.ts";

/** A store of which a page can only read. */
export abstract class ReadOnlyStore implements Store {
  abstract readonly location: string;
  abstract get(key: Key): Promise<Uint8Array | undefined>;
  abstract has(key: Key): Promise<boolean>;
  abstract list(prefix: Key): AsyncIterable<Key>;

  set(): Promise<void> {
    return Promise.reject(this.#unwritable());
  }

  create(): Promise<boolean> {
    return Promise.reject(this.#unwritable());
  }

  delete(): Promise<void> {
    return Promise.reject(this.#unwritable());
  }

  #unwritable(): PushforwardError {
    return new PushforwardError("store-unwritable", {
      what: "A page can only read these files.",
      where: { file: this.location },
      fix: "Write to a store in memory, or on a computer with Node.",
    });
  }
}
