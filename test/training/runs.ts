import { expect } from "vitest";
import { createTrainingRun, type Key, type Store, type TrainingRun } from "../../src/results/index.ts";
import type { Backend } from "../../src/runtime/index.ts";
import { type Recipe, type Split, type TrainOptions, train, trainingManifest } from "../../src/training/index.ts";

/** A training in a store, to its end or until it is interrupted. */
export async function run(
  backend: Backend,
  store: Store,
  of: Recipe,
  examples: Split,
  options: TrainOptions = {},
): Promise<TrainingRun> {
  const manifest = trainingManifest(of, examples, { data: {}, backend: backend.description, versions: {} });
  const stored = await createTrainingRun(store, manifest);
  await train(backend, of, examples, stored, options);
  return stored;
}

/** The same, but interrupted after every step. Returns how often. */
export async function runInParts(backend: Backend, store: Store, of: Recipe, examples: Split): Promise<number> {
  for (let interruptions = 0; ; interruptions++) {
    const aborter = new AbortController();
    const options = { signal: aborter.signal, onStep: () => aborter.abort() };
    const error = await run(backend, store, of, examples, options).then(
      () => undefined,
      (cause: unknown) => cause,
    );
    if (error === undefined) return interruptions;
    expect(error).toMatchObject({ code: "interrupted" });
  }
}

export async function bytesIn(store: Store): Promise<Map<Key, Uint8Array>> {
  const keys: Key[] = [];
  for await (const key of store.list("/")) keys.push(key);
  return new Map(await Promise.all(keys.sort().map(async (key) => [key, (await store.get(key))!] as const)));
}
