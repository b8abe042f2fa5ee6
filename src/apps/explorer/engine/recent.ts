/** Things by key, within a budget of bytes: those used least recently are dropped. One that is larger than the budget is kept alone. */
export class Recent<K, T> {
  /** The least recently used first. */
  readonly #entries = new Map<K, { readonly value: T; readonly bytes: number }>();
  readonly #drop: (value: T) => unknown;
  #budget: number;

  /** @param drop frees what is dropped */
  constructor(budget: number, drop: (value: T) => unknown = () => undefined) {
    this.#budget = budget;
    this.#drop = drop;
  }

  get bytes(): number {
    return [...this.#entries.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** What has this key, which is now the most recently used. */
  get(key: K): T | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  set(key: K, value: T, bytes: number): void {
    this.#entries.set(key, { value, bytes });
    this.#shrink();
  }

  /** Sets the budget, and drops what is too much. */
  limit(budget: number): void {
    this.#budget = budget;
    this.#shrink();
  }

  clear(): void {
    for (const { value } of this.#entries.values()) this.#drop(value);
    this.#entries.clear();
  }

  #shrink(): void {
    for (const [key, { value }] of this.#entries) {
      if (this.bytes <= this.#budget || this.#entries.size === 1) return;
      this.#entries.delete(key);
      this.#drop(value);
    }
  }
}
