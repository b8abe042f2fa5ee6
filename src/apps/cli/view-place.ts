import { join } from "node:path";
import { PushforwardError } from "../../base/index.ts";
import { DirectoryStore } from "../../platform/node/directory-store.ts";
import { isRemote, openStore } from "../../platform/node/open-store.ts";
import { openRun, openStudyRun, openTrainingRun, type RunManifest, type Store } from "../../results/index.ts";
import { FollowedRun } from "../progress/followed-run.ts";
import { FollowedStudies } from "../progress/followed-studies.ts";
import type { RunningUnit } from "../progress/live-state.ts";
import { hasStudies } from "../progress/parts.ts";
import { Watch } from "../progress/watch.ts";
import { type Served, servedFolder, servedPart, servedStore } from "./served.ts";
import { servedLive } from "./served-live.ts";

/** What a location that a user gives contributes to the server. */
export interface Place {
  /** What is served, below its addresses. */
  readonly places: Readonly<Record<string, Served>>;
  /** The address of what the explorer can show, if there is something. */
  readonly run?: string;
  /** The address of a report that is more than that of such a run. */
  readonly report?: string;
}

/** Tells which units of a stored run are being computed at this moment. */
export type RunningIn = (store: Store, manifest: RunManifest) => Promise<readonly RunningUnit[]>;

/**
 * Serves a run, a training or the studies of a folder at an address, encoded, that ends in `/`.
 *
 * @throws PushforwardError `usage` for a single study; as `openRun` if there is nothing else
 */
export async function placeAt(location: string, address: string, running: RunningIn = async () => []): Promise<Place> {
  const store = openStore(location);
  const files = isRemote(location) ? servedStore(store) : servedFolder(location);
  const path = `/${decodeURIComponent(address)}`;
  if (!(await store.has("/zarr.json")) && (await hasStudies(store))) {
    const spectra = new DirectoryStore(join(location, "run"));
    const hasSpectra = await spectra.has("/zarr.json");
    const studies = new Watch(new FollowedStudies(location));
    const run = liveRun(spectra, servedPart(files, "run/"), `${address}run/`, running);
    return {
      places: { [path]: servedLive(studies, files, () => explorerOf(spectra, `${address}run/`)), [`${path}run/`]: run },
      ...(hasSpectra ? { run: `${address}run/` } : {}),
      report: `${address}report/`,
    };
  }
  if (await isOpened(openTrainingRun(store))) return { places: { [path]: files }, run: address };
  if (await isOpened(openStudyRun(store))) {
    throw new PushforwardError("usage", {
      what: "This is one study of a folder, and its page is that of the whole folder.",
      where: { file: location },
      fix: "Give the folder that contains it.",
    });
  }
  await openRun(store);
  return { places: { [path]: liveRun(store, files, address, running) }, run: address };
}

const liveRun = (store: Store, files: Served, address: string, running: RunningIn): Served =>
  servedLive(new Watch(new FollowedRun(store, (manifest) => running(store, manifest))), files, () =>
    explorerOf(store, address),
  );

/** The query with which the explorer shows a run, if the run is there. */
const explorerOf = async (store: Store, address: string): Promise<string | undefined> =>
  (await store.has("/zarr.json")) ? `?run=${address}` : undefined;

const isOpened = (opening: Promise<unknown>): Promise<boolean> =>
  opening.then(
    () => true,
    () => false,
  );
