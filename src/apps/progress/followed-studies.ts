import { type Parts, partsOf } from "./parts.ts";
import { failedCells, failedCellsOf, studiesSentence, timeLeftOfStudy } from "./texts.ts";
import type { Followed, Seen } from "./watch.ts";

/** The studies of a folder and of their controls, finished or not. */
export class FollowedStudies implements Followed {
  readonly edition = 0;
  readonly #folder: string;
  #known = "";

  constructor(folder: string) {
    this.#folder = folder;
  }

  async look(): Promise<Seen> {
    const { studies } = await partsOf(this.#folder);
    const known = JSON.stringify(studies);
    const isNew = known !== this.#known;
    this.#known = known;
    return { isNew, ...toldOf(studies), units: [], running: [] };
  }

  unitsDone(): [] {
    return [];
  }

  async report(): Promise<string> {
    const { renderStudiesPage } = await import("../report/index.ts"); // half of the start-up time of all commands
    return renderStudiesPage(this.#folder);
  }
}

function toldOf(studies: Parts["studies"]) {
  const parts = studies.map((one) => ({
    name: one.folder || one.study,
    ...{ done: one.done, failed: failedCellsOf(one), left: one.left, timeLeft: timeLeftOfStudy(one, studies) },
  }));
  const left = parts.reduce((sum, part) => sum + part.left, 0);
  const tried = parts.reduce((sum, part) => sum + part.done + part.failed, 0);
  return {
    isFinished: left === 0,
    share: left === 0 ? 1 : tried / (tried + left),
    summary: studiesSentence(studies),
    failures: failedCells(studies),
    parts,
  };
}
