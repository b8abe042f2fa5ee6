import { formatBytes, formatRange, plural, type Range } from "../../base/index.ts";
import { FEWEST_IMAGES, type Lab, type Shard, timeOf, timeOfWork } from "../../studies/index.ts";
import { diskFor, storingTime, warnOfDisk } from "./disk.ts";
import { basisOf, outlookOf } from "./outlook.ts";
import type { PlannedStudy, StoredWork } from "./studied-network.ts";

interface Announced {
  readonly out: string;
  /** What is stored of the work of each network: the trained one first, then its controls. */
  readonly stored: readonly StoredWork[];
  readonly shard: Shard;
}

/**
 * Says on standard error how much time and disk space studies of a network and of its controls will take together, and which claims will
 * be undecided for lack of images. Work that is already stored does not count. A control costs as much as the trained network.
 */
export async function announceStudies(
  lab: Lab,
  planned: readonly PlannedStudy[],
  { out, stored, shard }: Announced,
): Promise<void> {
  const works = planned.map(({ study, params }) => ({ study, ...study.work(lab, params) }));
  const [from, ...taps] = lab.taps;
  const points = lab.inputs.map(({ point }) => point);
  const keeping = { vectors: lab.vectors, inMemory: false };
  const needed = works.some(({ spectra }) => spectra);
  const outlook = await outlookOf({
    ...{ network: lab.network, from: from!, taps, k: lab.k, tol: lab.tol, points },
    isDone: (input, tap) => !needed || stored.every(({ isDone }) => isDone(input, tap)),
  });
  const ofStudies = await Promise.all(works.map((work) => timeOfWork(lab.network, work)));
  const parts: Range[] = [];
  let disk = 0;
  for (const { isDone, shares } of stored) {
    const spectra = outlook.taps.flatMap((forecast) => {
      const tap = taps.indexOf(forecast.tap);
      const inputs = Math.ceil(points.filter((_, input) => !isDone(input, tap)).length / shard.count);
      const solves = forecast.solves < forecast.inputs ? Math.min(forecast.solves, inputs) : inputs;
      return inputs === 0 ? [] : [{ ...forecast, inputs, solves }];
    });
    parts.push(timeOf(spectra), storingTime(spectra, keeping));
    disk += diskFor(from!, spectra, keeping);
    for (const [i, share] of shares.entries()) {
      const { low, high } = ofStudies[i]!;
      parts.push({ low: (1 - share) * low, high: (1 - share) * high });
      disk += (1 - share) * bytesOf(planned[i]!);
    }
  }
  const sum = (end: keyof Range) => parts.reduce((total, part) => total + part[end], 0);
  const count = planned.length === 1 ? `the study ${planned[0]!.study.id}` : `${planned.length} studies`;
  const controls = stored.length === 1 ? "" : ` of the network and ${plural(stored.length - 1, "control")}`;
  if (sum("high") > 0) {
    const time = formatRange({ low: sum("low"), high: sum("high") });
    process.stderr.write(
      `note: ${count}${controls}, ${time} (${basisOf(outlook)}); about ${formatBytes(disk)} on disk\n`,
    );
    await warnOfDisk(out, disk);
  }
  for (const unit of ["image", "training"] as const) {
    const few = works.filter((work) => (work.unit ?? "image") === unit && work.images < FEWEST_IMAGES);
    if (few.length === 0) continue;
    const list = few.map(({ study, images }) => `${study.id} (${images})`).join(", ");
    process.stderr.write(
      `note: claims will be undecided for lack of ${unit}s, as a verdict needs at least ${FEWEST_IMAGES}: ${list}\n`,
    );
  }
}

/** The bytes of the arrays of a study. */
function bytesOf({ design: { axes, cell, variables } }: PlannedStudy): number {
  const extent = (dims: readonly string[]) => dims.reduce((product, name) => product * axes[name]!.length, 1);
  const entries = Object.values(variables).reduce((total, { dims }) => total + extent([...cell, ...dims]), 0);
  return Float64Array.BYTES_PER_ELEMENT * entries;
}
