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
import type { Recipe } from "../../training/index.ts";
import { SearchStates } from "./search-states.ts";
import { loadExamples } from "./training-data.ts";

/** What the jobs of a search have in common. */
export interface SearchSetting {
  /** The space, and the file that it comes from, to which paths in it are relative. */
  readonly json: unknown;
  readonly file: string;
  /** Determines the candidates. */
  readonly seed: number;
  /** The seeds of the trainings. */
  readonly seeds: readonly number[];
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
  readonly #setting: SearchSetting;
  readonly #space: Space;
  readonly #examples: SearchExamples;
  readonly #backend: Backend;
  readonly #states: SearchStates;

  private constructor(setting: SearchSetting, space: Space, examples: SearchExamples, backend: Backend) {
    this.#setting = setting;
    this.#space = space;
    this.#examples = examples;
    this.#backend = backend;
    this.#states = new SearchStates(setting.out);
  }

  /** @throws PushforwardError as `parseSpace`, `loadExamples` and `searchExamples` */
  static async open(setting: SearchSetting): Promise<Laborer> {
    const { json, file } = setting;
    const space = parseSpace(json, file);
    const examples = searchExamples(await loadExamples(space.draw(0, 0).recipe, dirname(file)));
    return new Laborer(setting, space, examples, await openDevice({ threads: 1 }));
  }

  /** @throws PushforwardError as `labor`, with the number of the candidate */
  async do(job: Job, report: (found: Found) => Promise<void>, signal?: AbortSignal): Promise<void> {
    const { candidate, seed, part } = job;
    const { seed: own, seeds } = this.#setting;
    const recipe: Recipe = { ...this.#space.draw(own, candidate).recipe, seed: seeds[seed]! };
    const state = part === "train" ? await this.#states.read(candidate, seed) : undefined;
    await labor(this.#backend, recipe, this.#examples, job, {
      ...{ report, clock },
      ...(state && { state }),
      ...(signal && { signal }),
      save: (next) => this.#states.write(candidate, seed, next),
    });
  }

  close(): Promise<void> {
    return this.#backend.dispose();
  }
}
