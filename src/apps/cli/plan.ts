import { createRng, formatSeconds, gaussianArray, PushforwardError, sizeOf } from "../../base/index.ts";
import type { Tap } from "../../jacobian/index.ts";
import { Forecast, type TapForecast, totalSeconds } from "../../studies/index.ts";
import type { NetworkFile } from "../node/index.ts";
import { isArrayFile } from "../node/load-input.ts";
import { chooseK, chooseTaps } from "./choose.ts";
import { choosePreset } from "./choose-preset.ts";
import { findInputs } from "./find-inputs.ts";
import { loadInputs } from "./inputs.ts";
import { COMPILING, formatBytes, freeRoom, type Keeping, requireRoom, roomFor } from "./memory.ts";
import { DEFAULT_TOL, DEFAULT_VECTORS } from "./options.ts";
import { Progress } from "./progress.ts";
import { formatTable } from "./table.ts";

export interface PlanOptions {
  readonly taps: string;
  readonly k?: number;
  readonly inputs: number;
  readonly preprocess?: string;
  readonly json?: boolean;
}

/** `pushforward inspect MODEL [INPUT] --plan`: what `spectrum` would take, rehearsed at one input. */
export async function printPlan(network: NetworkFile, path: string | undefined, options: PlanOptions): Promise<void> {
  const from = network.input;
  const taps = chooseTaps(network, from, options.taps);
  const k = chooseK(options.k, from, taps);
  const point = path === undefined ? randomInput(from) : await inputAt(network, path, options.preprocess);
  const forecast = new Forecast(
    network,
    from,
    taps.map((tap) => ({ tap, inputs: options.inputs })),
  );
  const progress = new Progress(taps.map(() => 1));
  // Of the process with a network that has been multiplied with; later taps add what is not collected yet.
  let base = Number.POSITIVE_INFINITY;
  await forecast.rehearse(k, {
    point,
    tol: DEFAULT_TOL,
    onTap({ name }) {
      base = Math.min(base, process.memoryUsage.rss());
      progress.update(`rehearsing ${name}`);
    },
  });
  progress.end();
  const predicted = await forecast.at(k);
  const keeping: Keeping = { vectors: DEFAULT_VECTORS, inMemory: false };
  const bytesOf = (some: readonly TapForecast[]): number => base + roomFor(some, keeping).memory;
  if (options.json) {
    for (const one of predicted) {
      const { m, n, k: count, method, jvp, vjp, seconds, solves } = one;
      const { name, tensor } = one.tap;
      const numbers = { m, n, k: count, method, jvp, vjp, seconds, solves, bytes: bytesOf([one]) };
      process.stdout.write(`${JSON.stringify({ model: network.file, name, tensor, ...numbers })}\n`);
    }
    return;
  }
  const rows = predicted.map((one) => [
    one.tap.name,
    `${one.m}×${one.n}`,
    String(one.k),
    one.method,
    String(one.jvp),
    String(one.vjp),
    formatSeconds(one.seconds),
    formatBytes(bytesOf([one])),
  ]);
  const table = formatTable(["tap", "m×n", "k", "method", "J", "Jᵀ", "time", "memory"], rows, [1, 2, 4, 5, 6, 7]);
  const [where, count] = [path ?? "random numbers in place of an input", options.inputs];
  const solves = predicted.reduce((sum, one) => sum + one.solves, 0);
  process.stdout.write(
    `${network.file}, rehearsed at ${where}\n\n${table}\n\n` +
      `${count} ${count === 1 ? "input" : "inputs"}: ${solves} solves, about ${formatSeconds(totalSeconds(predicted))}, ` +
      `at most ${formatBytes(bytesOf(predicted))} of memory; ${formatBytes((await freeRoom()).memory)} are available.\n`,
  );
}

const randomInput = (input: Tap): Float32Array => gaussianArray(createRng(0, "plan"), sizeOf(input.shape));

async function inputAt(network: NetworkFile, path: string, preprocess: string | undefined): Promise<Float32Array> {
  const { file } = (await findInputs([path]))[0]!;
  const { shape } = network.input;
  const preset = await choosePreset(preprocess, shape, isArrayFile(file));
  const { points } = await loadInputs([file], shape, preset);
  return points[0]!;
}

/** A run that is about to start. */
export interface PlannedRun {
  readonly network: NetworkFile;
  readonly from: Tap;
  readonly taps: readonly Tap[];
  readonly k: number;
  readonly tol: number;
  readonly points: readonly (Float32Array | undefined)[];
  readonly isDone: (input: number, tap: number) => boolean;
  readonly keeping: Keeping;
}

/** The part of a run's time that may go into its prediction. */
const SHARE = 0.05;

/**
 * Tells on standard error what a run will take, and stops one that does not fit into memory.
 *
 * @throws PushforwardError `memory-short` with what would fit
 */
export async function announce(run: PlannedRun): Promise<void> {
  const { network, from, k, tol, points, isDone, keeping } = run;
  const demands = run.taps.map((tap, index) => ({
    tap,
    inputs: points.filter((point, input) => point !== undefined && !isDone(input, index)).length,
  }));
  const open = demands.filter(({ inputs }) => inputs > 0);
  if (open.length === 0) return;
  const forecast = new Forecast(network, from, open);
  for (const point of points) {
    if (point === undefined) continue;
    const rehearsed = await forecast.rehearse(k, { point, tol, share: SHARE }).then(
      () => true,
      (cause: unknown) => {
        if (cause instanceof PushforwardError && cause.code === "not-finite") return false; // the run marks its units as failed
        throw cause;
      },
    );
    if (rehearsed) break;
  }
  const taps = await forecast.at(k);
  const units = open.reduce((sum, { inputs }) => sum + inputs, 0);
  const bytes = process.memoryUsage.rss() + roomFor(taps, keeping).memory;
  const time =
    forecast.rehearsed === 0
      ? "less than a minute by their counted cost"
      : `about ${formatSeconds(totalSeconds(taps))} as rehearsed at ${forecast.rehearsed} of ${open.length} taps`;
  const count = `${units} ${units === 1 ? "unit" : "units"}`;
  process.stderr.write(`note: ${count}, ${time}; at most ${formatBytes(bytes)} of memory\n`);
  const room = await freeRoom();
  // A rehearsal has compiled already, and its sessions count as taken.
  const address = forecast.rehearsed === 0 ? room.address - COMPILING : room.address;
  await requireRoom(forecast, k, keeping, { ...room, address });
}
