import { PushforwardError } from "../base/index.ts";
import { readAll, writeChunk, writeTexts } from "./arrays.ts";
import { differencesOf, tellDifferences } from "./differences.ts";
import { type ArrayLayout, arrayLayout, type Dimension, encodeName, isNumeric } from "./layout.ts";
import { toAttributes } from "./manifest.ts";
import { filesOf, group, requireOnly, storedManifest, writeFiles } from "./metadata.ts";
import type { Key, Store } from "./store.ts";

/** What identifies a search, and determines the layout of its store. */
export interface SearchManifest {
  readonly format: "pushforward-search";
  readonly formatVersion: 1;
  /** The space, as it was given. */
  readonly space: object;
  /** The name of a strategy, or `table`, which trains every candidate with every seed. */
  readonly strategy: string;
  /** Full trainings that it may cost. */
  readonly budget: number;
  /** Determines the candidates. */
  readonly seed: number;
  /** The seeds of the trainings of each candidate. */
  readonly seeds: readonly number[];
  /** The shares of the training at which candidates are compared, ascending. */
  readonly rungs: readonly number[];
  /** Of each candidate what was drawn, by its place in the space. */
  readonly candidates: readonly Readonly<Record<string, number | string>>[];
  /** The mean square of the entries of the training inputs. */
  readonly power: number;
  readonly data: object;
  readonly backend: string;
  readonly versions: Readonly<Record<string, string>>;
}

/** The numbers of a search: those of a candidate and a seed, and those at each rung. The last of each is written last. */
const searchVariables = {
  spectrum: {
    dims: ["time"],
    names: {
      log_sigma: "median |ln σ| of J(input → last hidden layer)",
      log_sigma_centre: "median ln σ of J(input → last hidden layer)",
    },
    single: { curvature: "largest eigenvalue of the Gauss-Newton matrix at the start" },
    seconds: "spectrum_seconds",
  },
  gradient: {
    dims: [],
    names: {},
    single: { gradient_balance: "ln of the gradient by the first weights over that by the last, at the start" },
    seconds: "gradient_seconds",
  },
  train: {
    dims: [],
    names: {},
    single: {
      validation_error: "error on the half of the held-out examples by which candidates are chosen",
      validation_loss: "loss there",
      test_error: "error on the other half",
    },
    seconds: "train_seconds",
  },
} as const;

export type SearchPart = keyof typeof searchVariables;

/** The numbers of one part: of each name one, or two for what is measured at two times. */
export type SearchValues = Readonly<Record<string, number | readonly number[]>>;

/** Where a part of a search is: its candidate, its seed, and with `train` its rung, all as indices. */
export interface SearchPlace {
  readonly candidate: number;
  readonly seed: number;
  readonly rung?: number;
}

/** The times at which singular values are measured. */
const TIMES = ["start", "after"];

/**
 * The store of a search.
 *
 * Root: `candidate`, `seed`, `rung` and `time` are coordinates. `log_sigma`, `log_sigma_centre` [candidate, seed, time], `curvature`,
 * `gradient_balance`, `spectrum_seconds`, `gradient_seconds` [candidate, seed]; `validation_error`, `validation_loss`, `test_error`,
 * `train_seconds` [candidate, seed, rung]; `recipe` and `rejected` [candidate], texts. Group `settings`: what was drawn [candidate].
 */
export class SearchRun {
  readonly manifest: SearchManifest;
  readonly #store: Store;
  readonly #layout: Layout;
  readonly #values: ReadonlyMap<string, Float64Array>;
  #rejected: readonly string[];

  constructor(
    store: Store,
    manifest: SearchManifest,
    values: ReadonlyMap<string, Float64Array>,
    rejected: readonly string[],
  ) {
    this.#store = store;
    this.manifest = manifest;
    this.#layout = layoutOf(manifest);
    this.#values = values;
    this.#rejected = rejected;
  }

  /** The name of the store in errors: its folder. */
  get location(): string {
    return this.#store.location;
  }

  isDone(part: SearchPart, place: SearchPlace): boolean {
    return !Number.isNaN(this.#values.get(searchVariables[part].seconds)![this.#at(place)]!);
  }

  /** A number of a part that is done; with `time` that of the first or the second time. NaN if it is not there. */
  value(name: string, place: SearchPlace, time?: number): number {
    const at = this.#at(place);
    return this.#values.get(name)![time === undefined ? at : at * TIMES.length + time]!;
  }

  /** Stores what was found at a place, and its seconds last. */
  async write(part: SearchPart, place: SearchPlace, values: SearchValues, seconds: number): Promise<void> {
    const { names, single, seconds: clock } = searchVariables[part];
    for (const name of [...Object.keys(names), ...Object.keys(single)]) await this.#set(name, place, values[name]!);
    await this.#set(clock, place, seconds);
  }

  /** Why candidates were left out, empty for those that were not. */
  get rejected(): readonly string[] {
    return this.#rejected;
  }

  async reject(rejected: readonly string[]): Promise<void> {
    this.#rejected = rejected;
    await writeTexts(this.#store, this.#layout.rejected, rejected);
  }

  async #set(name: string, place: SearchPlace, value: number | readonly number[]): Promise<void> {
    const data = Float64Array.from(typeof value === "number" ? [value] : value);
    const { candidate, seed, rung } = place;
    this.#values.get(name)!.set(data, this.#at(place) * data.length);
    await writeChunk(
      this.#store,
      this.#layout.numbers.get(name)!,
      data,
      candidate,
      seed,
      ...(rung === undefined ? [] : [rung]),
    );
  }

  #at({ candidate, seed, rung }: SearchPlace): number {
    const { seeds, rungs } = this.manifest;
    const at = candidate * seeds.length + seed;
    return rung === undefined ? at : at * rungs.length + rung;
  }
}

/**
 * Starts a search in an empty store, or opens the same search in a store that contains it.
 *
 * @param recipes those of the candidates
 * @throws PushforwardError `store-mismatch` if the store contains another search, or other files
 */
export async function createSearchRun(
  store: Store,
  manifest: SearchManifest,
  recipes: readonly object[],
): Promise<SearchRun> {
  if (await store.has("/zarr.json")) {
    const run = await openSearchRun(store);
    requireSame(run.manifest, manifest, store.location);
    return run;
  }
  const files = metadataFiles(manifest);
  await requireOnly(store, files, "search");
  const { candidate, seed, rung, time, recipe, settings } = layoutOf(manifest);
  const { candidates, seeds, rungs } = manifest;
  await writeChunk(store, candidate, Int32Array.from(candidates.keys()));
  await writeChunk(store, seed, Int32Array.from(seeds));
  await writeChunk(store, rung, Float64Array.from(rungs));
  await writeTexts(store, time, TIMES);
  await writeTexts(
    store,
    recipe,
    recipes.map((one) => JSON.stringify(one)),
  );
  for (const [place, array] of settings) {
    const drawn = candidates.map((one) => one[place]);
    if (isNumeric(array))
      await writeChunk(
        store,
        array,
        Float64Array.from(drawn, (value) => Number(value ?? Number.NaN)),
      );
    else
      await writeTexts(
        store,
        array,
        drawn.map((value) => String(value ?? "")),
      );
  }
  await writeFiles(store, files);
  return openSearchRun(store);
}

/**
 * Opens a search, finished or not.
 *
 * @throws PushforwardError `file-unreadable` if there is nothing; `store-mismatch` if it is not a search
 */
export async function openSearchRun(store: Store): Promise<SearchRun> {
  const read = await storedManifest(store, "search", [1], "`pushforward search` wrote");
  const manifest = read as unknown as SearchManifest; // written by `createSearchRun`
  const { numbers, rejected } = layoutOf(manifest);
  const values = new Map<string, Float64Array>();
  for (const [name, array] of numbers) values.set(name, await readAll(store, array));
  return new SearchRun(store, manifest, values, Array.from(await readAll(store, rejected)));
}

type Layout = ReturnType<typeof layoutOf>;

function layoutOf({ candidates, seeds, rungs }: SearchManifest) {
  const each: Dimension[] = [
    ["candidate", candidates.length, 1],
    ["seed", seeds.length, 1],
  ];
  const all: Dimension = ["candidate", candidates.length, candidates.length];
  const numbers = new Map<string, ArrayLayout<"float64">>();
  for (const [part, { dims, names, single, seconds }] of Object.entries(searchVariables)) {
    const places: readonly Dimension[] = part === "train" ? [...each, ["rung", rungs.length, 1]] : each;
    const times = dims.map((name): Dimension => [name, TIMES.length, TIMES.length]);
    for (const [name, about] of Object.entries(names)) {
      numbers.set(name, arrayLayout(`/${name}`, "float64", [...places, ...times], Number.NaN, { long_name: about }));
    }
    for (const [name, about] of Object.entries(single)) {
      numbers.set(name, arrayLayout(`/${name}`, "float64", places, Number.NaN, { long_name: about }));
    }
    const clock = { long_name: "time of the processor; written last", units: "s" };
    numbers.set(seconds, arrayLayout(`/${seconds}`, "float64", places, Number.NaN, clock));
  }
  const coordinate = { long_name: "number of the candidate, from 0" };
  return {
    candidate: arrayLayout("/candidate", "int32", [all], 0, coordinate),
    seed: arrayLayout("/seed", "int32", [["seed", seeds.length, seeds.length]], 0, {
      long_name: "seed of the training",
    }),
    rung: arrayLayout("/rung", "float64", [["rung", rungs.length, rungs.length]], Number.NaN, {
      long_name: "share of the training",
    }),
    time: arrayLayout("/time", "string", [["time", TIMES.length, TIMES.length]], "", {
      long_name: "before the first step, or after the first steps",
    }),
    recipe: arrayLayout("/recipe", "string", [all], "", { long_name: "recipe, as JSON" }),
    rejected: arrayLayout("/rejected", "string", [all], "", { long_name: "why the candidate was not trained" }),
    numbers,
    settings: new Map(
      [...new Set(candidates.flatMap((drawn) => Object.keys(drawn)))].map((place) => {
        const isNumber = candidates.every((drawn) => typeof (drawn[place] ?? 0) === "number");
        const path: Key = `/settings/${encodeName(place)}`;
        const about = { long_name: place };
        const array: ArrayLayout<"float64"> | ArrayLayout<"string"> = isNumber
          ? arrayLayout(path, "float64", [all], Number.NaN, about)
          : arrayLayout(path, "string", [all], "", about);
        return [place, array] as const;
      }),
    ),
  };
}

/** The metadata files. That of the root is last, because it makes the store a search. */
function metadataFiles(manifest: SearchManifest): [Key, Uint8Array][] {
  const { numbers, settings, ...arrays } = layoutOf(manifest);
  const children = new Map<Key, object>();
  const inSettings = new Map<Key, object>([...settings.values()].map(({ path, metadata }) => [path, metadata]));
  for (const [key, node] of inSettings) children.set(key, node);
  if (inSettings.size > 0) children.set("/settings", group({}, "/settings", inSettings));
  for (const { path, metadata } of [...Object.values(arrays), ...numbers.values()]) children.set(path, metadata);
  return filesOf(toAttributes(manifest), children);
}

/** @throws PushforwardError `store-mismatch` naming the settings in which two searches differ */
function requireSame(stored: SearchManifest, asked: SearchManifest, location: string): void {
  const keys = ["space", "strategy", "budget", "seed", "seeds", "rungs", "data", "backend", "versions"] as const;
  const lines = keys.flatMap((key) => differencesOf(key, stored[key], asked[key]));
  if (lines.length === 0) return;
  throw new PushforwardError("store-mismatch", {
    what: `This folder contains another search. ${tellDifferences(lines)}`,
    where: { file: location },
    fix: "Use the settings of the stored search to continue it, or give another folder with --out.",
  });
}
