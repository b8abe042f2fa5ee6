import { describe, expect, test } from "vitest";
import { createRng, type Rng } from "../../src/base/index.ts";
import {
  createRun,
  createStudyRun,
  type Key,
  MemoryStore,
  openRun,
  type RunManifest,
  type StudyManifest,
} from "../../src/results/index.ts";
import { exampleUnit, exampleManifest as whole } from "./example-run.ts";

/**
 * A store whose host loses its power after so many changes. What was set since the last `create` may be on the disk or not, each change by
 * itself, as file systems order them freely; what came before is there.
 */
class FailingStore extends MemoryStore {
  changesLeft = Number.POSITIVE_INFINITY;
  changes = 0;
  /** What each change since the last `create` replaced. */
  #unforced: (readonly [key: Key, before: Uint8Array | undefined])[] = [];

  override async set(key: Key, value: Uint8Array): Promise<void> {
    await this.#change(key);
    await super.set(key, value);
  }

  override async delete(key: Key): Promise<void> {
    await this.#change(key);
    await super.delete(key);
  }

  override async create(key: Key, value: Uint8Array): Promise<boolean> {
    this.#count();
    const isFirst = await super.create(key, value);
    this.#unforced = [];
    return isFirst;
  }

  async #change(key: Key): Promise<void> {
    this.#count();
    this.#unforced.push([key, await this.get(key)]);
  }

  #count(): void {
    if (this.changesLeft-- <= 0) throw new Error("no power");
    this.changes++;
  }

  /** What the disk holds afterwards; the latest changes of a key are lost before its earlier ones. */
  async restart(rng: Rng, lost: number): Promise<void> {
    this.changesLeft = Number.POSITIVE_INFINITY;
    for (const [key, before] of this.#unforced.reverse()) {
      if (rng.uniform() >= lost) continue;
      if (before === undefined) await super.delete(key);
      else await super.set(key, before);
    }
    this.#unforced = [];
  }
}

async function contentsOf(store: MemoryStore): Promise<ReadonlyMap<Key, string>> {
  const found: [Key, string][] = [];
  for await (const key of store.list("/")) found.push([key, Buffer.from((await store.get(key))!).toString("base64")]);
  return new Map(found.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * Does work on a store that fails after each number of changes in turn, and again after the restart.
 *
 * @param look what must hold of the store in between, given how many parts of the work had ended
 */
async function survives(
  work: (store: MemoryStore, ended: () => void) => Promise<void>,
  look: (store: MemoryStore, ended: number) => Promise<void>,
) {
  const undisturbed = new FailingStore();
  await work(undisturbed, () => undefined);
  const expected = await contentsOf(undisturbed);
  for (const lost of [0, 0.5, 1]) {
    for (let changes = 0; changes < undisturbed.changes; changes++) {
      const store = new FailingStore();
      store.changesLeft = changes;
      let ended = 0;
      await expect(work(store, () => ended++)).rejects.toThrow("no power");
      await store.restart(createRng("power", changes, lost), lost);
      await look(store, ended);
      await work(store, () => undefined);
      expect(await contentsOf(store)).toEqual(expected);
    }
  }
}

describe("a failure of the power after any change", () => {
  const manifest: RunManifest = { ...whole, taps: whole.taps.slice(1), vectors: 1 };
  const places = [0, 1].flatMap((input) => [0, 1].map((tap) => [input, tap] as const));

  test("loses no unit of a run that was done, and leaves none that is done and not whole", async () => {
    const unit = (input: number, tap: number) => {
      const { vectors, ...numbers } = exampleUnit(manifest, input, tap);
      const { m, n } = numbers;
      return { ...numbers, vectors: { index: [0], u: vectors.u.slice(0, m), v: vectors.v.slice(0, n) } };
    };
    await survives(
      async (store, ended) => {
        const run = await createRun(store, manifest);
        for (const [input, tap] of places) {
          if (run.isDone(input, tap)) continue;
          await run.writeUnit(input, tap, unit(input, tap));
          ended();
        }
      },
      async (store, ended) => {
        if (!(await store.has("/zarr.json"))) return expect(ended).toBe(0);
        const run = await openRun(store);
        const done = places.filter(([input, tap]) => run.isDone(input, tap));
        expect(done.length).toBeGreaterThanOrEqual(ended);
        for (const [input, tap] of done) expect(await run.readUnit(input, tap)).toEqual(unit(input, tap));
      },
    );
  }, 120_000);

  test("loses no cell of a study that was done", async () => {
    const { inputs, model, preprocess, seed, k, tol, vectors, backend, versions, created } = whole;
    const study: StudyManifest = {
      ...{ format: "pushforward-study", formatVersion: 2, study: "noise", params: {} },
      ...{ model, inputs, preprocess, seed, backend, versions, created },
      spectra: { k, tol, vectors },
      axes: { image: ["cat", "cave"], level: [0.1, 0.2], k: [1, 2, 3] },
      cell: ["image", "level"],
      variables: { gain: { dims: ["k"], about: "gain" }, shift: { dims: [], about: "shift" } },
    };
    const measured = ([image, level]: readonly number[]) => ({ gain: [image!, level!, 7], shift: image! - level! });
    await survives(
      async (store, ended) => {
        const run = await createStudyRun(store, study);
        for (const place of places) {
          if (run.isDone(place)) continue;
          await run.write(place, measured(place), 1);
          ended();
        }
      },
      async (store, ended) => {
        if (!(await store.has("/zarr.json"))) return expect(ended).toBe(0);
        const run = await createStudyRun(store, study);
        const done = places.filter((place) => run.isDone(place));
        expect(done.length).toBeGreaterThanOrEqual(ended);
        const { data } = await run.read("gain");
        for (const [image, level] of done) {
          const at = (image * 2 + level) * 3;
          expect(Array.from(data.slice(at, at + 3))).toEqual([image, level, 7]);
        }
      },
    );
  }, 120_000);
});
