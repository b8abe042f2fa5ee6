import { dirname, resolve } from "node:path";
import { PushforwardError, suggestion } from "../../base/index.ts";
import { DirectoryStore } from "../../platform/node/directory-store.ts";
import { createSearchRun, type SearchRun } from "../../results/index.ts";
import {
  type Candidate,
  costInSteps,
  drive,
  driveTable,
  type Found,
  type Job,
  LAST,
  measuredBy,
  type SearchExamples,
  type Strategy,
  type StrategyName,
  shares,
  sizeWithin,
  strategies,
  TABLE,
  workLeft,
  workOf,
  workOfTable,
} from "../../search/index.ts";
import { countOf, courseOf, isTrained, type Recipe, startsOf, trainedShapes } from "../../training/index.ts";
import { loadStart } from "./earlier-trainings.ts";
import { openTraining } from "./open-training.ts";
import { readJson } from "./recipe-file.ts";
import { Crew } from "./search-crew.ts";
import { Laborer, type SearchSetting } from "./search-laborer.ts";
import { SearchStates } from "./search-states.ts";
import { identityOf, identityOfWeights } from "./training-data.ts";
import { version, versionsOf } from "./versions.ts";

export interface SearchOptions {
  /** A strategy, or `table`, which trains every candidate. */
  readonly by: string;
  /** Full trainings that the search may cost. */
  readonly budget: number;
  /** Determines the candidates; 0 unless it is given. */
  readonly seed?: number;
  /** With `table`, how many seeds each candidate is trained with; 1 unless it is given. */
  readonly seeds?: number;
  /** The folder of the search, which it goes on in. */
  readonly out: string;
  /** How many candidates are trained side by side; 1 unless it is given. */
  readonly jobs?: number;
  readonly signal?: AbortSignal;
  /** Is told the work that is left, as shares of a full training, before it begins. */
  readonly onBegin?: (begin: SearchBegin) => void;
  /** Is told what was found, as soon as it is stored. */
  readonly onFound?: (found: Found, job: Job) => void;
}

interface SearchBegin {
  readonly candidates: number;
  /** Of each piece of work that is not stored yet, its share of a full training. */
  readonly left: readonly number[];
  readonly done: number;
}

/** A search that is done. */
export interface SearchResult {
  readonly run: SearchRun;
  readonly candidates: readonly Candidate[];
}

/**
 * Searches a space of recipes. What is stored in the folder is not done again.
 *
 * @throws PushforwardError `usage` for a space or options that cannot be; `store-mismatch` for a folder with another search; errors of its
 * data; `interrupted` through the signal; what training throws
 */
export async function search(file: string, options: SearchOptions): Promise<SearchResult> {
  const { by, budget, seed = 0, seeds: count = 1, out, jobs = 1, signal = new AbortController().signal } = options;
  const { onBegin, onFound } = options;
  const strategy = by === TABLE ? undefined : strategyNamed(by);
  if (strategy !== undefined && count > 1) {
    throw new PushforwardError("usage", {
      what: "A strategy trains each candidate with one seed.",
      where: { option: "--seeds" },
      fix: `Leave it out, or give --by ${TABLE}, which trains every candidate with several seeds.`,
    });
  }
  const { json } = await readJson(file);
  const setting: SearchSetting = { json, file, seed, out };
  const laborer = await Laborer.open(setting);
  let crew: Promise<Crew> | undefined;
  try {
    await requireFinished(laborer.first, file);
    const { space, examples, split, backend } = laborer;
    const draw = (index: number) => space.draw(seed, index);
    const measuring = (index: number) => measuringCost(draw(index), examples, strategy);
    const size = strategy === undefined ? { size: budget, pool: budget } : sizeWithin(strategy, budget, measuring);
    const candidates = Array.from({ length: size.pool }, (_, index) => draw(index));
    const starts = await identityOfStarts(candidates, file);
    const seeds = Array.from({ length: count }, (_, index) => laborer.seedAt(index));
    const run = await createSearchRun(
      new DirectoryStore(out),
      {
        ...{ format: "pushforward-search", formatVersion: 1 },
        ...{ space: json as object, strategy: by, budget, seed, seeds, rungs: shares, power: examples.power },
        candidates: candidates.map(({ drawn }) => Object.fromEntries(drawn)),
        data: { ...identityOf(split), ...(starts.length > 0 && { start: starts }) },
        backend: backend.description,
        versions: versionsOf(version),
      },
      candidates.map(({ recipe }) => recipe),
    );
    const work = strategy === undefined ? workOfTable(size.pool, count, measuring) : workOf(strategy, size, measuring);
    onBegin?.({ candidates: candidates.length, ...workLeft(work, run) });
    const states = new SearchStates(out);
    const perform = async (todo: readonly Job[]) => {
      if (todo.length === 0) return;
      crew ??= Crew.open(laborer, setting, jobs);
      const store = async (found: Found, job: Job) => {
        const { part, place, values, seconds } = found;
        await run.write(part, place, values, seconds);
        if (place.rung === LAST) await states.forget(place.candidate, place.seed);
        onFound?.(found, job);
      };
      await (await crew).perform(todo, store, signal);
    };
    if (strategy === undefined) await driveTable({ run, candidates, perform });
    else await drive(strategy, size.size, { run, candidates, perform, inPlay: (own) => states.keepOnly(own) });
    await states.forgetAll();
    return { run, candidates };
  } finally {
    await (await crew?.catch(() => undefined))?.close();
    await laborer.close();
  }
}

/** @throws PushforwardError `usage` for an earlier training that goes on, so that candidates would take other weights of it than those before */
async function requireFinished({ start, data }: Recipe, file: string): Promise<void> {
  for (const { training, step } of [...startsOf(start), ...(data?.through ?? [])]) {
    if (step !== undefined) continue;
    const earlier = await openTraining(resolve(dirname(file), training));
    if ((await earlier.stored()).at(-1) === earlier.steps) continue;
    throw new PushforwardError("usage", {
      what: `The training ${training} is not finished, so that its weights can change during the search.`,
      where: { file, option: "step" },
      fix: 'Let it end, or name a checkpoint with "step".',
    });
  }
}

/**
 * What identifies the weights with which candidates begin, the same weights once. All are read, and the layers that are trained are looked
 * for, so that no candidate fails at it later.
 *
 * @throws PushforwardError as `loadStart` and `isTrained`, with the number of the candidate
 */
async function identityOfStarts(candidates: readonly Candidate[], file: string): Promise<object[]> {
  const known = new Set<string>();
  const found = new Map<string, object>();
  for (const { index, recipe } of candidates) {
    const { network, loss, start, train } = recipe;
    const key = JSON.stringify([network, loss, start, train]);
    if (known.has(key)) continue;
    known.add(key);
    try {
      isTrained(train, trainedShapes(network, loss).keys());
      const weights = await loadStart(recipe, dirname(file));
      if (weights === undefined) continue;
      const identity = identityOfWeights(weights);
      found.set(JSON.stringify(identity), identity);
    } catch (cause) {
      if (!(cause instanceof PushforwardError)) throw cause;
      const isOfShape = cause.code === "shape-mismatch";
      throw new PushforwardError(cause.code, {
        what: `Candidate ${index} cannot begin as the space says: ${cause.what}`,
        where: { file, ...cause.where },
        fix: isOfShape ? `${cause.fix} Or let that layer have the same shape in all candidates.` : cause.fix,
        cause,
      });
    }
  }
  return [...found.values()];
}

/** @throws PushforwardError `usage` for a name that is none of a strategy */
function strategyNamed(name: string): Strategy {
  const names = [...Object.keys(strategies), TABLE];
  if (Object.hasOwn(strategies, name)) return strategies[name as StrategyName];
  throw new PushforwardError("usage", {
    what: `There is no strategy "${name}".`,
    where: { option: "--by" },
    fix: suggestion(name, names, '"'),
  });
}

/** What a candidate's measurements cost, in full trainings. Without a strategy it is measured in all ways. */
function measuringCost({ recipe }: Candidate, examples: SearchExamples, strategy: Strategy | undefined): number {
  const what = strategy === undefined ? "spectrum" : measuredBy(strategy);
  if (what === undefined) return 0;
  const count = countOf(examples.training);
  return costInSteps(recipe, count)[what] / courseOf(recipe, count).steps;
}
