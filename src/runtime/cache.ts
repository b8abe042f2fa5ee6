/** Something compiled. */
export interface Compiled {
  /** The bytes of its weights in all its graphs. */
  readonly bytes: number;
  release(): Promise<void>;
}

interface Entry<T> {
  readonly made: Promise<T>;
  /** Absent until it is made. */
  bytes?: number;
  /** How many are at work with it; it is not released as long as there are any. */
  users: number;
}

/**
 * Compiled graphs by name, within a budget of bytes. Those that were used least recently are released, and made again when they are asked
 * for. One that is larger than the budget is held alone.
 */
export class CompiledCache<T extends Compiled> {
  #budget: number;
  /** The least recently used first. */
  readonly #entries = new Map<string, Entry<T>>();

  constructor(budget: number) {
    this.#budget = budget;
  }

  /** Sets the budget, and releases what is too much. */
  async limit(budget: number): Promise<void> {
    this.#budget = budget;
    await this.makeRoom(0);
  }

  /** The bytes held. */
  get bytes(): number {
    return [...this.#entries.values()].reduce((sum, { bytes = 0 }) => sum + bytes, 0);
  }

  /** Works with what has this name, which is made if it is not there. What could not be made is tried again the next time. */
  async use<R>(name: string, make: () => Promise<T>, work: (compiled: T) => Promise<R>): Promise<R> {
    const entry: Entry<T> = this.#entries.get(name) ?? { made: make(), users: 0 };
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    entry.users++;
    try {
      const compiled = await entry.made;
      if (entry.bytes === undefined) {
        entry.bytes = compiled.bytes;
        await this.makeRoom(0);
      }
      return await work(compiled);
    } catch (cause) {
      if (entry.bytes === undefined && this.#entries.get(name) === entry) this.#entries.delete(name);
      throw cause;
    } finally {
      entry.users--;
    }
  }

  /** Releases what was used least recently until so many bytes can be added within the budget, or all that is left is at work. */
  async makeRoom(bytes: number): Promise<void> {
    for (const [name, { made, users }] of this.#entries) {
      if (this.bytes + bytes <= this.#budget) return;
      if (users > 0) continue;
      this.#entries.delete(name);
      await (await made).release();
    }
  }

  /** Releases all. It is made again when it is asked for. */
  async clear(): Promise<void> {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    for (const { made } of entries) await (await made.catch(() => undefined))?.release();
  }
}
