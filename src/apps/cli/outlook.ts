import { formatBytes, formatRange, PushforwardError, plural } from "../../base/index.ts";
import type { Network, Tap } from "../../jacobian/index.ts";
import { Forecast, type TapForecast, timeOf } from "../../studies/index.ts";
import { diskFor, storingTime, warnOfDisk } from "./disk.ts";
import { COMPILING, freeRoom, type Keeping, requireRoom, roomFor } from "./memory.ts";
import { Progress } from "./progress.ts";

/** A run that is about to start. */
export interface PlannedRun {
  readonly network: Network;
  readonly from: Tap;
  readonly taps: readonly Tap[];
  readonly k: number;
  readonly tol: number;
  readonly points: readonly (Float32Array | undefined)[];
  readonly isDone: (input: number, tap: number) => boolean;
  readonly keeping: Keeping;
  /** The folder in which the run is stored; absent if it is not stored. */
  readonly out: string | undefined;
}

/** The fraction of a run's time that predicting it may take. */
const SHARE = 0.05;

/** The remaining work of a run, and its predicted cost. */
export interface Outlook {
  readonly forecast: Forecast;
  readonly taps: readonly TapForecast[];
}

/**
 * Counts the remaining work of a run. If `share` is above 0, some of the work is also rehearsed, which may take that fraction of
 * the run's time.
 *
 * @throws PushforwardError `memory-short` if `keeping` is given and already the counts show that the run does not fit into memory
 */
export async function outlookOf(
  run: Omit<PlannedRun, "keeping" | "out"> & { readonly keeping?: Keeping },
  share = SHARE,
): Promise<Outlook> {
  const { network, from, k, tol, points, isDone, keeping } = run;
  const demands = run.taps.map((tap, index) => ({
    tap,
    inputs: points.filter((point, input) => point !== undefined && !isDone(input, index)).length,
  }));
  const open = demands.filter(({ inputs }) => inputs > 0);
  const forecast = new Forecast(network, from, open);
  const progress = new Progress(open.map(() => 1));
  if (share > 0 && open.length > 0) {
    if (keeping !== undefined) {
      const { memory, address } = await freeRoom();
      await requireRoom(forecast, k, keeping, { memory, address: address - COMPILING });
    }
    const onStart = ({ name }: Tap) => progress.update(`rehearsing ${name} to predict the time of the run`);
    for (const point of points) {
      if (point === undefined) continue;
      const rehearsed = await forecast.rehearse(k, { point, tol, share, onStart }).then(
        () => true,
        (cause: unknown) => {
          if (cause instanceof PushforwardError && cause.code === "not-finite") return false; // The run marks these units as failed.
          throw cause;
        },
      );
      if (rehearsed) break;
    }
  }
  progress.end();
  return { forecast, taps: await forecast.at(k) };
}

/** Says how the predicted time was found. */
export function basisOf({ forecast, taps }: Outlook): string {
  return forecast.rehearsed === 0
    ? "by counting operations"
    : `rehearsed at ${forecast.rehearsed} of ${taps.length} taps`;
}

/** The predicted time of each unit relative to the others, tap by tap. */
export const sharesOf = ({ taps }: Outlook): number[] =>
  taps.flatMap(({ setup, seconds, inputs, solves }) =>
    Array.from({ length: inputs }, (_, i) => (i === 0 ? setup : 0) + (i < solves ? seconds : 0)),
  );

/**
 * Prints the predicted cost of a run on standard error, and throws if it does not fit into memory.
 *
 * @throws PushforwardError `memory-short`, which names options with which the run would fit
 */
export async function announce({ from, k, keeping, out }: PlannedRun, outlook: Outlook): Promise<void> {
  const { forecast, taps } = outlook;
  if (taps.length === 0) return;
  const units = taps.reduce((sum, { inputs }) => sum + inputs, 0);
  const bytes = process.memoryUsage.rss() + roomFor(taps, keeping).memory;
  const disk = diskFor(from, taps, keeping);
  const [solving, storing] = [timeOf(taps), out === undefined ? { low: 0, high: 0 } : storingTime(taps, keeping)];
  const time = { low: solving.low + storing.low, high: solving.high + storing.high };
  const stored = out === undefined ? "" : ` and ${formatBytes(disk)} on disk`;
  process.stderr.write(
    `note: ${plural(units, "unit")}, ${formatRange(time)} (${basisOf(outlook)}); ` +
      `at most ${formatBytes(bytes)} of memory${stored}\n`,
  );
  if (out !== undefined) await warnOfDisk(out, disk);
  // A rehearsal may find a larger need than the counts before it. The memory of its sessions is already in use here.
  if (forecast.rehearsed > 0) await requireRoom(forecast, k, keeping, await freeRoom());
}
