import { dirname } from "node:path";
import { openDevice } from "../../platform/node/devices.ts";
import type { Backend } from "../../runtime/index.ts";
import {
  type Found,
  type Job,
  labor,
  parseSpace,
  type SearchExamples,
  type Space,
  searchExamples,
} from "../../search/index.ts";
import type { Recipe, Split } from "../../training/index.ts";
import { loadStart, loadThrough } from "./earlier-trainings.ts";
import { SearchStates } from "./search-states.ts";

/** What the jobs of a search have in common. */
export interface SearchSetting {
  /** The space, and the file that it comes from, to which paths in it are relative. */
  readonly json: unknown;
  readonly file: string;
  /** Determines the candidates. */
  readonly seed: number;
  /** The folder of the search. */
  readonly out: string;
}

/** The seconds of the processor that this process has used. Other work on the machine hardly changes them. */
function clock(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Does the jobs of a search, one after another, on one thread. The caller closes it. */
export class Laborer {
  readonly space: Space;
  /** The recipe of the first candidate. All candidates have the same examples. */
  readonly first: Recipe;
  /** The examples, split into those to train on and those that are held out. */
  readonly split: Split;
  /** The same as candidates take them: what is held out is halved. */
  readonly examples: SearchExamples;
  readonly backend: Backend;
  readonly #setting: SearchSetting;
  readonly #states: SearchStates;

  private constructor(setting: SearchSetting, space: Space, first: Recipe, split: Split, backend: Backend) {
    this.space = space;
    this.first = first;
    this.split = split;
    this.examples = searchExamples(split);
    this.backend = backend;
    this.#setting = setting;
    this.#states = new SearchStates(setting.out);
  }

  /** @throws PushforwardError as `parseSpace`, `loadThrough` and `searchExamples` */
  static async open(setting: SearchSetting): Promise<Laborer> {
    const { json, file, seed } = setting;
    const space = parseSpace(json, file);
    const first = space.draw(seed, 0).recipe;
    const backend = await openDevice({ threads: 1 });
    try {
      return new Laborer(setting, space, first, await loadThrough(backend, first, dirname(file)), backend);
    } catch (cause) {
      await backend.dispose();
      throw cause;
    }
  }

  /** The seed of this index with which candidates are trained. */
  seedAt(index: number): number {
    return (this.first.seed ?? 0) + index;
  }

  /** @throws PushforwardError as `loadStart` and `labor` */
  async do(job: Job, report: (found: Found) => Promise<void>, signal?: AbortSignal): Promise<void> {
    const { candidate, seed, part } = job;
    const { file, seed: own } = this.#setting;
    const recipe: Recipe = { ...this.space.draw(own, candidate).recipe, seed: this.seedAt(seed) };
    const start = await loadStart(recipe, dirname(file));
    const state = part === "train" ? await this.#states.read(candidate, seed) : undefined;
    await labor(this.backend, recipe, this.examples, job, {
      ...{ report, clock },
      ...(start && { start }),
      ...(state && { state }),
      ...(signal && { signal }),
      save: (next) => this.#states.write(candidate, seed, next),
    });
  }

  close(): Promise<void> {
    return this.backend.dispose();
  }
}
