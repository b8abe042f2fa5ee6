import { rm } from "node:fs/promises";
import { join } from "node:path";
import { DirectoryStore } from "../../platform/node/directory-store.ts";
import type { Key } from "../../results/index.ts";
import type { TrialState } from "../../search/index.ts";

/** Where the trainings of a search go on: a file for each candidate and seed in the folder `states` of the search. */
export class SearchStates {
  readonly #folder: string;
  readonly #store: DirectoryStore;

  constructor(out: string) {
    this.#folder = join(out, "states");
    this.#store = new DirectoryStore(this.#folder);
  }

  async read(candidate: number, seed: number): Promise<TrialState | undefined> {
    const bytes = await this.#store.get(keyOf(candidate, seed));
    if (bytes === undefined) return undefined;
    const data = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8);
    return { seconds: data[0]!, packed: data.subarray(1) };
  }

  async write(candidate: number, seed: number, { seconds, packed }: TrialState): Promise<void> {
    const data = new Float64Array(packed.length + 1);
    data[0] = seconds;
    data.set(packed, 1);
    await this.#store.set(keyOf(candidate, seed), new Uint8Array(data.buffer));
  }

  /** Forgets the states of candidates that are not trained any more. */
  async keepOnly(candidates: ReadonlySet<number>): Promise<void> {
    for await (const key of this.#store.list("/")) {
      if (!candidates.has(Number(key.slice(1).split("-")[0]))) await this.#store.delete(key);
    }
  }

  async forget(candidate: number, seed: number): Promise<void> {
    await this.#store.delete(keyOf(candidate, seed));
  }

  async forgetAll(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

const keyOf = (candidate: number, seed: number): Key => `/${candidate}-${seed}`;
