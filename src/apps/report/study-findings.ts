import { join } from "node:path";
import { PushforwardError } from "../../base/index.ts";
import { DirectoryStore } from "../../platform/node/directory-store.ts";
import { earlierStudyRun, openStudyRun, type StudyManifest, type StudyRun } from "../../results/index.ts";
import {
  type ControlFindings,
  cellPlaces,
  type Findings,
  readStudy,
  type Study,
  withControls,
} from "../../studies/index.ts";
import { controlFolders, type DrawFolder } from "./control-folders.ts";

/** What one study of a folder found of the trained network and of its controls. */
export interface StudyFindings {
  readonly run: StudyRun;
  readonly manifest: StudyManifest;
  /** With the columns and the verdicts of the controls. */
  readonly findings: Findings;
  /** Those of which at least one draw is finished, in the order of the kinds. */
  readonly controls: readonly StudiedControl[];
  /** Why results of controls that are stored do not count, one sentence each. */
  readonly leftOut: readonly string[];
  /** Wall time of the study of the trained network. */
  readonly seconds: number;
}

/** What the study found of one kind of control. */
export interface StudiedControl extends ControlFindings {
  /** The finished draws, in the order of `draws`. */
  readonly runs: readonly StudiedDraw[];
}

interface StudiedDraw {
  /** The number of the draw, from 1. */
  readonly draw: number;
  /** `matched 3`, or `initial`. */
  readonly name: string;
  /** It contains the studies of this draw, as the folder of the trained network contains those of that network. */
  readonly folder: string;
  readonly run: StudyRun;
  /** Wall time of the study. */
  readonly seconds: number;
}

/**
 * Reads a study of a folder, finished or not, with the controls in `controls/KIND/DRAW/`. A draw counts once this study of it is
 * finished, so that a folder can be read while its controls are still computed. A cell that failed counts as finished. A draw with
 * other settings or inputs does not count.
 *
 * @throws PushforwardError what the store throws
 */
export async function findingsIn(folder: string, study: Study): Promise<StudyFindings> {
  const run = await openStudyRun(new DirectoryStore(join(folder, study.id)));
  const { manifest } = run;
  const controls: StudiedControl[] = [];
  const leftOut: string[] = [];
  const drawn = await controlFolders(folder);
  for (const kind of new Set(drawn.map((draw) => draw.kind))) {
    const ofKind = drawn.filter((draw) => draw.kind === kind);
    const { runs, unfinished, refused } = await drawsOf(folder, study, manifest, ofKind);
    leftOut.push(...refused);
    if (unfinished.length > 0) leftOut.push(toldUnfinished(kind, runs.length, unfinished));
    if (runs.length === 0) continue;
    const draws: Findings[] = [];
    for (const { run: drawn } of runs) draws.push(study.conclude(await readStudy(drawn), drawn.manifest.params));
    controls.push({ kind, one: kind === "initial", draws, runs });
  }
  const trained = study.conclude(await readStudy(run), manifest.params);
  const compared = withControls(trained, controls);
  const further =
    study.compare?.(
      compared,
      controls.map(({ kind }) => kind),
    ) ?? [];
  const findings = { ...compared, tables: [...further, ...compared.tables] };
  return { run, manifest, findings, controls, leftOut, seconds: await run.seconds() };
}

/** The draws of a kind that have this study: the finished ones, the numbers of the others, and why some are refused. */
async function drawsOf(folder: string, study: Study, trained: StudyManifest, draws: readonly DrawFolder[]) {
  const found = { runs: [] as StudiedDraw[], unfinished: [] as number[], refused: [] as string[] };
  for (const { kind, draw, path } of draws) {
    const name = kind === "initial" ? kind : `${kind} ${draw}`;
    const own = join(folder, path);
    try {
      const run = await storedDraw(new DirectoryStore(join(own, study.id)), trained, kind, draw);
      if (run === undefined) continue;
      if (isFinished(run)) found.runs.push({ draw, name, folder: own, run, seconds: await run.seconds() });
      else found.unfinished.push(draw);
    } catch (cause) {
      if (!(cause instanceof PushforwardError && cause.code === "store-mismatch")) throw cause;
      found.refused.push(`The control ${name} does not count. ${cause.what}`);
    }
  }
  return found;
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

function toldUnfinished(kind: string, finished: number, unfinished: readonly number[]): string {
  if (kind === "initial") return "The control initial does not count, because it is not finished.";
  const [draws, are] = unfinished.length === 1 ? ["draw", "is"] : ["draws", "are"];
  return `Of the control ${kind}, ${finished} finished ${finished === 1 ? "draw counts" : "draws count"}; ${draws} ${unfinished.join(", ")} ${are} not finished.`;
}
