import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { formatCount, formatSeconds, plural, printable } from "../../base/index.ts";
import { DirectoryStore } from "../../platform/node/directory-store.ts";
import {
  openRun,
  openStudyRun,
  progressOf,
  type Run,
  type RunProgress,
  type StudyRun,
  type TapProgress,
} from "../../results/index.ts";
import { cellName, cellPlaces, studies } from "../../studies/index.ts";
import { queuedName } from "./queued-subject.ts";
import { formatTable } from "./table.ts";

interface StatusOptions {
  readonly queue?: string;
  readonly json?: boolean;
}

/** `pushforward status RUN`: what of a run, or of studies, is done, has failed and is left, and what that will take. */
export function statusCommand(): Command {
  return new Command("status")
    .description("say what of a run or of studies is done, failed and left, and about how long the rest takes")
    .argument("<folder>", "folder of a run, of a study or of studies, as given to --out")
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
  readonly runningFor: number;
}

/**
 * The units of a run that workers compute at this time.
 *
 * @throws PushforwardError as `openRun` and `RunQueue.open`
 */
async function runningOf(folder: string, address: string): Promise<RunningPart[]> {
  const store = new DirectoryStore(folder);
  const { manifest } = await openRun(store);
  const { RunQueue } = await import("../../platform/node/run-queue.ts"); // slow to load
  const queue = await RunQueue.open(address, (text) => void process.stderr.write(`note: ${text}\n`));
  const { running } = await queue.jobsOf(queuedName(store.location, manifest)).finally(() => queue.close());
  return running.map(({ input, tap, worker, since }) => ({
    input: manifest.inputs[input]!.name,
    tap: manifest.taps[tap]!.name,
    worker,
    runningFor: Math.max(0, (Date.now() - since) / 1000),
  }));
}

const toldRunning = ({ input, tap, worker, runningFor }: RunningPart): string =>
  `${printable(`${worker} computes ${input} → ${tap}, for ${formatSeconds(runningFor)} so far`)}\n`;

/** How far a run is. */
interface RunPart extends RunProgress {
  /** Its folder below the given one; empty for the given one itself. */
  readonly folder: string;
  readonly unusable: readonly { readonly input: string; readonly why: string }[];
}

/** How far a study is. */
interface StudyPart {
  readonly folder: string;
  readonly study: string;
  readonly done: number;
  /** The cells without a result, and those that lack a part. */
  readonly failures: readonly { readonly cell: string; readonly why: string; readonly isDone: boolean }[];
  readonly left: number;
  readonly seconds: number;
}

interface Parts {
  readonly runs: readonly RunPart[];
  readonly studies: readonly StudyPart[];
}

/**
 * What a folder contains: the run or the study that it is, or the studies in it, with their spectra and those of controls.
 *
 * @throws PushforwardError `file-unreadable` if there is neither; `store-mismatch` for another store
 */
async function partsOf(folder: string): Promise<Parts> {
  const store = new DirectoryStore(folder);
  if (await store.has("/zarr.json")) {
    const study = await openStudyRun(store).catch(() => undefined); // It is then opened as a run, and an error of that says what is wrong.
    if (study !== undefined) return { runs: [], studies: [await studyPart("", study)] };
    return { runs: [await runPart("", await openRun(store))], studies: [] };
  }
  const [runs, found]: [RunPart[], StudyPart[]] = [[], []];
  for (const part of ["", ...(await controlsIn(folder))]) {
    const spectra = new DirectoryStore(join(folder, part, "run"));
    if (await spectra.has("/zarr.json")) runs.push(await runPart(join(part, "run"), await openRun(spectra)));
    for (const { id } of studies) {
      const own = new DirectoryStore(join(folder, part, id));
      if (await own.has("/zarr.json")) found.push(await studyPart(join(part, id), await openStudyRun(own)));
    }
  }
  if (runs.length + found.length === 0) await openRun(store); // The error says that there is nothing.
  return { runs, studies: found };
}

/** The folders of controls, as paths below the folder of a command. */
async function controlsIn(folder: string): Promise<string[]> {
  const names = (path: string) => readdir(join(folder, path)).catch(() => []);
  const kinds = await names("controls");
  const draws = await Promise.all(
    kinds.sort().map(async (kind) => {
      const numbers = await names(join("controls", kind));
      return numbers.sort((a, b) => Number(a) - Number(b)).map((draw) => join("controls", kind, draw));
    }),
  );
  return draws.flat();
}

async function runPart(folder: string, run: Run): Promise<RunPart> {
  const unusable = run.manifest.inputs.flatMap(({ name, failed }) =>
    failed === undefined ? [] : [{ input: name, why: failed }],
  );
  return { folder, unusable, ...(await progressOf(run)) };
}

async function studyPart(folder: string, run: StudyRun): Promise<StudyPart> {
  const { manifest } = run;
  const places = cellPlaces(manifest);
  const done = places.filter((place) => run.isDone(place)).length;
  const failures = run.failures.map(({ cell, why }) => ({
    cell: cellName(manifest, cell),
    why,
    isDone: run.isDone(cell),
  }));
  const failed = failures.filter(({ isDone }) => !isDone).length;
  const left = places.length - done - failed;
  return { folder, study: manifest.study, done, failures, left, seconds: await run.seconds() };
}

/** The seconds that the cells of a study that are left will take; of another network's, if none is done. */
function cellsLeft({ study, done, left, seconds }: StudyPart, all: readonly StudyPart[]) {
  if (left === 0) return { secondsLeft: 0 };
  const measured = done > 0 ? { done, seconds } : all.find((other) => other.study === study && other.done > 0);
  if (measured === undefined) return {};
  return {
    secondsLeft: (measured.seconds / measured.done) * left,
    expectedFrom: done > 0 ? "this study" : "another network",
  };
}

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

const NOTHING = "–";

function runLines({ taps, unusable, isExact }: RunPart): string[] {
  const sum = (of: (tap: TapProgress) => number) => taps.reduce((total, tap) => total + of(tap), 0);
  const [done, failed, left] = [sum((tap) => tap.done), sum((tap) => tap.failed.length), sum((tap) => tap.left)];
  const table = formatTable(
    ["tap", "done", "failed", "left", "time of one", "time left"],
    taps.map((tap) => [
      tap.tap,
      ...[tap.done, tap.failed.length, tap.left].map(String),
      tap.meanSeconds === undefined
        ? NOTHING
        : `${formatSeconds(tap.meanSeconds)}${tap.isShared ? " for all inputs" : ""}`,
      tap.left === 0 || tap.secondsLeft === undefined
        ? NOTHING
        : `${formatSeconds(tap.secondsLeft)}${tap.expectedFrom === "other taps" ? " (as other taps)" : ""}`,
    ]),
    [1, 2, 3, 4, 5],
  );
  const known = taps.every(({ secondsLeft }) => secondsLeft !== undefined);
  const time = [
    ...(done === 0 ? [] : [`${isExact ? "" : "about "}${formatSeconds(sum((tap) => tap.seconds))} so far`]),
    ...(left === 0 || !known ? [] : [`about ${formatSeconds(sum((tap) => tap.secondsLeft ?? 0))} left in one process`]),
  ];
  const counts = `${formatCount(done)} of ${plural(done + failed + left, "unit")} ${done === 1 ? "is" : "are"} done, ${formatCount(failed)} failed, ${formatCount(left)} left`;
  return [
    ...table.split("\n"),
    "",
    ...failedUnits(taps),
    ...unusable.map(({ input, why }) => `input ${input} cannot be used: ${why}`),
    [counts, ...(time.length === 0 ? [] : [time.join(", ")])].join("; "),
  ];
}

/** The inputs of a reason that are named. */
const NAMED = 3;

/** A line for each reason at each tap. */
function failedUnits(taps: readonly TapProgress[]): string[] {
  return taps.flatMap(({ tap, failed }) => {
    const byReason = new Map<string, string[]>();
    for (const { input, why } of failed) byReason.set(why, [...(byReason.get(why) ?? []), input]);
    return [...byReason].map(([why, names]) => {
      const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : "";
      return `${names.slice(0, NAMED).join(", ")}${more} → ${tap} failed: ${why}`;
    });
  });
}

/** A row for each run of spectra, of which studies compute what they need, and for each study, whose units are cells. */
function studyLines(runs: readonly RunPart[], all: readonly StudyPart[]): string[] {
  const ofRuns = runs.map(({ folder, taps, isExact }) => {
    const sum = (of: (tap: TapProgress) => number) => taps.reduce((total, tap) => total + of(tap), 0);
    const seconds = `${isExact ? "" : "about "}${formatSeconds(sum((tap) => tap.seconds))}`;
    return [
      `${folder} (spectra)`,
      `${sum((tap) => tap.done)}`,
      `${sum((tap) => tap.failed.length)}`,
      NOTHING,
      seconds,
      NOTHING,
    ];
  });
  const ofStudies = all.map((one) => {
    const { folder, study, done, failures, left, seconds } = one;
    const { secondsLeft, expectedFrom } = cellsLeft(one, all);
    const rest =
      left === 0 || secondsLeft === undefined
        ? NOTHING
        : `${formatSeconds(secondsLeft)}${expectedFrom === "another network" ? " (as another network)" : ""}`;
    const failed = failures.filter(({ isDone }) => !isDone).length;
    return [folder || study, ...[done, failed, left].map(String), formatSeconds(seconds), rest];
  });
  const reasons = all.flatMap(({ folder, study, failures }) =>
    failures.map(
      ({ cell, why, isDone }) => `${folder || study}: ${cell} ${isDone ? "lacks a part" : "failed"}: ${why}`,
    ),
  );
  const cells = all.reduce((sum, { done }) => sum + done, 0);
  const left = all.reduce((sum, one) => sum + one.left, 0);
  const rest = all.map((one) => cellsLeft(one, all).secondsLeft);
  const time = rest.reduce<number | undefined>(
    (sum, one) => (sum === undefined || one === undefined ? undefined : sum + one),
    0,
  );
  const after = left === 0 || time === undefined ? "" : `; about ${formatSeconds(time)} left in one process`;
  return [
    ...formatTable(
      ["folder", "done", "failed", "left", "so far", "time left"],
      [...ofRuns, ...ofStudies],
      [1, 2, 3, 4, 5],
    ).split("\n"),
    "",
    ...reasons,
    `${plural(cells, "cell")} done, ${formatCount(left)} left${after}`,
  ];
}
