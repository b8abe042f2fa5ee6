import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { Command } from "commander";
import { formatNumber, formatShare, PushforwardError, quoted } from "../../base/index.ts";
import { type DeviceName, deviceNames } from "../../platform/node/devices.ts";
import { type Checkpoint, openTraining, type Training, train } from "../node/index.ts";
import { readTrainings } from "../node/recipe-file.ts";
import { interruptible } from "./interruptible.ts";
import { deviceName, threadCount, wholeNumber } from "./options.ts";
import { Progress } from "./progress.ts";
import { writeFiles } from "./write-files.ts";

/** The milliseconds after which the line of the step under way is written again. */
const SHOW_AFTER = 100;

interface TrainCommandOptions {
  readonly out: string;
  readonly export?: number | "last";
  readonly threads: number;
  readonly device?: DeviceName;
  readonly json?: boolean;
}

/** `pushforward train RECIPE.json --out FOLDER`: trains a network; `pushforward train FOLDER --export STEP --out FILE.onnx`. */
export function trainCommand(): Command {
  return new Command("train")
    .description("train a network as a recipe says, or write the network at a checkpoint of a training as an ONNX file")
    .argument("<recipe>", "recipe or stack of layers (.json); with --export, the folder of a training")
    .option(
      "--export <step>",
      "write the network at this checkpoint as an ONNX file; `last` is the last that is stored",
      checkpointStep,
    )
    .option("--threads <count>", "threads for one step", threadCount("--threads"), 1)
    .option(
      "--device <name>",
      `where to compute: ${deviceNames.join(", ")} (default: cpu); \`pushforward devices\` lists what is there`,
      deviceName("--device"),
    )
    .requiredOption(
      "--out <path>",
      "folder of the training, or of those of a stack, which the same command continues; with --export, the ONNX file",
    )
    .option("--json", "print one JSON object for each checkpoint")
    .action((recipe: string, options: TrainCommandOptions) =>
      options.export === undefined ? runTraining(recipe, options) : exportNetwork(recipe, options.export, options),
    );
}

const checkpointStep = (text: string): number | "last" => (text === "last" ? text : wholeNumber("--export", 0)(text));

async function runTraining(recipe: string, options: TrainCommandOptions): Promise<void> {
  const { out, json = false } = options;
  if ((await stat(recipe).catch(() => undefined))?.isDirectory()) {
    throw new PushforwardError("usage", {
      what: "This is a folder, not a recipe.",
      where: { file: recipe },
      fix: "Give a recipe (.json) to train, or --export STEP to write a network of the training in this folder.",
    });
  }
  for (const asked of await readTrainings(recipe, out)) {
    if (asked.name !== undefined) process.stderr.write(`${asked.name}\n`);
    await runOne(asked, recipe, options);
  }
  process.stdout.write(json ? "" : `${out}\n`);
}

/** One of the trainings that a file asks for. */
type Asked = Awaited<ReturnType<typeof readTrainings>>[number];

async function runOne(asked: Asked, file: string, { out, threads, device, json }: TrainCommandOptions): Promise<void> {
  let progress: Progress | undefined;
  let before = 0;
  let shown = 0;
  await interruptible(async (signal) => {
    const training = await train(asked.recipe, {
      ...{ out: asked.out, folder: dirname(file), threads, signal },
      ...(device === undefined ? {} : { device }),
      onBegin: ({ checkpoints, step }) => {
        before = step;
        if (step > 0) process.stderr.write(`note: the training goes on from step ${step}\n`);
        progress = new Progress(checkpoints.map((end, i) => end - (checkpoints[i - 1] ?? step)));
      },
      onStep: (step, loss) => {
        if (performance.now() - shown < SHOW_AFTER) return;
        shown = performance.now();
        progress?.update(`step ${step}, loss ${formatNumber(loss)}`, step - before);
      },
      onCheckpoint: (checkpoint) => {
        before = checkpoint.step;
        progress?.finish(described(checkpoint));
        const { name } = asked;
        if (json) process.stdout.write(`${JSON.stringify({ ...(name && { training: name }), ...checkpoint })}\n`);
      },
    })
      .catch((cause: unknown) => {
        throw withCommand(cause, file, out);
      })
      .finally(() => progress?.end());
    await writeCurves(training, asked.out);
  });
}

function described({ step, loss, accuracy }: Checkpoint): string {
  const held = Number.isNaN(loss) ? "" : `, held-out loss ${formatNumber(loss)}`;
  return `step ${step}${held}${Number.isNaN(accuracy) ? "" : `, ${formatShare(accuracy)} correct`}`;
}

/** An interrupted training says with which command it goes on. */
function withCommand(cause: unknown, recipe: string, out: string): unknown {
  if (!(cause instanceof PushforwardError && cause.code === "interrupted")) return cause;
  const fix = `Go on with: pushforward train ${quoted(recipe)} --out ${quoted(out)}`;
  return new PushforwardError("interrupted", { what: cause.what, where: cause.where, fix });
}

/** Writes the figures of the curves into the folder of the training. */
async function writeCurves(training: Training, out: string): Promise<void> {
  const { renderTraining } = await import("../report/index.ts"); // half of the start-up time of all commands
  await writeFiles(out, await renderTraining(training));
}

async function exportNetwork(folder: string, step: number | "last", { out, json }: TrainCommandOptions): Promise<void> {
  const training = await openTraining(folder);
  const written = await training.write(out, step === "last" ? undefined : step);
  process.stdout.write(json ? `${JSON.stringify({ file: out, step: written })}\n` : `${out}\n`);
}
