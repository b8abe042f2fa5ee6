import { PushforwardError, sizeOf } from "../base/index.ts";
import {
  areStored,
  chunkKey,
  createFlag,
  numbersChunk,
  readAll,
  readStoredTexts,
  textsChunk,
  writeChunk,
  writeTexts,
} from "./arrays.ts";
import { differencesOf, tellDifferences } from "./differences.ts";
import { type ArrayLayout, arrayLayout, type Dimension, isNumeric } from "./layout.ts";
import { comparable, givenMismatch, modelMismatch, toAttributes, versionMismatch } from "./manifest.ts";
import { filesOf, storedManifest, writeFiles } from "./metadata.ts";
import type { Key, Store } from "./store.ts";
import type { CellValues, StudyArray, StudyManifest } from "./study-types.ts";

/** A stored study. Cells are numbered from 0 along the axes that `cell` of the manifest names. */
export interface StudyRun {
  readonly manifest: StudyManifest;
  /** Whether a cell was stored when the study was opened, or by this `StudyRun` since. */
  isDone(cell: readonly number[]): boolean;
  /**
   * Stores the values measured in a cell and the seconds that it took, and last that it is done. `missing` says why some of them are NaN,
   * where they could not be measured. A cell that is stored already, by this or another program, stays as it is.
   *
   * @throws PushforwardError `shape-mismatch` if a variable has the wrong size; `store-unwritable`
   */
  write(cell: readonly number[], values: CellValues, seconds: number, missing?: string): Promise<void>;
  /** Stores why a cell has no result. The cell is not done; a result that is written later removes the reason. */
  fail(cell: readonly number[], why: string): Promise<void>;
  /** The cells that were tried and have no result, or are done and lack a part of it, with the reason. */
  readonly failures: readonly CellFailure[];
  /** One variable of all cells. */
  read(variable: string): Promise<StudyArray>;
  /** The total wall time of all stored cells. */
  seconds(): Promise<number>;
}

/** A cell without a result, or without a part of it. */
export interface CellFailure {
  readonly cell: readonly number[];
  readonly why: string;
}

/**
 * Starts a study in an empty part of a store, or continues the same study. Of programs that start there at once one is first.
 *
 * @throws PushforwardError `store-mismatch` if there is another study, or the same one with other settings
 */
export async function createStudyRun(store: Store, manifest: StudyManifest): Promise<StudyRun> {
  const [key, root] = metadataFiles(manifest, layoutOf(manifest)).at(-1)!;
  let run = await earlierStudyRun(store, manifest);
  if (run === undefined) {
    await store.create(key, root);
    run = (await earlierStudyRun(store, manifest))!;
  }
  const layout = layoutOf(run.manifest);
  const { axes } = run.manifest;
  const labels = Object.entries(layout.axes).map(([name, array]): [Key, Uint8Array] => [
    chunkKey(array),
    isNumeric(array) ? numbersChunk(Float64Array.from(axes[name]!, Number)) : textsChunk(axes[name]!.map(String)),
  ]);
  await writeFiles(store, [...labels, ...metadataFiles(run.manifest, layout)]); // what is not there yet, or was otherwise in earlier versions
  return run;
}

/**
 * The same study, if the store contains it; `undefined` if a new study can start. Nothing is written.
 *
 * @throws PushforwardError as `createStudyRun`
 */
export async function earlierStudyRun(store: Store, manifest: StudyManifest): Promise<StudyRun | undefined> {
  if (!(await store.has("/zarr.json"))) return undefined;
  const run = await openStudyRun(store);
  requireSame(run.manifest, manifest, store.location);
  return run;
}

/**
 * Opens a study, finished or not.
 *
 * @throws PushforwardError `file-unreadable` if there is nothing; `store-mismatch` if it is not a study
 */
export async function openStudyRun(store: Store): Promise<StudyRun> {
  const stored = await storedManifest(store, "study", [1, 2], "a study was written to");
  const manifest = { ...stored, formatVersion: 2 } as unknown as StudyManifest; // written by `createStudyRun`
  const layout = layoutOf(manifest);
  const [done, failed] = await Promise.all([areStored(store, layout.done), readStoredTexts(store, layout.failed)]);
  return new StoredStudy(store, manifest, layout, { done, failed });
}

type Layout = ReturnType<typeof layoutOf>;

function layoutOf({ axes, cell, variables }: StudyManifest) {
  const whole = (name: string): Dimension => [name, axes[name]!.length, axes[name]!.length];
  const cells = cell.map((name): Dimension => [name, axes[name]!.length, 1]);
  return {
    axes: Object.fromEntries(
      Object.entries(axes).map(([name, labels]): [string, ArrayLayout<"float64"> | ArrayLayout<"string">] => {
        const about = { long_name: name };
        return labels.every((label) => typeof label === "number")
          ? [name, arrayLayout(`/${name}`, "float64", [whole(name)], Number.NaN, about)]
          : [name, arrayLayout(`/${name}`, "string", [whole(name)], "", about)];
      }),
    ),
    variables: Object.fromEntries(
      Object.entries(variables).map(([name, { dims, about, unit }]) => {
        const attributes = { long_name: about, ...(unit === undefined ? {} : { units: unit }) };
        return [name, arrayLayout(`/${name}`, "float64", [...cells, ...dims.map(whole)], Number.NaN, attributes)];
      }),
    ),
    seconds: arrayLayout("/seconds", "float64", cells, Number.NaN, {
      long_name: "wall time of the cell, with the spectra that it was the first to need",
      units: "s",
    }),
    failed: arrayLayout("/cell_failed", "string", cells, "", {
      long_name: "why a cell has no result, or lacks a part of it",
    }),
    done: arrayLayout("/done", "bool", cells, false, { long_name: "whether the cell is stored; written last" }),
  };
}

/** The metadata files. That of the root is last, because it makes the store a study. */
function metadataFiles(manifest: StudyManifest, { axes, variables, ...others }: Layout): [Key, Uint8Array][] {
  const arrays = [...Object.values(axes), ...Object.values(variables), ...Object.values(others)];
  const children = new Map<Key, object>(arrays.map(({ path, metadata }) => [path, metadata]));
  return filesOf(toAttributes(manifest), children);
}

/**
 * Checks that the numbers of both can share a store. Files are compared by content and not by path, and variables by their dims and not
 * by their descriptions.
 *
 * @throws PushforwardError `store-mismatch` naming the differences
 */
function requireSame(stored: StudyManifest, asked: StudyManifest, location: string): void {
  const lines = [...modelMismatch(stored.model, asked.model), ...givenMismatch(stored, asked)];
  const compare = (name: string, a: unknown, b: unknown) => {
    lines.push(...differencesOf(name, a, b));
  };
  const contents = ({ inputs }: StudyManifest) => inputs.map(({ name, sha256, label }) => ({ name, sha256, label }));
  compare("inputs", contents(stored), contents(asked));
  compare("preprocess", ...comparable(stored.preprocess, asked.preprocess));
  for (const key of ["study", "params", "seed", "spectra", "backend", "axes", "cell"] as const)
    compare(key, stored[key], asked[key]);
  lines.push(...versionMismatch(stored, asked));
  const dims = ({ variables }: StudyManifest) =>
    Object.fromEntries(Object.entries(variables).map(([name, variable]) => [name, variable.dims]));
  compare("variables", dims(stored), dims(asked));
  if (lines.length === 0) return;
  throw new PushforwardError("store-mismatch", {
    what: `This folder contains the study with other settings. ${tellDifferences(lines)}`,
    where: { file: location },
    fix: "Use the settings of the stored study to continue it, or give another folder with --out.",
  });
}

class StoredStudy implements StudyRun {
  readonly manifest: StudyManifest;
  readonly #store: Store;
  readonly #layout: Layout;
  readonly #done: boolean[];
  /** Empty where a cell has not failed. */
  readonly #failed: string[];

  constructor(
    store: Store,
    manifest: StudyManifest,
    layout: Layout,
    { done, failed }: { readonly done: boolean[]; readonly failed: string[] },
  ) {
    this.#store = store;
    this.manifest = manifest;
    this.#layout = layout;
    this.#done = done;
    this.#failed = failed;
  }

  isDone(cell: readonly number[]): boolean {
    return this.#done[this.#at(cell)]!;
  }

  async write(cell: readonly number[], values: CellValues, seconds: number, missing = ""): Promise<void> {
    const at = this.#at(cell);
    if (await this.#store.has(chunkKey(this.#layout.done, ...cell))) {
      this.#done[at] = true;
      return;
    }
    for (const [name, array] of Object.entries(this.#layout.variables)) {
      const value = values[name];
      if (value === undefined) continue;
      const numbers = typeof value === "number" ? Float64Array.of(value) : Float64Array.from(value);
      const size = array.metadata.chunk_grid.configuration.chunk_shape.reduce((product, extent) => product * extent, 1);
      if (numbers.length !== size) {
        throw new PushforwardError("shape-mismatch", {
          what: `The study ${this.manifest.study} measured ${numbers.length} numbers of ${name}, not ${size}.`,
        });
      }
      await writeChunk(this.#store, array, numbers, ...cell);
    }
    await writeChunk(this.#store, this.#layout.seconds, Float64Array.of(seconds), ...cell);
    if (missing === "") await this.#store.delete(chunkKey(this.#layout.failed, ...cell));
    else await writeTexts(this.#store, this.#layout.failed, [missing], ...cell);
    await createFlag(this.#store, this.#layout.done, ...cell);
    this.#done[at] = true;
    this.#failed[at] = missing;
  }

  async fail(cell: readonly number[], why: string): Promise<void> {
    await writeTexts(this.#store, this.#layout.failed, [why], ...cell);
    this.#failed[this.#at(cell)] = why;
  }

  get failures(): CellFailure[] {
    return [...this.#failed.entries()].flatMap(([at, why]) => (why === "" ? [] : [{ cell: this.#cellAt(at), why }]));
  }

  async read(variable: string): Promise<StudyArray> {
    const array = this.#layout.variables[variable]!;
    const { shape, dimension_names } = array.metadata;
    return { dims: (dimension_names ?? []) as readonly string[], shape, data: await readAll(this.#store, array) };
  }

  async seconds(): Promise<number> {
    const all = await readAll(this.#store, this.#layout.seconds);
    return all.reduce((sum, seconds) => sum + (Number.isNaN(seconds) ? 0 : seconds), 0);
  }

  #at(cell: readonly number[]): number {
    const { axes, cell: names } = this.manifest;
    return names.reduce((at, name, i) => at * axes[name]!.length + cell[i]!, 0);
  }

  #cellAt(at: number): number[] {
    const extents = this.manifest.cell.map((name) => this.manifest.axes[name]!.length);
    return extents.map((extent, i) => Math.floor(at / sizeOf(extents.slice(i + 1))) % extent);
  }
}
