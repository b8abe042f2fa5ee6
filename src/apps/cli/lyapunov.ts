import { Command } from "commander";
import { formatNumber, PushforwardError } from "../../base/index.ts";
import { type LyapunovSpectrum, lyapunovSpectrum } from "../../dynamics/index.ts";
import { interruptible } from "./interruptible.ts";
import { type IterationOptions, openIterated } from "./iterated.ts";
import { opening } from "./opening.ts";
import { threadCount, wholeNumber } from "./options.ts";
import { Progress } from "./progress.ts";
import { formatTable } from "./table.ts";

interface LyapunovCommandOptions extends IterationOptions {
  readonly steps: number;
  readonly burnIn: number;
  readonly count: number;
  readonly json?: boolean;
}

/** `pushforward lyapunov MODEL`, or RECIPE.json: how fast directions grow or shrink when a network, or its layers, are applied again and again. */
export function lyapunovCommand(): Command {
  return opening(new Command("lyapunov"))
    .description(
      "Lyapunov exponents of a network, or of the layers of a recipe, applied to its own output again and again",
    )
    .argument(
      "<model>",
      "ONNX file with an output of the size of its input, or a recipe (.json) with random layers of one size",
    )
    .option("--steps <count>", "steps that are measured", wholeNumber("--steps", 1), 1000)
    .option("--burn-in <count>", "steps before, in which the state settles", wholeNumber("--burn-in", 0), 100)
    .option(
      "--count <count>",
      "exponents, the largest first; at most the size of the state",
      wholeNumber("--count", 1),
      16,
    )
    .option(
      "--from <input>",
      "the input that is the state (default: the input of the network); of a recipe, the tensor before the layers",
    )
    .option(
      "--to <tap>",
      "the tensor that is the next state (default: the output of the network); of a recipe, the output of the layers",
    )
    .option("--tied", "of a recipe: the same random weights at every step, in place of new ones")
    .option("--start <state>", "the first state: random (normal), zero, or an .npy file", "random")
    .option(
      "--seed <seed>",
      "seed of the first state, directions and random weights (default: that of the recipe, or 0)",
      wholeNumber("--seed", 0),
    )
    .option("--threads <count>", "threads for one product (default: all cores)", threadCount("--threads"))
    .option("--json", "print one JSON object")
    .action((file: string, options: LyapunovCommandOptions) =>
      interruptible((signal) => measure(file, options, signal)),
    );
}

async function measure(file: string, options: LyapunovCommandOptions, signal: AbortSignal): Promise<void> {
  const { steps, burnIn, json = false } = options;
  const { network, dynamics, seed, about, settings } = await openIterated(file, options);
  try {
    const { size } = dynamics;
    const count = Math.min(options.count, size);
    const onStep = watched(steps + burnIn, signal);
    const spectrum = await lyapunovSpectrum(dynamics, { count, steps, burnIn, seed, onStep });
    const title = `${file}, ${about}: exponents in nats a step, over ${steps} steps after ${burnIn}`;
    const identity = { ...settings, size, steps, burnIn, seed };
    process.stdout.write(json ? line(identity, spectrum) : describe(title, size, spectrum));
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
