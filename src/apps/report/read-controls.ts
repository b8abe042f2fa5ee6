import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { PushforwardError } from "../../base/index.ts";
import { controlKinds } from "../../controls/index.ts";
import { DirectoryStore } from "../../platform/node/directory-store.ts";
import { codeOf, unreadable } from "../../platform/node/file-errors.ts";
import { earlierStudyRun, openStudyRun, type StudyManifest, type StudyRun } from "../../results/index.ts";
import { type ControlFindings, cellPlaces, readStudy, type Study } from "../../studies/index.ts";

/** What a study found of the finished draws of one kind of control. */
interface ReadControl extends ControlFindings {
  /** The numbers of the draws, in the order of `draws`. */
  readonly numbers: readonly number[];
  /** The model of the first draw. */
  readonly model: StudyManifest["model"];
}

/** The controls of a study, as a folder has them. */
export interface ReadControls {
  /** Those with a finished draw, in the order of the kinds. */
  readonly controls: readonly ReadControl[];
  /** Why results that are stored do not count, one sentence each. */
  readonly leftOut: readonly string[];
  /** The finished draws with cells that could not be measured. */
  readonly failed: readonly { readonly name: string; readonly run: StudyRun }[];
  /** Wall time of all draws. */
  readonly seconds: number;
}

/**
 * Reads what a study found of the controls in a folder, `controls/KIND/DRAW/STUDY`. A draw counts only if all of its cells were tried.
 *
 * @throws PushforwardError what the store throws
 */
export async function readControls(folder: string, study: Study, trained: StudyManifest): Promise<ReadControls> {
  const controls: ReadControl[] = [];
  const leftOut: string[] = [];
  const failed: { name: string; run: StudyRun }[] = [];
  let seconds = 0;
  const present = await namesIn(join(folder, "controls"));
  for (const kind of [...controlKinds, "initial"].filter((name) => present.includes(name))) {
    const numbers = (await namesIn(join(folder, "controls", kind))).map(Number).filter(Number.isSafeInteger);
    const runs = new Map<number, StudyRun>();
    for (const draw of numbers.sort((a, b) => a - b)) {
      try {
        const store = new DirectoryStore(join(folder, "controls", kind, String(draw), study.id));
        const run = await storedDraw(store, trained, kind, draw);
        if (run !== undefined) runs.set(draw, run);
      } catch (cause) {
        if (!(cause instanceof PushforwardError && cause.code === "store-mismatch")) throw cause;
        leftOut.push(`The control ${nameOf(kind, draw)} does not count. ${cause.what}`);
      }
    }
    const finished = [...runs].filter(([, run]) => isFinished(run));
    const unfinished = [...runs.keys()].filter((draw) => finished.every(([number]) => number !== draw));
    const draws: ControlFindings["draws"][number][] = [];
    for (const [draw, run] of finished) {
      draws.push(study.conclude(await readStudy(run), run.manifest.params));
      if (run.failures.length > 0) failed.push({ name: nameOf(kind, draw), run });
    }
    for (const run of runs.values()) seconds += await run.seconds();
    if (unfinished.length > 0) leftOut.push(toldUnfinished(kind, finished.length, unfinished));
    const [first] = finished;
    if (first === undefined) continue;
    const { model } = first[1].manifest;
    controls.push({ kind, one: kind === "initial", draws, numbers: finished.map(([draw]) => draw), model });
  }
  return { controls, leftOut, failed, seconds };
}

/** The study of a draw, if it was started. @throws PushforwardError `store-mismatch` if it is not the study of this draw */
async function storedDraw(
  store: DirectoryStore,
  trained: StudyManifest,
  kind: string,
  draw: number,
): Promise<StudyRun | undefined> {
  if (!(await store.has("/zarr.json"))) return undefined;
  const { model } = (await openStudyRun(store)).manifest;
  const drawn = { ...trained.model, control: { kind, seed: trained.seed, draw } };
  const expected = kind === "initial" ? { ...model, control: { kind } } : drawn;
  return earlierStudyRun(store, { ...trained, model: expected });
}

/** Whether every cell was tried. */
function isFinished(run: StudyRun): boolean {
  const failed = new Set(run.failures.map(({ cell }) => cell.join()));
  return cellPlaces(run.manifest).every((place) => run.isDone(place) || failed.has(place.join()));
}

const nameOf = (kind: string, draw: number): string => (kind === "initial" ? kind : `${kind} ${draw}`);

function toldUnfinished(kind: string, finished: number, unfinished: readonly number[]): string {
  if (kind === "initial") return "The control initial does not count, because it is not finished.";
  const [draws, are] = unfinished.length === 1 ? ["draw", "is"] : ["draws", "are"];
  return `Of the control ${kind}, ${finished} finished ${finished === 1 ? "draw counts" : "draws count"}; ${draws} ${unfinished.join(", ")} ${are} not finished.`;
}

/** The names in a folder; none if there is no such folder. @throws PushforwardError `file-unreadable` */
async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((cause: unknown) => {
    if (codeOf(cause) === "ENOENT") return [];
    throw unreadable(folder, cause);
  });
}
