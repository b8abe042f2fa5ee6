import { Command } from "commander";
import { formatSeconds, printable } from "../../base/index.ts";
import { openStore } from "../../platform/node/open-store.ts";
import { openRun } from "../../results/index.ts";
import { cellsLeft, type Parts, partsOf, type RunPart, type StudyPart } from "../progress/parts.ts";
import {
  countsOf,
  failedCells,
  failedCellsOf,
  failedUnits,
  NOTHING,
  runSentence,
  studiesSentence,
  sumOver,
  timeLeft,
  timeLeftOfStudy,
} from "../progress/texts.ts";
import { openQueue } from "./open-queue.ts";
import { runningUnits } from "./running-units.ts";
import { formatTable } from "./table.ts";

interface StatusOptions {
  readonly queue?: string;
  readonly json?: boolean;
}

/** `pushforward status RUN`: what of a run, or of studies, is done, has failed and is left, and what that will take. */
export function statusCommand(): Command {
  return new Command("status")
    .description("say what of a run or of studies is done, failed and left, and about how long the rest takes")
    .argument(
      "<folder>",
      "folder of a run, of a study or of studies, as given to --out, or s3://bucket/prefix of a run",
    )
    .option("--queue <address>", "the queue that the run was given to: what is running now, and by whom")
    .option(
      "--json",
      "print one JSON object per line, one for each tap of a run, each study and each unit that is running",
    )
    .action(async (folder: string, { queue, json }: StatusOptions) => {
      const parts = await partsOf(folder);
      const running = queue === undefined ? [] : await runningOf(folder, queue);
      const text = json ? linesOf(parts) : `${printed(parts)}\n`;
      process.stdout.write(
        text + running.map((unit) => (json ? `${JSON.stringify(unit)}\n` : toldRunning(unit))).join(""),
      );
    });
}

/** A unit of a run that a worker computes. */
interface RunningPart {
  readonly input: string;
  readonly tap: string;
  readonly worker: string;
  /** Seconds, by the clocks of the worker and of this computer. */
  readonly runningFor: number;
}

/** @throws PushforwardError as `openRun` and `openQueue` */
async function runningOf(location: string, address: string): Promise<RunningPart[]> {
  const store = openStore(location);
  const { manifest } = await openRun(store);
  const { inputs, taps } = manifest;
  const queue = await openQueue(address);
  const running = await runningUnits(queue, store, manifest).finally(() => queue.close());
  return running.map(({ input, tap, worker, since }) => ({
    ...{ input: inputs[input]!.name, tap: taps[tap]!.name, worker },
    runningFor: Math.max(0, (Date.now() - Date.parse(since)) / 1000),
  }));
}

const toldRunning = ({ input, tap, worker, runningFor }: RunningPart): string =>
  `${printable(`${worker} computes ${input} → ${tap}, for ${formatSeconds(runningFor)} so far`)}\n`;

function linesOf({ runs, studies: all }: Parts): string {
  const lines = [
    ...runs.flatMap(({ folder, taps, isExact }) => taps.map((one) => ({ folder, ...one, isExact }))),
    ...all.map((one) => ({ ...one, ...cellsLeft(one, all) })),
  ];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

function printed({ runs, studies: all }: Parts): string {
  const [run] = runs;
  const lines = run?.folder === "" ? runLines(run) : studyLines(runs, all);
  return lines.map((line) => printable(line)).join("\n");
}

function runLines(run: RunPart): string[] {
  const { taps, unusable } = run;
  const table = formatTable(
    ["tap", "done", "failed", "left", "time of one", "time left"],
    taps.map((tap) => [
      tap.tap,
      ...[tap.done, tap.failed.length, tap.left].map(String),
      tap.meanSeconds === undefined
        ? NOTHING
        : `${formatSeconds(tap.meanSeconds)}${tap.isShared ? " for all inputs" : ""}`,
      timeLeft(tap),
    ]),
    [1, 2, 3, 4, 5],
  );
  return [...table.split("\n"), "", ...failedUnits(taps), ...unusable, runSentence(run)];
}

/** A row for each run of spectra, of which studies compute what they need, and for each study, whose units are cells. */
function studyLines(runs: readonly RunPart[], all: readonly StudyPart[]): string[] {
  const ofRuns = runs.map(({ folder, taps, isExact }) => {
    const { done, failed } = countsOf(taps);
    const seconds = `${isExact ? "" : "about "}${formatSeconds(sumOver(taps, (tap) => tap.seconds))}`;
    return [`${folder} (spectra)`, `${done}`, `${failed}`, NOTHING, seconds, NOTHING];
  });
  const ofStudies = all.map((one) => {
    const { folder, study, done, left, seconds } = one;
    const counts = [done, failedCellsOf(one), left].map(String);
    return [folder || study, ...counts, formatSeconds(seconds), timeLeftOfStudy(one, all)];
  });
  return [
    ...formatTable(
      ["folder", "done", "failed", "left", "so far", "time left"],
      [...ofRuns, ...ofStudies],
      [1, 2, 3, 4, 5],
    ).split("\n"),
    "",
    ...failedCells(all),
    studiesSentence(all),
  ];
}
