import { join } from "node:path";
import { DirectoryStore } from "../../platform/node/directory-store.ts";
import { isRemote, openStore } from "../../platform/node/open-store.ts";
import {
  openRun,
  openStudyRun,
  progressOf,
  type Run,
  type RunManifest,
  type RunProgress,
  type Store,
  type StudyRun,
} from "../../results/index.ts";
import { cellName, cellPlaces, studies } from "../../studies/index.ts";
import { controlFolders } from "../report/control-folders.ts";

/** How far a run is. */
export interface RunPart extends RunProgress {
  /** Its folder below the given one; empty for the given one itself. */
  readonly folder: string;
  /** A sentence for each input that cannot be used. */
  readonly unusable: readonly string[];
}

/** How far a study is. */
export interface StudyPart {
  readonly folder: string;
  readonly study: string;
  readonly done: number;
  /** The cells without a result, and those that lack a part. */
  readonly failures: readonly { readonly cell: string; readonly why: string; readonly isDone: boolean }[];
  readonly left: number;
  readonly seconds: number;
}

export interface Parts {
  readonly runs: readonly RunPart[];
  readonly studies: readonly StudyPart[];
}

/**
 * What a folder contains: the run or the study that it is, or the studies in it, with their spectra and those of controls.
 *
 * @throws PushforwardError `file-unreadable` if there is neither; `store-mismatch` for another store
 */
export async function partsOf(folder: string): Promise<Parts> {
  const store = openStore(folder);
  if (await store.has("/zarr.json")) {
    const study = await openStudyRun(store).catch(() => undefined); // It is then opened as a run, and an error of that says what is wrong.
    if (study !== undefined) return { runs: [], studies: [await studyPart("", study)] };
    return { runs: [await runPart("", await openRun(store))], studies: [] };
  }
  const [runs, found]: [RunPart[], StudyPart[]] = [[], []];
  if (isRemote(folder)) await openRun(store); // There are no studies at an address, and the error says so.
  for (const part of ["", ...(await controlFolders(folder)).map(({ path }) => path)]) {
    const spectra = new DirectoryStore(join(folder, part, "run"));
    if (await spectra.has("/zarr.json")) runs.push(await runPart(join(part, "run"), await openRun(spectra)));
    for (const { id } of studies) {
      const own = new DirectoryStore(join(folder, part, id));
      if (await own.has("/zarr.json")) found.push(await studyPart(join(part, id), await openStudyRun(own)));
    }
  }
  if (runs.length + found.length === 0) await openRun(store); // The error says that there is nothing.
  return { runs, studies: found };
}

/** Whether a folder contains studies, finished or not. */
export async function hasStudies(store: Store): Promise<boolean> {
  for (const { id } of studies) if (await store.has(`/${id}/zarr.json`)) return true;
  return false;
}

async function runPart(folder: string, run: Run): Promise<RunPart> {
  return { folder, unusable: unusableInputs(run.manifest), ...(await progressOf(run)) };
}

/** A sentence for each input of a run that cannot be used. */
export const unusableInputs = ({ inputs }: RunManifest): string[] =>
  inputs.flatMap(({ name, failed }) => (failed === undefined ? [] : [`input ${name} cannot be used: ${failed}`]));

async function studyPart(folder: string, run: StudyRun): Promise<StudyPart> {
  const { manifest } = run;
  const places = cellPlaces(manifest);
  const done = places.filter((place) => run.isDone(place)).length;
  const failures = run.failures.map(({ cell, why }) => ({
    cell: cellName(manifest, cell),
    why,
    isDone: run.isDone(cell),
  }));
  const failed = failures.filter(({ isDone }) => !isDone).length;
  const left = places.length - done - failed;
  return { folder, study: manifest.study, done, failures, left, seconds: await run.seconds() };
}

/** The seconds that the cells of a study that are left will take; of another network's, if none is done. */
export function cellsLeft({ study, done, left, seconds }: StudyPart, all: readonly StudyPart[]) {
  if (left === 0) return { secondsLeft: 0 };
  const measured = done > 0 ? { done, seconds } : all.find((other) => other.study === study && other.done > 0);
  if (measured === undefined) return {};
  return {
    secondsLeft: (measured.seconds / measured.done) * left,
    expectedFrom: done > 0 ? "this study" : "another network",
  };
}
