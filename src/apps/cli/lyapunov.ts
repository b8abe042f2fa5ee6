import { Command } from "commander";
import { createRng, formatNumber, gaussianArray, PushforwardError, sizeOf } from "../../base/index.ts";
import { iterate, type LyapunovSpectrum, lyapunovSpectrum } from "../../dynamics/index.ts";
import { readNpy } from "../../images/index.ts";
import { openModel, type Tap } from "../node/index.ts";
import { isArrayFile } from "../node/load-input.ts";
import { readBytes } from "../node/open-model.ts";
import { interruptible } from "./interruptible.ts";
import { type OpeningOptions, opening, openOptions } from "./opening.ts";
import { threadCount, wholeNumber } from "./options.ts";
import { Progress } from "./progress.ts";
import { formatTable } from "./table.ts";

interface LyapunovCommandOptions extends OpeningOptions {
  readonly steps: number;
  readonly burnIn: number;
  readonly count: number;
  readonly from?: string;
  readonly to?: string;
  readonly start: string;
  readonly seed: number;
  readonly json?: boolean;
}

/** `pushforward lyapunov MODEL`: how fast directions grow or shrink when the network is applied to its own output. */
export function lyapunovCommand(): Command {
  return opening(new Command("lyapunov"))
    .description("Lyapunov exponents of a network that is applied to its own output again and again")
    .argument("<model>", "ONNX file with an output of the size of its input")
    .option("--steps <count>", "steps that are measured", wholeNumber("--steps", 1), 1000)
    .option("--burn-in <count>", "steps before, in which the state settles", wholeNumber("--burn-in", 0), 100)
    .option(
      "--count <count>",
      "exponents, the largest first; at most the size of the state",
      wholeNumber("--count", 1),
      16,
    )
    .option("--from <input>", "the input that is the state (default: the input of the network)")
    .option("--to <tap>", "the tensor that is the next state (default: the output of the network)")
    .option("--start <state>", "the first state: random (normal), zero, or an .npy file", "random")
    .option("--seed <seed>", "seed of the first state and directions", wholeNumber("--seed", 0), 0)
    .option("--threads <count>", "threads for one product (default: all cores)", threadCount("--threads"))
    .option("--json", "print one JSON object")
    .action((file: string, options: LyapunovCommandOptions) =>
      interruptible((signal) => measure(file, options, signal)),
    );
}

async function measure(file: string, options: LyapunovCommandOptions, signal: AbortSignal): Promise<void> {
  const { steps, burnIn, seed, json = false } = options;
  const network = await openModel(file, await openOptions(options));
  try {
    const from = options.from === undefined ? network.input : network.tap(options.from);
    const to = options.to === undefined ? network.output : network.tap(options.to);
    const size = sizeOf(from.shape);
    const dynamics = iterate(network, { start: await firstState(options, from), from, to });
    const count = Math.min(options.count, size);
    const spectrum = await lyapunovSpectrum(dynamics, {
      count,
      steps,
      burnIn,
      seed,
      onStep: watched(steps + burnIn, signal),
    });
    const about = `${file}, ${from.name} → ${to.name}: exponents in nats a step, over ${steps} steps after ${burnIn}`;
    const { identity } = network;
    const settings = { model: file, ...identity, from: from.name, to: to.name, size, steps, burnIn, seed };
    process.stdout.write(json ? line(settings, spectrum) : describe(about, size, spectrum));
  } finally {
    await network.close();
  }
}

/** Shows progress, and ends the work after an interrupt. */
function watched(total: number, signal: AbortSignal): (step: number) => void {
  const TOLD = 20;
  const every = Math.ceil(total / TOLD);
  const progress = new Progress(new Array(Math.ceil(total / every)).fill(1));
  return (step) => {
    if (signal.aborted) {
      progress.end();
      throw new PushforwardError("interrupted", {
        what: `The command was interrupted after ${step} of ${total} steps.`,
        fix: "Run it again, with fewer --steps if it takes too long.",
      });
    }
    if (step > 0 && step % every === 0) progress.finish(`${step} of ${total} steps`);
  };
}

/** @throws PushforwardError `usage` for what is no state, `file-unreadable` for an array that cannot be read */
async function firstState({ start, seed }: LyapunovCommandOptions, { shape }: Tap): Promise<Float32Array> {
  if (start === "zero") return new Float32Array(sizeOf(shape));
  if (start === "random") return gaussianArray(createRng(seed, "state"), sizeOf(shape));
  if (isArrayFile(start)) return readNpy(await readBytes(start), start).data;
  throw new PushforwardError("usage", {
    what: `"${start}" is not a first state.`,
    where: { option: "--start" },
    fix: "Give random, zero, or the .npy file of an array.",
  });
}

/** NaN becomes `null`. */
function line(identity: Readonly<Record<string, unknown>>, { exponents, dimension }: LyapunovSpectrum): string {
  return `${JSON.stringify({ ...identity, exponents, dimension: dimension ?? null })}\n`;
}

function describe(title: string, size: number, { exponents, dimension }: LyapunovSpectrum): string {
  const rows = exponents.map(({ value, low, high, belowFloor }, i) => [
    String(i + 1),
    value === Number.NEGATIVE_INFINITY ? "erased" : `${belowFloor > 0 ? "≤ " : ""}${formatNumber(value)}`,
    Number.isNaN(low) ? "" : `${formatNumber(low)} … ${formatNumber(high)}`,
  ]);
  const parts = [title, formatTable(["i", "λ_i", "95 % interval"], rows, [0, 1])];
  if (exponents.some(({ belowFloor }) => belowFloor > 0)) {
    parts.push("≤: some steps left less of the direction than float32 resolves, so that the exponent is at most this.");
  }
  if (dimension !== undefined) parts.push(`Kaplan-Yorke dimension: ${formatNumber(dimension)} of ${size}`);
  return `${parts.join("\n\n")}\n`;
}
