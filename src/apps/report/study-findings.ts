import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { PushforwardError } from "../../base/index.ts";
import { controlKinds } from "../../controls/index.ts";
import { DirectoryStore } from "../../platform/node/directory-store.ts";
import { openStudyRun, type StudyManifest, type StudyRun } from "../../results/index.ts";
import {
  type ControlFindings,
  cellPlaces,
  type Findings,
  readStudy,
  type Study,
  withControls,
} from "../../studies/index.ts";

/** What one study of a folder found of the trained network and of its controls. */
export interface StudyFindings {
  readonly run: StudyRun;
  readonly manifest: StudyManifest;
  /** With the columns and the verdicts of the controls. */
  readonly findings: Findings;
  /** Those of which at least one draw is finished. */
  readonly controls: readonly StudiedControl[];
  /** Wall time of the study of the trained network. */
  readonly seconds: number;
}

/** What the study found of one kind of control. */
interface StudiedControl extends ControlFindings {
  /** In the order of `draws`. */
  readonly runs: readonly StudiedDraw[];
}

interface StudiedDraw {
  /** The number of the draw, from 1. */
  readonly draw: number;
  /** It contains the studies of this draw, as the folder of the trained network contains those of that network. */
  readonly folder: string;
  readonly manifest: StudyManifest;
  /** Wall time of the study. */
  readonly seconds: number;
}

/** The kinds in the order in which they are shown; those that are unknown here come last. */
const order: readonly string[] = [...controlKinds, "initial"];

/**
 * Reads a study of a folder, finished or not, with the controls in `controls/KIND/DRAW/`. A draw counts once this study of it is
 * finished, so that a folder can be read while its controls are still computed. A cell that failed counts as finished.
 *
 * @throws PushforwardError `store-mismatch` if a draw was measured with other settings or inputs; what the store throws
 */
export async function findingsIn(folder: string, study: Study): Promise<StudyFindings> {
  const run = await openStudyRun(new DirectoryStore(join(folder, study.id)));
  const { manifest } = run;
  const found = study.conclude(await readStudy(run), manifest.params);
  const controls: StudiedControl[] = [];
  for (const kind of await namesIn(join(folder, "controls"))) {
    const draws: Findings[] = [];
    const runs: StudiedDraw[] = [];
    for (const draw of await drawsIn(join(folder, "controls", kind), study)) {
      const drawn = await openStudyRun(new DirectoryStore(join(draw.folder, study.id)));
      if (!isFinished(drawn)) continue;
      requireComparable(manifest, drawn.manifest, join(draw.folder, study.id));
      draws.push(study.conclude(await readStudy(drawn), drawn.manifest.params));
      runs.push({ ...draw, manifest: drawn.manifest, seconds: await drawn.seconds() });
    }
    if (draws.length > 0) controls.push({ kind, ...(kind === "initial" ? { one: true } : {}), draws, runs });
  }
  return { run, manifest, findings: withControls(found, controls), controls, seconds: await run.seconds() };
}

async function namesIn(folder: string): Promise<string[]> {
  if (!existsSync(folder)) return [];
  const place = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length);
  return (await readdir(folder)).sort((a, b) => place(a) - place(b) || a.localeCompare(b));
}

/** The draws of a kind that have this study, by their numbers. */
async function drawsIn(folder: string, study: Study): Promise<Pick<StudiedDraw, "draw" | "folder">[]> {
  return (await namesIn(folder))
    .filter((name) => /^[1-9]\d*$/.test(name) && existsSync(join(folder, name, study.id, "zarr.json")))
    .map((name) => ({ draw: Number(name), folder: join(folder, name) }))
    .sort((a, b) => a.draw - b.draw);
}

function isFinished(run: StudyRun): boolean {
  const failed = new Set(run.failures.map(({ cell }) => cell.join()));
  return cellPlaces(run.manifest).every((cell) => run.isDone(cell) || failed.has(cell.join()));
}

/** A difference from a control means something only at the same inputs with the same settings. */
function requireComparable(trained: StudyManifest, control: StudyManifest, file: string): void {
  const inputsOf = ({ inputs }: StudyManifest) => inputs.map(({ sha256 }) => sha256);
  const settingsOf = ({ params, seed, spectra }: StudyManifest) => ({ params, seed, spectra });
  const different = [
    ...(JSON.stringify(inputsOf(trained)) === JSON.stringify(inputsOf(control)) ? [] : ["inputs"]),
    ...(JSON.stringify(settingsOf(trained)) === JSON.stringify(settingsOf(control)) ? [] : ["settings"]),
  ];
  if (different.length === 0) return;
  throw new PushforwardError("store-mismatch", {
    what: `This study of a control has other ${different.join(" and ")} than that of the trained network.`,
    where: { file },
    fix: "Run the study with its control again in another folder, or remove this folder of the control.",
  });
}
