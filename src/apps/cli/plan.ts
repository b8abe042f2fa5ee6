import { createRng, formatBytes, formatRange, formatSeconds, gaussianArray, plural, sizeOf } from "../../base/index.ts";
import { Forecast, type TapForecast, timeOf } from "../../studies/index.ts";
import { choosePreset } from "../node/choose-preset.ts";
import { findInputs } from "../node/find-inputs.ts";
import type { Network } from "../node/index.ts";
import { isArrayFile } from "../node/load-input.ts";
import { chooseK, chooseTaps } from "./choose.ts";
import { diskFor } from "./disk.ts";
import { loadInputs } from "./inputs.ts";
import { freeRoom, type Keeping, roomFor } from "./memory.ts";
import { DEFAULT_TOL, DEFAULT_VECTORS } from "./options.ts";
import { requireMain } from "./prepare.ts";
import { Progress } from "./progress.ts";
import { formatTable } from "./table.ts";

export interface PlanOptions {
  readonly taps: string;
  readonly k?: number;
  readonly inputs: number;
  readonly preprocess?: string;
  readonly json?: boolean;
}

/** `pushforward inspect MODEL [INPUT] --plan`: predicts the cost of `spectrum` by a rehearsal at one input. */
export async function printPlan(network: Network, path: string | undefined, options: PlanOptions): Promise<void> {
  requireMain(network);
  const from = network.source;
  const taps = chooseTaps(network, from, options.taps);
  const k = chooseK(options.k, from, taps);
  const point = path === undefined ? randomInput(network) : await inputAt(network, path, options.preprocess);
  const forecast = new Forecast(
    network,
    from,
    taps.map((tap) => ({ tap, inputs: options.inputs })),
  );
  const progress = new Progress(taps.map(() => 1));
  // The memory of the process after the first products. The minimum is taken because later taps add garbage that is not collected yet.
  let base = Number.POSITIVE_INFINITY;
  await forecast.rehearse(k, {
    point,
    tol: DEFAULT_TOL,
    onStart: ({ name }) => progress.update(`rehearsing ${name}`),
    onTap({ name }) {
      base = Math.min(base, process.memoryUsage.rss());
      progress.finish(`${name} is rehearsed`);
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
      `${plural(count, "input")}: ${solves} solves, ${formatRange(timeOf(predicted))}, ` +
      `at most ${formatBytes(bytesOf(predicted))} of memory, of which ${formatBytes((await freeRoom()).memory)} are available, ` +
      `and ${formatBytes(diskFor(from, predicted, keeping))} on disk.\n`,
  );
}

/** Standard normal numbers; zeros for an input that does not hold floats, which every type has. */
function randomInput(network: Network): Float32Array {
  const size = sizeOf(network.input.shape);
  return network.isFloat(network.input) ? gaussianArray(createRng(0, "plan"), size) : new Float32Array(size);
}

async function inputAt(network: Network, path: string, preprocess: string | undefined): Promise<Float32Array> {
  const { file } = (await findInputs([path]))[0]!;
  const { shape } = network.input;
  const preset = await choosePreset(preprocess, shape, isArrayFile(file));
  const { points } = await loadInputs([file], network, preset);
  return points[0]!;
}
