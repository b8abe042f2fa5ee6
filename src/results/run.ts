import { PushforwardError, type Shape, sizeOf } from "../base/index.ts";
import { chunkKey, fillChunk, readAll, readChunk, writeChunk, writeTexts } from "./arrays.ts";
import { type ColumnName, type Layout, layoutOf, statusWords } from "./layout.ts";
import { checkManifest, readManifest, requireSameRun } from "./manifest.ts";
import { matchInputs } from "./match-inputs.ts";
import { metadataFiles, writeMetadata } from "./metadata.ts";
import { statusOf } from "./status.ts";
import type { Store } from "./store.ts";
import type { InputRecord, RunManifest, UnitResult } from "./types.ts";
import { checkUnit, readUnitChunks, writeUnitChunks } from "./unit.ts";

/** Numbers of all units: [input, tap], or [input, tap, k]; NaN where nothing is stored. */
export interface Table {
  readonly shape: Shape;
  readonly data: Float64Array;
}

/** What `Run.table` gives: the triplets' numbers, or one number a unit; `status`, `stopped`, `missed_kind` as codes. */
export type TableName = "sigma" | "residual" | "status" | ColumnName;

/** What becomes of an input while a run goes on. */
export type InputNote = Partial<Pick<InputRecord, "predicted" | "failed">>;

/** A run in its store. Inputs and taps are numbered as in the manifest, from 0. */
export interface Run {
  /** With the labels, predictions and failures noted so far. */
  readonly manifest: RunManifest;
  /** Whether a unit was stored when the run was opened, or by this `Run` since. */
  isDone(input: number, tap: number): boolean;
  /**
   * Stores a unit: its numbers and vectors, and that it is done at last. One that is stored already is replaced.
   *
   * @throws PushforwardError `shape-mismatch` if it is not of the sizes of its tap; `store-unwritable`
   */
  writeUnit(input: number, tap: number, unit: UnitResult): Promise<void>;
  /** Why a unit that is not done has failed, where it was tried; undefined where it did not, or was not. */
  failureOf(input: number, tap: number): string | undefined;
  /** Notes why a unit has no result; it is not done, and a result that is written later takes the note away. */
  failUnit(input: number, tap: number, why: string): Promise<void>;
  /** A unit, if it is done (also by another writer since); its vectors all, none, or those with the indices given. */
  readUnit(
    input: number,
    tap: number,
    options?: { readonly vectors?: boolean | readonly number[] },
  ): Promise<UnitResult | undefined>;
  /** Stores the source tensor of an input, [n]: the preprocessed picture, where the source is the network's input. */
  writeSource(input: number, source: Float32Array): Promise<void>;
  readSource(input: number): Promise<Float32Array | undefined>;
  /** Notes what became of an input: the class that the network gives it, or why it could not be used. */
  noteInput(input: number, note: InputNote): Promise<void>;
  /** One quantity of all done units, for figures; units of other writers count as when the run was opened. */
  table(name: TableName): Promise<Table>;
}

/**
 * Begins a run in an empty store, or goes on with the same run in a store that holds it (whatever of it is done). Inputs that
 * the store has not are added behind those that it has: `matchInputs` tells which is where in the run that is returned.
 *
 * Killed at any point, the next call makes it good: the root group that makes the store a run is written last.
 *
 * @throws PushforwardError `store-mismatch` if the store holds another run or other files; `store-unwritable`; and what
 * `checkManifest` says of a manifest without inputs or taps
 */
export async function createRun(store: Store, manifest: RunManifest): Promise<Run> {
  const earlier = await readRun(store, manifest);
  if (earlier === undefined) {
    const layout = layoutOf(manifest);
    await writeCoordinates(store, manifest, layout, { from: 0, earlier: [] });
    await writeMetadata(store, metadataFiles(manifest, layout));
    return openRun(store);
  }
  const { run, together } = earlier;
  const { inputs } = matchInputs(run.manifest.inputs, manifest.inputs);
  const grown = { ...run.manifest, inputs };
  checkManifest(grown);
  const layout = layoutOf(grown, together);
  await writeCoordinates(store, grown, layout, { from: run.manifest.inputs.length, earlier: run.manifest.inputs });
  await writeMetadata(store, metadataFiles(grown, layout));
  return openRun(store);
}

/**
 * The same run, where the store holds it; undefined where it can begin. Nothing is written.
 *
 * @throws PushforwardError as `createRun`
 */
export async function earlierRun(store: Store, manifest: RunManifest): Promise<Run | undefined> {
  return (await readRun(store, manifest))?.run;
}

/** A run as it is stored, and how many inputs share a chunk of its texts. */
interface EarlierRun {
  readonly run: Run;
  readonly together: number;
}

async function readRun(store: Store, manifest: RunManifest): Promise<EarlierRun | undefined> {
  checkManifest(manifest);
  const root = await store.get("/zarr.json");
  if (root !== undefined) {
    const earlier = await readRoot(store, root);
    requireSameRun(earlier.run.manifest, manifest, store.location);
    return earlier;
  }
  const ours = new Set(metadataFiles(manifest, layoutOf(manifest)).map(([key]) => key.split("/")[1]));
  for await (const key of store.list("/")) {
    if (ours.has(key.split("/")[1])) continue;
    throw new PushforwardError("store-mismatch", {
      what: `This folder is not empty and holds no run: there is ${key.slice(1)}.`,
      where: { file: store.location },
      fix: "Choose a new or an empty folder with --out.",
    });
  }
  return undefined;
}

/**
 * Opens a run, finished or not: exactly the units whose writing was completed are done.
 *
 * @throws PushforwardError `file-unreadable` if nothing is there; `store-mismatch` if it is no run
 */
export async function openRun(store: Store): Promise<Run> {
  const root = await store.get("/zarr.json");
  if (root !== undefined) return (await readRoot(store, root)).run;
  throw new PushforwardError("file-unreadable", {
    what: "There is no run here.",
    where: { file: store.location },
    fix: "Give the folder that a run was written to.",
  });
}

async function readRoot(store: Store, bytes: Uint8Array): Promise<EarlierRun> {
  const root = rootOf(bytes);
  const manifest = readManifest(root.attributes ?? {}, store.location);
  const chunk = root.consolidated_metadata?.metadata?.input?.chunk_grid?.configuration?.chunk_shape?.[0];
  const together = chunk ?? manifest.inputs.length;
  const layout = layoutOf(manifest, together);
  const [predicted, failed, unitFailed, done] = await Promise.all([
    readAll(store, layout.predicted),
    readAll(store, layout.failed),
    readAll(store, layout.unitFailed),
    readAll(store, layout.done),
  ]);
  const inputs = manifest.inputs.map((input, i) => noted(input, { predicted: predicted[i], failed: failed[i] }));
  const units = { done: Array.from(done), failed: Array.from(unitFailed) };
  return { run: new StoredRun(store, { ...manifest, inputs }, layout, units), together };
}

/** What is read of the metadata of a root group. */
interface Root {
  readonly attributes?: Readonly<Record<string, unknown>>;
  readonly consolidated_metadata?: {
    readonly metadata?: {
      readonly input?: { readonly chunk_grid?: { readonly configuration?: { readonly chunk_shape?: number[] } } };
    };
  };
}

/** The metadata of a root group; nothing where it cannot be read. */
export function rootOf(bytes: Uint8Array): Root {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as Root;
  } catch {
    return {};
  }
}

/** The input with the notes that say something. */
function noted(input: InputRecord, { predicted, failed }: InputNote): InputRecord {
  return { ...input, ...(predicted ? { predicted } : {}), ...(failed ? { failed } : {}) };
}

/**
 * Writes what names inputs and taps; of a run that grows, the texts of the inputs `from` this one on, and those that differ
 * from what they were earlier.
 */
async function writeCoordinates(
  store: Store,
  manifest: RunManifest,
  layout: Layout,
  { from, earlier }: { readonly from: number; readonly earlier: readonly InputRecord[] },
): Promise<void> {
  const { inputs, taps } = manifest;
  if (from === 0) {
    await writeTexts(
      store,
      layout.tap,
      taps.map(({ name }) => name),
    );
    await writeChunk(
      store,
      layout.k,
      Int32Array.from({ length: layout.k.metadata.shape[0]! }, (_, i) => i + 1),
    );
    await writeChunk(
      store,
      layout.m,
      Int32Array.from(taps, ({ shape }) => sizeOf(shape)),
    );
    await fillChunk(store, layout.n, sizeOf(manifest.from.shape));
  }
  const names = inputs.map(({ name }) => name);
  const labels = inputs.map(({ label = "" }) => label);
  const chunk = layout.input.metadata.chunk_grid.configuration.chunk_shape[0]!;
  for (let start = 0; start < inputs.length; start += chunk) {
    const texts = (of: readonly string[]) => Array.from({ length: chunk }, (_, i) => of[start + i] ?? "");
    if (start + chunk > from) {
      await writeTexts(store, layout.input, texts(names), start / chunk);
      for (const plans of layout.vectors)
        if (plans !== undefined) await writeTexts(store, plans.input, texts(names), start / chunk);
    }
    const before = Array.from({ length: chunk }, (_, i) => earlier[start + i]?.label ?? "");
    if (start + chunk > from || texts(labels).some((label, i) => label !== before[i])) {
      await writeTexts(store, layout.label, texts(labels), start / chunk);
    }
  }
  for (const [i, { predicted = "", failed = "" }] of inputs.entries()) {
    const before = earlier[i];
    if (predicted !== (before?.predicted ?? "")) await writeTexts(store, layout.predicted, [predicted], i);
    if (failed !== (before?.failed ?? "")) await writeTexts(store, layout.failed, [failed], i);
  }
}

class StoredRun implements Run {
  readonly #store: Store;
  readonly #layout: Layout;
  /** [inputs · taps] */
  readonly #done: boolean[];
  /** [inputs · taps], empty where the unit has not failed. */
  readonly #failed: string[];
  #manifest: RunManifest;

  constructor(
    store: Store,
    manifest: RunManifest,
    layout: Layout,
    { done, failed }: { done: boolean[]; failed: string[] },
  ) {
    this.#store = store;
    this.#manifest = manifest;
    this.#layout = layout;
    this.#done = done;
    this.#failed = failed;
  }

  get manifest(): RunManifest {
    return this.#manifest;
  }

  isDone(input: number, tap: number): boolean {
    return this.#done[this.#at(input, tap)]!;
  }

  async writeUnit(input: number, tap: number, unit: UnitResult): Promise<void> {
    const at = this.#at(input, tap);
    checkUnit(this.manifest, this.#layout, tap, unit);
    const done = chunkKey(this.#layout.done, input, tap);
    if (await this.#store.has(done)) {
      this.#done[at] = false;
      await this.#store.delete(done);
    }
    await writeUnitChunks(this.#store, this.#layout, input, tap, unit);
    await this.#store.delete(chunkKey(this.#layout.unitFailed, input, tap));
    await fillChunk(this.#store, this.#layout.done, true, input, tap);
    this.#done[at] = true;
    this.#failed[at] = "";
  }

  failureOf(input: number, tap: number): string | undefined {
    return this.#failed[this.#at(input, tap)] || undefined;
  }

  async failUnit(input: number, tap: number, why: string): Promise<void> {
    const at = this.#at(input, tap);
    await writeTexts(this.#store, this.#layout.unitFailed, [why], input, tap);
    this.#failed[at] = why;
  }

  async readUnit(
    input: number,
    tap: number,
    { vectors = true }: { readonly vectors?: boolean | readonly number[] } = {},
  ): Promise<UnitResult | undefined> {
    const at = this.#at(input, tap);
    if (!(await this.#store.has(chunkKey(this.#layout.done, input, tap)))) return undefined;
    this.#done[at] = true;
    return readUnitChunks(this.#store, this.manifest, this.#layout, input, tap, vectors);
  }

  async writeSource(input: number, source: Float32Array): Promise<void> {
    this.#at(input, 0);
    const size = sizeOf(this.manifest.from.shape);
    if (source.length !== size) {
      throw new PushforwardError("shape-mismatch", { what: `A source has ${source.length} numbers, not ${size}.` });
    }
    await writeChunk(this.#store, this.#layout.source, source, input);
  }

  async readSource(input: number): Promise<Float32Array | undefined> {
    this.#at(input, 0);
    const isStored = await this.#store.has(chunkKey(this.#layout.source, input));
    return isStored ? readChunk(this.#store, this.#layout.source, input) : undefined;
  }

  async noteInput(input: number, note: InputNote): Promise<void> {
    this.#at(input, 0);
    if (note.predicted) await writeTexts(this.#store, this.#layout.predicted, [note.predicted], input);
    if (note.failed) await writeTexts(this.#store, this.#layout.failed, [note.failed], input);
    const inputs = this.manifest.inputs.map((record, i) => (i === input ? noted(record, note) : record));
    this.#manifest = { ...this.#manifest, inputs };
  }

  async table(name: TableName): Promise<Table> {
    const plan =
      name === "sigma" || name === "residual" || name === "status" ? this.#layout[name] : this.#layout.columns[name];
    const { shape, fill_value: fill } = plan.metadata;
    const data = Float64Array.from(await readAll(this.#store, plan), (value) => (value === fill ? Number.NaN : value));
    const each = data.length / this.#done.length;
    for (const [unit, isDone] of this.#done.entries()) {
      if (!isDone) data.fill(Number.NaN, unit * each, (unit + 1) * each);
    }
    return { shape, data: name === "status" ? await this.#statusCodes(data, each) : data };
  }

  /** The codes of `statusOf` for those that are stored; a unit has `each` of them. */
  async #statusCodes(stored: Float64Array, each: number): Promise<Float64Array> {
    const [{ data: sigma }, { data: floor }] = [await this.table("sigma"), await this.table("floor")];
    return stored.map((code, at) => {
      const word = statusWords[code];
      return word === undefined ? code : statusWords.indexOf(statusOf(word, sigma[at]!, floor[Math.floor(at / each)]!));
    });
  }

  /** The number of a unit. */
  #at(input: number, tap: number): number {
    const { inputs, taps } = this.manifest;
    if (inputs[input] !== undefined && taps[tap] !== undefined) return input * taps.length + tap;
    throw new PushforwardError("shape-mismatch", {
      what: `There is no unit (${input}, ${tap}) in a run of ${inputs.length} input(s) and ${taps.length} tap(s).`,
      where: { file: this.#store.location },
    });
  }
}
