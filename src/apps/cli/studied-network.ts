import { join } from "node:path";
import { DirectoryStore } from "../../platform/node/directory-store.ts";
import { throughJpeg } from "../../platform/node/image-decoder.ts";
import {
  createRun,
  earlierRun,
  earlierStudyRun,
  matchInputs,
  type RunManifest,
  type Store,
  type StudyManifest,
} from "../../results/index.ts";
import { cellPlaces, isOfShard, Lab, type Params, type Shard, type Study } from "../../studies/index.ts";
import type { Network } from "../node/index.ts";
import {
  doneIn,
  type Points,
  type Prepared,
  pointsIn,
  type RunSettings,
  runManifest,
  type Subject,
  storeSources,
} from "./prepare.ts";

/** What all networks of a command have in common. */
export interface Setting extends Pick<Prepared, "classes" | "names" | "scale"> {
  readonly run: RunSettings & { readonly vectors: number };
  readonly shard: Shard;
  /** The inputs that can be used. */
  readonly points: readonly Float32Array[];
}

/** A study with its parameters and the layout of what it measures, which is the same for all networks of a command. */
export interface PlannedStudy {
  readonly study: Study;
  readonly params: Params;
  readonly design: Awaited<ReturnType<Study["design"]>>;
}

/** The part of the work of one network that is stored in its folder. */
export interface StoredWork {
  /** Whether the shared spectrum of an input at a tap is stored, both counted without the source. */
  readonly isDone: (input: number, tap: number) => boolean;
  /** The fraction of the cells that need not be measured, because they are stored or of another shard, for each study. */
  readonly shares: readonly number[];
}

/** The store of the spectra that the studies of a network share: the subfolder `run` of its folder. */
export const sharedSpectraIn = (folder: string): Store => new DirectoryStore(join(folder, "run"));

/** A lab for a network, whose shared spectra are kept in a store. */
export function labFor(
  network: Network,
  subject: Subject,
  spectraStore: Store,
  setting: Setting,
  trainings: Partial<Pick<Lab, "checkpoints" | "encoders">> = {},
): Lab {
  const { run, points, classes, names, scale } = setting;
  const { records } = subject.inputs;
  return new Lab({
    network,
    inputs: records.map(({ name, label }, i) => ({ name, point: points[i]!, className: label })),
    classes,
    names,
    pictures: { scale, throughJpeg },
    taps: [subject.from, ...subject.taps],
    seed: run.seed,
    k: run.k,
    tol: run.tol,
    vectors: run.vectors,
    ...trainings,
    async openSpectra() {
      const spectra = await createRun(spectraStore, runManifest(subject, run));
      const ordered: Points = pointsIn(spectra, { records, points });
      await storeSources(spectra, { network, from: subject.from }, ordered);
      return { run: spectra, places: matchInputs(spectra.manifest.inputs, records).places };
    },
  });
}

/** The manifest of a study of a network. */
export function studyManifest(
  subject: Subject,
  { study, params, design }: PlannedStudy,
  { run }: Setting,
): StudyManifest {
  const { seed, k, tol, vectors } = run;
  const { model, given, backend, preprocess, versions, created, inputs }: RunManifest = runManifest(subject, run);
  return {
    format: "pushforward-study",
    formatVersion: 2,
    study: study.id,
    params,
    ...(given === undefined ? {} : { given }),
    ...{ model, inputs, preprocess, seed, backend, versions, created },
    spectra: { k, tol, vectors },
    ...design,
  };
}

/**
 * What is stored of the work of a network. Nothing is drawn, compiled or written.
 *
 * @throws PushforwardError `store-mismatch` if the folder contains the results of another network, or with other settings
 */
export async function storedWork(
  subject: Subject,
  planned: readonly PlannedStudy[],
  folder: string,
  setting: Setting,
): Promise<StoredWork> {
  const spectra = runManifest(subject, setting.run);
  const isDone = doneIn(await earlierRun(sharedSpectraIn(folder), spectra), spectra);
  const shares: number[] = [];
  for (const one of planned) {
    const manifest = studyManifest(subject, one, setting);
    const stored = await earlierStudyRun(new DirectoryStore(join(folder, one.study.id)), manifest);
    const places = cellPlaces(manifest);
    const open = places.filter((place, i) => isOfShard(setting.shard, i) && stored?.isDone(place) !== true);
    shares.push(1 - open.length / places.length);
  }
  return { isDone, shares };
}
