import { join } from "node:path";
import { formatBytes, formatRange, PushforwardError, type Range } from "../../base/index.ts";
import { DirectoryStore } from "../../platform/node/directory-store.ts";
import { openStudyRun } from "../../results/index.ts";
import {
  cellPlaces,
  FEWEST_IMAGES,
  type Lab,
  type Params,
  type Study,
  timeOf,
  timeOfWork,
} from "../../studies/index.ts";
import { diskFor, storingTime, warnOfDisk } from "./disk.ts";
import { basisOf, outlookOf } from "./outlook.ts";

/** A study with the parameters that it is to have. */
export interface AskedStudy {
  readonly study: Study;
  readonly params: Params;
}

interface Setting {
  readonly out: string;
  /** Whether the shared spectrum of an input at a tap is stored, both counted without the source. */
  readonly isDone: (input: number, tap: number) => boolean;
}

/**
 * Says on standard error how much time and disk space studies will take together, and which claims will be undecided for lack of
 * images. Work that is already stored does not count, nor do studies that do not suit the inputs.
 */
export async function announceStudies(lab: Lab, asked: readonly AskedStudy[], { out, isDone }: Setting): Promise<void> {
  const suited = await suitedOf(lab, asked);
  if (suited.length === 0) return;
  const works = suited.map(({ study, params }) => ({ study, ...study.work(lab, params) }));
  const [from, ...taps] = lab.taps;
  const points = lab.inputs.map(({ point }) => point);
  const keeping = { vectors: lab.vectors, inMemory: false };
  const needed = works.some(({ spectra }) => spectra);
  const outlook = await outlookOf({
    ...{ network: lab.network, from: from!, taps, k: lab.k, tol: lab.tol, points },
    isDone: needed ? isDone : () => true,
  });
  const parts: Range[] = [timeOf(outlook.taps), storingTime(outlook.taps, keeping)];
  let disk = diskFor(from!, outlook.taps, keeping);
  for (const [i, work] of works.entries()) {
    const open = 1 - (await doneShare(join(out, work.study.id)));
    const { low, high } = await timeOfWork(lab.network, work);
    parts.push({ low: open * low, high: open * high });
    disk += open * suited[i]!.bytes;
  }
  const sum = (end: keyof Range) => parts.reduce((total, part) => total + part[end], 0);
  const count = suited.length === 1 ? `the study ${suited[0]!.study.id}` : `${suited.length} studies`;
  if (sum("high") > 0) {
    const time = formatRange({ low: sum("low"), high: sum("high") });
    process.stderr.write(`note: ${count}, ${time} (${basisOf(outlook)}); about ${formatBytes(disk)} on disk\n`);
    await warnOfDisk(out, disk);
  }
  const few = works.filter(({ images }) => images < FEWEST_IMAGES);
  if (few.length === 0) return;
  const list = few.map(({ study, images }) => `${study.id} (${images})`).join(", ");
  process.stderr.write(
    `note: claims will be undecided for lack of images, as a verdict needs at least ${FEWEST_IMAGES}: ${list}\n`,
  );
}

/** The studies that suit the inputs, each with the bytes of its arrays. */
async function suitedOf(lab: Lab, asked: readonly AskedStudy[]): Promise<(AskedStudy & { readonly bytes: number })[]> {
  const suited: (AskedStudy & { readonly bytes: number })[] = [];
  for (const one of asked) {
    try {
      const { axes, cell, variables } = await one.study.design(lab, one.params);
      const extent = (dims: readonly string[]) => dims.reduce((product, name) => product * axes[name]!.length, 1);
      const entries = Object.values(variables).reduce((total, { dims }) => total + extent([...cell, ...dims]), 0);
      suited.push({ ...one, bytes: Float64Array.BYTES_PER_ELEMENT * entries });
    } catch (cause) {
      if (!(cause instanceof PushforwardError && cause.code === "usage")) throw cause; // The study says so when it begins.
    }
  }
  return suited;
}

/** The fraction of a study's cells that are stored. */
async function doneShare(folder: string): Promise<number> {
  const store = new DirectoryStore(folder);
  if (!(await store.has("/zarr.json"))) return 0;
  const run = await openStudyRun(store);
  const places = cellPlaces(run.manifest);
  return places.filter((place) => run.isDone(place)).length / places.length;
}
