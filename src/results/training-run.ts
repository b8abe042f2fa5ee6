import { PushforwardError, type Shape } from "../base/index.ts";
import { chunkKey, fillChunk, readAll, readChunk, writeChunk } from "./arrays.ts";
import { differencesOf, tellDifferences } from "./differences.ts";
import { type ArrayLayout, arrayLayout, type Dimension } from "./layout.ts";
import { toAttributes } from "./manifest.ts";
import { filesOf, group, requireOnly, storedManifest, writeFiles } from "./metadata.ts";
import type { Key, Store } from "./store.ts";

/** A tensor that is stored at each checkpoint. */
interface StoredWeight {
  readonly name: string;
  readonly shape: Shape;
}

/** What identifies a training, and determines the layout of its store. */
export interface TrainingManifest {
  readonly format: "pushforward-training";
  readonly formatVersion: 1;
  /** All settings, as they were given. */
  readonly recipe: object;
  /** What identifies the examples: hashes of files, counts, the names of classes. */
  readonly data: object;
  readonly backend: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly steps: number;
  /** The steps at which weights are stored, ascending, with 0 and the last. */
  readonly checkpoints: readonly number[];
  readonly weights: readonly StoredWeight[];
  /** The parts of the state in their order, and how many numbers each has. */
  readonly state: readonly { readonly name: string; readonly length: number }[];
}

/** What is measured at a checkpoint; NaN where it is not. */
export interface CheckpointScore {
  /** On held-out examples. */
  readonly loss: number;
  /** The share of held-out examples that are classified correctly. */
  readonly accuracy: number;
  /** The share of the examples trained on with a wrong class for which the network gives this wrong class. */
  readonly memorised: number;
}

/** Steps of the curve of losses in one chunk. */
const STEPS_TOGETHER = 1024;

/**
 * The store of a training.
 *
 * Root: `step` [step], the step of each checkpoint, and what was measured there, `held_out_loss`, `held_out_accuracy` and `memorised` [step];
 * `done` [step]; `state` [entry], from which the training goes on. Group `weights`: each tensor [step, …] at the checkpoints. Group `curve`:
 * `loss` [step], the loss of each step from 1. The two groups have a coordinate `step` each.
 */
export class TrainingRun {
  readonly manifest: TrainingManifest;
  readonly #store: Store;
  readonly #layout: Layout;

  constructor(store: Store, manifest: TrainingManifest) {
    this.#store = store;
    this.manifest = manifest;
    this.#layout = layoutOf(manifest);
  }

  /** The name of the store in errors: its folder. */
  get location(): string {
    return this.#store.location;
  }

  /** Stores the weights of a checkpoint, and what was measured with them; it is done last. */
  async writeCheckpoint(
    index: number,
    weights: ReadonlyMap<string, Float32Array>,
    { loss, accuracy, memorised }: CheckpointScore,
  ): Promise<void> {
    const { heldOutLoss, heldOutAccuracy, memorised: memory, done } = this.#layout.root;
    for (const [name, array] of this.#layout.weights) await writeChunk(this.#store, array, weights.get(name)!, index);
    await writeChunk(this.#store, heldOutLoss, Float64Array.of(loss), index);
    await writeChunk(this.#store, heldOutAccuracy, Float64Array.of(accuracy), index);
    await writeChunk(this.#store, memory, Float64Array.of(memorised), index);
    await fillChunk(this.#store, done, true, index);
  }

  /** The weights of a checkpoint by name; `undefined` if it is not stored yet. */
  async readCheckpoint(index: number): Promise<ReadonlyMap<string, Float32Array> | undefined> {
    if (!(await this.done())[index]) return undefined;
    const read = [...this.#layout.weights].map(
      async ([name, array]) => [name, await readChunk(this.#store, array, index)] as const,
    );
    return new Map(await Promise.all(read));
  }

  /** Which checkpoints are stored. */
  async done(): Promise<boolean[]> {
    return Array.from(await readAll(this.#store, this.#layout.root.done));
  }

  /** What was measured at the checkpoints that are stored; NaN at others, and where nothing is held out. */
  async readScores(): Promise<CheckpointScore[]> {
    const { heldOutLoss, heldOutAccuracy, memorised } = this.#layout.root;
    const losses = await readAll(this.#store, heldOutLoss);
    const accuracies = await readAll(this.#store, heldOutAccuracy);
    const memory = await readAll(this.#store, memorised);
    return Array.from(losses, (loss, i) => ({ loss, accuracy: accuracies[i]!, memorised: memory[i]! }));
  }

  /**
   * Stores the losses of consecutive steps; `from` is the number of the first, from 1. Losses of other steps that share a chunk with
   * them, and come before them, stay; those after them are forgotten.
   */
  async writeLosses(from: number, losses: readonly number[]): Promise<void> {
    const { loss } = this.#layout.curve;
    for (let at = 0; at < losses.length; ) {
      const step = from - 1 + at;
      const chunk = Math.floor(step / STEPS_TOGETHER);
      const inChunk = step - chunk * STEPS_TOGETHER;
      const data =
        (inChunk === 0 ? undefined : await readChunk(this.#store, loss, chunk)) ?? new Float64Array(STEPS_TOGETHER);
      data.fill(Number.NaN, inChunk);
      const some = losses.slice(at, at + STEPS_TOGETHER - inChunk);
      data.set(some, inChunk);
      await this.#store.set(chunkKey(loss, chunk), new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      at += some.length;
    }
  }

  /** The loss of each step from 1; NaN where it is not stored yet. */
  async readLosses(): Promise<Float64Array> {
    return readAll(this.#store, this.#layout.curve.loss);
  }

  /** Stores the state completely or not at all: it is one file. */
  async writeState(state: Float64Array): Promise<void> {
    await writeChunk(this.#store, this.#layout.root.state, state);
  }

  /** The state that was stored last; `undefined` if none was. */
  async readState(): Promise<Float64Array | undefined> {
    const { state } = this.#layout.root;
    return (await this.#store.has(chunkKey(state))) ? readChunk(this.#store, state, 0) : undefined;
  }
}

/**
 * Starts a training in an empty store, or opens the same training in a store that contains it.
 *
 * @throws PushforwardError `store-mismatch` if the store contains another training, or other files
 */
export async function createTrainingRun(store: Store, manifest: TrainingManifest): Promise<TrainingRun> {
  if (await store.has("/zarr.json")) {
    const run = await openTrainingRun(store);
    requireSame(run.manifest, manifest, store.location);
    return run;
  }
  const files = metadataFiles(manifest);
  await requireOnly(store, files, "training");
  const { root, weightStep, curve } = layoutOf(manifest);
  const checkpoints = Int32Array.from(manifest.checkpoints);
  await writeChunk(store, root.step, checkpoints);
  await writeChunk(store, weightStep, checkpoints);
  await writeChunk(
    store,
    curve.step,
    Int32Array.from({ length: manifest.steps }, (_, i) => i + 1),
  );
  await writeFiles(store, files);
  return new TrainingRun(store, manifest);
}

/**
 * Opens a training, finished or not.
 *
 * @throws PushforwardError `file-unreadable` if there is nothing; `store-mismatch` if it is not a training
 */
export async function openTrainingRun(store: Store): Promise<TrainingRun> {
  const manifest = await storedManifest(store, "training", [1], "`pushforward train` wrote");
  return new TrainingRun(store, manifest as unknown as TrainingManifest); // written by `createTrainingRun`
}

type Layout = ReturnType<typeof layoutOf>;

function layoutOf({ checkpoints, steps, weights, state }: TrainingManifest) {
  const each: Dimension = ["step", checkpoints.length, 1];
  const all: Dimension = ["step", checkpoints.length, checkpoints.length];
  const atCheckpoint = (path: Key, about: string) =>
    arrayLayout(path, "float64", [each], Number.NaN, { long_name: about });
  const numbers = state.reduce((sum, { length }) => sum + length, 0);
  const stepsOfCheckpoints = { long_name: "steps before the checkpoint" };
  return {
    root: {
      step: arrayLayout("/step", "int32", [all], 0, stepsOfCheckpoints),
      heldOutLoss: atCheckpoint("/held_out_loss", "loss on held-out examples, without dropout"),
      heldOutAccuracy: atCheckpoint("/held_out_accuracy", "share of held-out examples classified correctly"),
      memorised: atCheckpoint(
        "/memorised",
        "share of the examples trained on with a wrong class for which the network gives this wrong class",
      ),
      done: arrayLayout("/done", "bool", [each], false, {
        long_name: "whether the checkpoint is stored; written last",
      }),
      state: arrayLayout("/state", "float64", [["entry", numbers, numbers]], 0, {
        long_name: "what the training goes on from; the attribute `state` of the group says which entries are what",
      }),
    },
    weightStep: arrayLayout("/weights/step", "int32", [all], 0, stepsOfCheckpoints),
    weights: new Map(
      weights.map(({ name, shape }) => {
        const axes = shape.map((extent, axis): Dimension => [`${name}_${axis}`, extent, extent]);
        const about = { long_name: `weight ${name}` };
        return [name, arrayLayout(`/weights/${name}`, "float32", [each, ...axes], Number.NaN, about)];
      }),
    ),
    curve: {
      step: arrayLayout("/curve/step", "int32", [["step", steps, steps]], 0, {
        long_name: "number of the step, from 1",
      }),
      loss: arrayLayout("/curve/loss", "float64", [["step", steps, STEPS_TOGETHER]], Number.NaN, {
        long_name: "loss of the step on its batch, with dropout, before the weights change",
      }),
    },
  };
}

/** The metadata files. That of the root is last, because it makes the store a training. */
function metadataFiles(manifest: TrainingManifest): [Key, Uint8Array][] {
  const layout = layoutOf(manifest);
  const children = new Map<Key, object>();
  const add = (arrays: readonly ArrayLayout<"int32" | "float32" | "float64" | "bool">[]) => {
    const found = arrays.map(({ path, metadata }): [Key, object] => [path, metadata]);
    for (const [path, metadata] of found) children.set(path, metadata);
    return new Map(found);
  };
  const weights = add([layout.weightStep, ...layout.weights.values()]);
  const curve = add(Object.values(layout.curve));
  children.set("/weights", group({}, "/weights", weights));
  children.set("/curve", group({}, "/curve", curve));
  add(Object.values(layout.root));
  return filesOf(toAttributes(manifest), children);
}

/** @throws PushforwardError `store-mismatch` naming the settings in which two trainings differ */
function requireSame(stored: TrainingManifest, asked: TrainingManifest, location: string): void {
  const lines = (["recipe", "data", "backend", "versions"] as const).flatMap((key) =>
    differencesOf(key, stored[key], asked[key]),
  );
  if (lines.length === 0) return;
  throw new PushforwardError("store-mismatch", {
    what: `This folder contains another training. ${tellDifferences(lines)}`,
    where: { file: location },
    fix: "Use the recipe and the data of the stored training to continue it, or give another folder with --out.",
  });
}
