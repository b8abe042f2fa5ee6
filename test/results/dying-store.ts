import { type Key, MemoryStore } from "../../src/results/index.ts";

/** A store that is killed: after so many changes every further one fails. */
export class DyingStore extends MemoryStore {
  changesLeft = Number.POSITIVE_INFINITY;
  changes = 0;

  override async set(key: Key, value: Uint8Array): Promise<void> {
    this.#change();
    await super.set(key, value);
  }

  override async create(key: Key, value: Uint8Array): Promise<boolean> {
    this.#change();
    return super.create(key, value);
  }

  override async delete(key: Key): Promise<void> {
    this.#change();
    await super.delete(key);
  }

  #change(): void {
    if (this.changesLeft-- <= 0) throw new Error("killed");
    this.changes++;
  }
}
