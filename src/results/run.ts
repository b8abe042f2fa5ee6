import { PushforwardError, type Shape, sizeOf } from "../base/index.ts";
import {
  areStored,
  chunkKey,
  readAll,
  readChunk,
  readStoredTexts,
  textsChunk,
  writeChunk,
  writeTexts,
} from "./arrays.ts";
import { type ColumnName, quantities, statusWords } from "./columns.ts";
import { coordinateFiles, writeNotes } from "./coordinates.ts";
import { earlierLayoutOf } from "./earlier-layout.ts";
import { layoutOf } from "./layout.ts";
import { checkManifest, readManifest, requireSameRun } from "./manifest.ts";
import { matchInputs } from "./match-inputs.ts";
import { metadataFiles, requireOnly, rootOf, writeFiles } from "./metadata.ts";
import { statusOf } from "./status.ts";
import type { Store } from "./store.ts";
import type { InputRecord, RunManifest, UnitResult } from "./types.ts";
import { type AnyLayout, checkUnit, readUnitChunks, type UnitRecord, writeUnitChunks } from "./unit.ts";

/** The numbers of all units: [input, tap], or [input, tap, k]; NaN where nothing is stored. */
export interface Table {
  readonly shape: Shape;
  readonly data: Float64Array;
}

/** What `Run.table` can return: numbers of triplets, or one number for each unit; `status`, `stopped`, `missed_kind` as codes. */
export type TableName = "sigma" | "residual" | "status" | ColumnName;

/** A unit of a run, by the indices of its input and tap in the manifest. */
export interface UnitPlace {
  readonly input: number;
  readonly tap: number;
}

/** What is learned about an input during a run. */
export type InputNote = Partial<Pick<InputRecord, "predicted" | "failed">>;

/** A run in its store. Inputs and taps are numbered as in the manifest, from 0. */
export interface Run {
  /** The manifest, with the labels, predictions and failures known so far. */
  readonly manifest: RunManifest;
  /** Whether a unit was stored when the run was opened, or by this `Run` since. */
  isDone(input: number, tap: number): boolean;
  /**
   * Stores a unit: its numbers and vectors, and last that it is done. A unit that is stored already, by this or another program, stays as
   * it is.
   *
   * @throws PushforwardError `shape-mismatch` if its sizes do not fit the tap; `store-unwritable`
   */
  writeUnit(input: number, tap: number, unit: UnitResult): Promise<void>;
  /** The reason why a unit failed; `undefined` if it is done or was not tried. */
  failureOf(input: number, tap: number): string | undefined;
  /** Stores why a unit has no result. The unit is not done; a result that is written later removes the reason. */
  failUnit(input: number, tap: number, why: string): Promise<void>;
  /** A unit, if it is done (also if another program has written it since), with all, no, or the given vectors. */
  readUnit(
    input: number,
    tap: number,
    options?: { readonly vectors?: boolean | readonly number[] },
  ): Promise<UnitResult | undefined>;
  /** Stores the source tensor of an input, [n]. If the source is the input of the network, it is the preprocessed picture. */
  writeSource(input: number, source: Float32Array): Promise<void>;
  readSource(input: number): Promise<Float32Array | undefined>;
  /** Stores what was learned about an input: the class that the network predicts, or why it could not be used. */
  noteInput(input: number, note: InputNote): Promise<void>;
  /**
   * Looks for what other programs have written since the run was opened, or since the last look: the units that are done or have failed by
   * now and were not before, in the order of the manifest. Inputs that were added since are not among them.
   */
  refresh(): Promise<readonly UnitPlace[]>;
  /** One quantity of all units that are done, for figures. Units written by other programs count if they were done on opening. */
  table(name: TableName): Promise<Table>;
}

/**
 * Starts a run in an empty store, or continues the same run in a store that contains it. Inputs that the store does not have are added
 * after those that it has; `matchInputs` gives their indices in the run that is returned.
 *
 * The root group, which makes the store a run, is created first, so that of programs that start in one store at once one is first and
 * the others continue its run, or refuse it. If the program is killed at any point, the next call completes the work.
 *
 * @throws PushforwardError `store-mismatch` if the store contains another run or other files; `store-unwritable`; and the errors of
 * `checkManifest`
 */
export async function createRun(store: Store, manifest: RunManifest): Promise<Run> {
  let earlier = await readRun(store, manifest);
  if (earlier === undefined) {
    const [key, root] = metadataFiles(manifest, layoutOf(manifest)).at(-1)!;
    await store.create(key, root);
    earlier = (await readRun(store, manifest))!;
  }
  const { run, together } = earlier;
  const { inputs } = matchInputs(run.manifest.inputs, manifest.inputs);
  const grown = { ...run.manifest, inputs };
  checkManifest(grown);
  const layout = layoutOf(grown, together);
  await writeNotes(store, grown, layout, run.manifest.inputs);
  await writeFiles(store, [...coordinateFiles(grown, layout), ...metadataFiles(grown, layout)]);
  const { run: whole } = await readRoot(store, (await store.get("/zarr.json"))!, machineOf(manifest));
  return whole;
}

/** What computed numbers, and where: everything among the versions but that of this program. */
const machineOf = ({ versions: { pushforward: _, ...machine } }: Pick<RunManifest, "versions">): string =>
  Object.entries(machine)
    .map(([name, version]) => `${name} ${version}`)
    .join(", ");

/**
 * The same run, if the store contains it; `undefined` if a new run can start. Nothing is written.
 *
 * @throws PushforwardError as `createRun`
 */
export async function earlierRun(store: Store, manifest: RunManifest): Promise<Run | undefined> {
  return (await readRun(store, manifest))?.run;
}

/** A stored run, and how many inputs share a chunk of its texts. */
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
    if (earlier.run.manifest.formatVersion === manifest.formatVersion) return earlier;
    throw new PushforwardError("store-mismatch", {
      what: "This run was stored by an earlier version in another format, which can be read and not continued.",
      where: { file: store.location },
      fix: "Choose a new folder with --out.",
    });
  }
  await requireOnly(store, metadataFiles(manifest, layoutOf(manifest)), "run");
  return undefined;
}

/**
 * Opens a run, finished or not. Exactly those units are done that were written completely.
 *
 * @param versions what is noted with the units that are written, as a manifest has it
 * @throws PushforwardError `file-unreadable` if there is nothing; `store-mismatch` if it is not a run
 */
export async function openRun(store: Store, versions?: RunManifest["versions"]): Promise<Run> {
  const root = await store.get("/zarr.json");
  if (root !== undefined) return (await readRoot(store, root, versions && machineOf({ versions }))).run;
  throw new PushforwardError("file-unreadable", {
    what: "There is no run here.",
    where: { file: store.location },
    fix: "Give the folder that a run was written to.",
  });
}

async function readRoot(store: Store, bytes: Uint8Array, machine = ""): Promise<EarlierRun> {
  const root = rootOf(bytes);
  const manifest = readManifest(root.attributes ?? {}, store.location);
  const chunk = root.consolidated_metadata?.metadata?.input?.chunk_grid?.configuration?.chunk_shape?.[0];
  const together = chunk ?? manifest.inputs.length;
  const layout: AnyLayout =
    manifest.formatVersion === 2 ? earlierLayoutOf(manifest, together) : layoutOf(manifest, together);
  const [predicted, failed, unitFailed, done] = await Promise.all([
    readStoredTexts(store, layout.predicted),
    readStoredTexts(store, layout.failed),
    readStoredTexts(store, layout.unitFailed),
    areStored(store, layout.done),
  ]);
  const inputs = manifest.inputs.map((input, i) => noted(input, { predicted: predicted[i], failed: failed[i] }));
  const units = { done, failed: unitFailed };
  return { run: new StoredRun(store, { ...manifest, inputs }, layout, { ...units, machine }), together };
}

/** The input with the notes that are given. */
function noted(input: InputRecord, { predicted, failed }: InputNote): InputRecord {
  return { ...input, ...(predicted ? { predicted } : {}), ...(failed ? { failed } : {}) };
}

class StoredRun implements Run {
  readonly #store: Store;
  readonly #layout: AnyLayout;
  readonly #machine: string;
  /** [inputs · taps] */
  readonly #done: boolean[];
  /** [inputs · taps], an empty text if the unit has not failed. */
  readonly #failed: string[];
  #manifest: RunManifest;

  constructor(
    store: Store,
    manifest: RunManifest,
    layout: AnyLayout,
    { done, failed, machine }: { done: boolean[]; failed: string[]; machine: string },
  ) {
    this.#store = store;
    this.#manifest = manifest;
    this.#layout = layout;
    this.#done = done;
    this.#failed = failed;
    this.#machine = machine;
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
    if (!(await this.#store.has(done))) {
      const sha256 = await writeUnitChunks(this.#store, this.#layout, input, tap, unit);
      const record: UnitRecord = { machine: this.#machine, sha256 };
      await this.#store.delete(chunkKey(this.#layout.unitFailed, input, tap));
      await this.#store.create(done, textsChunk([JSON.stringify(record)]));
    }
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

  async refresh(): Promise<readonly UnitPlace[]> {
    const [failed, done] = await Promise.all([
      readStoredTexts(this.#store, this.#layout.unitFailed),
      areStored(this.#store, this.#layout.done),
    ]);
    const news: UnitPlace[] = [];
    const { taps } = this.manifest;
    for (const at of this.#done.keys()) {
      const isNew = done[at] ? !this.#done[at] : failed[at] !== this.#failed[at] && failed[at] !== "";
      this.#done[at] ||= done[at]!;
      this.#failed[at] = this.#done[at] ? "" : failed[at]!;
      if (isNew) news.push({ input: Math.floor(at / taps.length), tap: at % taps.length });
    }
    return news;
  }

  async readUnit(
    input: number,
    tap: number,
    { vectors = true }: { readonly vectors?: boolean | readonly number[] } = {},
  ): Promise<UnitResult | undefined> {
    const at = this.#at(input, tap);
    const unit = await readUnitChunks(this.#store, this.manifest, this.#layout, input, tap, vectors);
    if (unit !== undefined) this.#done[at] = true;
    return unit;
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
    const { shape, data } = await this.#numbers(name);
    const each = data.length / this.#done.length;
    for (const [unit, isDone] of this.#done.entries()) {
      if (!isDone) data.fill(Number.NaN, unit * each, (unit + 1) * each);
    }
    return { shape, data: name === "status" ? await this.#statusCodes(data, each) : data };
  }

  /** One quantity of all units that are stored. */
  async #numbers(name: TableName): Promise<Table> {
    const { numbers, earlier, ...layout } = this.#layout;
    if (name in layout || earlier !== undefined) {
      const array = name in layout ? layout[name as "sigma"] : earlier!.columns[name as ColumnName];
      const { shape, fill_value: fill } = array.metadata;
      const read = await readAll(this.#store, array);
      return { shape, data: Float64Array.from(read, (value) => (value === fill ? Number.NaN : value)) };
    }
    const at = quantities.indexOf(name as (typeof quantities)[number]);
    const read = await readAll(this.#store, numbers);
    const { shape } = numbers.metadata;
    return {
      shape: shape.slice(0, 2),
      data: Float64Array.from({ length: this.#done.length }, (_, unit) => read[unit * shape[2]! + at]!),
    };
  }

  /** The codes of `statusOf` for stored codes; each unit has `each` of them. */
  async #statusCodes(stored: Float64Array, each: number): Promise<Float64Array> {
    const [{ data: sigma }, { data: floor }] = [await this.table("sigma"), await this.table("floor")];
    return stored.map((code, at) => {
      const word = statusWords[code];
      return word === undefined ? code : statusWords.indexOf(statusOf(word, sigma[at]!, floor[Math.floor(at / each)]!));
    });
  }

  /** The index of a unit. */
  #at(input: number, tap: number): number {
    const { inputs, taps } = this.manifest;
    if (inputs[input] !== undefined && taps[tap] !== undefined) return input * taps.length + tap;
    throw new PushforwardError("shape-mismatch", {
      what: `There is no unit (${input}, ${tap}) in a run of ${inputs.length} input(s) and ${taps.length} tap(s).`,
      where: { file: this.#store.location },
    });
  }
}
