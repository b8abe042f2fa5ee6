import { join } from "node:path";
import type { Command } from "commander";
import { exitCodes, PushforwardError } from "../../base/index.ts";
import { type Lab, reasonOf, type Shard } from "../../studies/index.ts";
import { scoresOf, withPredictions } from "../inputs/predictions.ts";
import type { Network } from "../node/index.ts";
import { type PlannedControl, plannedControls, storeRecord } from "./control-networks.ts";
import { type ControlOptions, controlling, drawsOf } from "./control-options.ts";
import { tellFirstLook } from "./first-look.ts";
import type { Inputs } from "./inputs.ts";
import { measureStudy } from "./measure-study.ts";
import { openNetwork, openOptions } from "./opening.ts";
import { DEFAULT_TOL, DEFAULT_VECTORS, sharded, tolerance, wholeNumber } from "./options.ts";
import { type PrepareOptions, prepare, preparing, type Subject, subjectOf } from "./prepare.ts";
import {
  labFor,
  type PlannedStudy,
  type Setting,
  type StoredWork,
  sharedSpectraIn,
  storedWork,
  studyManifest,
} from "./studied-network.ts";
import { announceStudies } from "./study-outlook.ts";
import { writeFiles } from "./write-files.ts";

/** The options of commands that run studies. */
export interface LaboratoryOptions extends PrepareOptions, ControlOptions {
  readonly k: number;
  readonly tol: number;
  readonly vectors: number;
  readonly out: string;
  readonly shard: Shard;
}

/** Adds the arguments and options of `LaboratoryOptions`, all but `-k`. */
export function experimenting(command: Command): Command {
  return sharded(controlling(preparing(command)))
    .option("--tol <tolerance>", "largest residual allowed, relative to the largest σ", tolerance("--tol"), DEFAULT_TOL)
    .option(
      "--vectors <count>",
      "how many of the first and last singular vectors to store",
      wholeNumber("--vectors", 1),
      DEFAULT_VECTORS,
    )
    .option("--quick", "smaller parameters, for a quick first look")
    .requiredOption("--out <folder>", "folder for the results (Zarr, CSV, SVG, PNG, HTML); the same command continues");
}

/**
 * Runs studies of a network, and then of its controls. The studies of a network share the spectra that they need, which are stored in
 * a run of their own.
 *
 * A control that cannot be made and cells that fail do not end the work; the exit code says so at the end. With `leaveOut`, a study
 * that does not suit the inputs is left out, with a note.
 *
 * @returns how many cells are left to the other shards
 * @throws PushforwardError `usage` if a study does not suit the inputs, or none does; errors of `prepare`, `plannedControls`,
 * `storedWork` and `measureStudy`
 */
export async function runStudies(
  version: string,
  file: string,
  paths: readonly string[],
  options: LaboratoryOptions,
  asked: readonly Pick<PlannedStudy, "study" | "params">[],
  { leaveOut = false } = {},
): Promise<number> {
  const draws = drawsOf(options);
  const prepared = await prepare(() => openNetwork(file, options), paths, options);
  const { network, inputs, classes, names, scale, firstLook } = prepared;
  const { out, seed } = options;
  try {
    if (!asked.every(({ study }) => study.takesIds)) requireFloatInput(network);
    const { records, points } = usable(inputs);
    const { shard } = options;
    const setting: Setting = { run: { ...options, version }, shard, points, classes, names, scale };
    const subject: Subject = { ...subjectOf(prepared), inputs: { records } };
    const opening = await openOptions(options);
    const controls = await plannedControls(options.control, {
      ...{ trained: network, subject, points, seed, draws, out, opening },
    });
    const lab = labFor(network, subject, sharedSpectraIn(out), setting);
    tellFirstLook(firstLook);
    const planned = await planStudies(lab, asked, leaveOut);
    const works = [{ subject, folder: out }, ...controls];
    const stored: StoredWork[] = [];
    for (const work of works) stored.push(await storedWork(work.subject, planned, work.folder, setting));
    await announceStudies(lab, planned, { out, stored, shard });
    let left = 0;
    for (const one of planned) {
      left += await measureStudy(one.study, lab, studyManifest(subject, one, setting), { folder: out, shard });
    }
    await network.forget(); // Each control compiles graphs of its own.
    const impossible = new Set<string>();
    for (const [i, control] of controls.entries()) {
      const isDone = stored[i + 1]!.shares.every((share) => share === 1);
      if (!isDone && !impossible.has(control.kind)) left += await measureControl(control, planned, setting, impossible);
    }
    if (inputs.failures.length > 0) process.exitCode = 2;
    return left;
  } finally {
    await network.close();
  }
}

/** @throws PushforwardError `usage` for a network whose input does not hold floats */
function requireFloatInput({ input, source, file }: Network): void {
  if (source === input) return;
  throw new PushforwardError("usage", {
    what: `Studies move the input by small amounts, and the input ${input.name} of this network holds no floats.`,
    where: { file, tap: input.name },
    fix: `Export the part of the network that begins at ${source.name}, or use \`pushforward spectrum\`, which can start there.`,
  });
}

/** The inputs that can be used. */
export function usable({ records, points }: Inputs) {
  const both = records.flatMap((record, i) => {
    const point = points[i];
    return point === undefined ? [] : [{ record, point }];
  });
  return { records: both.map(({ record }) => record), points: both.map(({ point }) => point) };
}

/** The layout of every study, which depends on the graph of the network and on the inputs, and not on the weights. */
export async function planStudies(
  lab: Lab,
  asked: readonly Pick<PlannedStudy, "study" | "params">[],
  leaveOut: boolean,
): Promise<PlannedStudy[]> {
  const planned: PlannedStudy[] = [];
  let refusal: PushforwardError | undefined;
  for (const { study, params } of asked) {
    try {
      planned.push({ study, params, design: await study.design(lab, params) });
    } catch (cause) {
      if (!leaveOut || !(cause instanceof PushforwardError && cause.code === "usage")) throw cause;
      refusal ??= cause;
      process.stderr.write(`note: the study ${study.id} is left out: ${cause.what}\n`);
    }
  }
  if (planned.length === 0 && refusal !== undefined) throw refusal;
  return planned;
}

/**
 * Makes a control and measures all studies of it; it is closed at the end, so that only one is in memory. If the graph has something for
 * which no control of its kind can be made, the kind becomes `impossible`.
 */
async function measureControl(
  { kind, name, folder, subject, open }: PlannedControl,
  planned: readonly PlannedStudy[],
  setting: Setting,
  impossible: Set<string>,
): Promise<number> {
  let opened: Awaited<ReturnType<PlannedControl["open"]>>;
  try {
    opened = await open();
  } catch (cause) {
    const isImpossible = cause instanceof PushforwardError && cause.code === "op-unsupported";
    if (isImpossible) impossible.add(kind);
    const which = isImpossible ? `no control ${kind} can` : `the control ${name} could not`;
    process.stderr.write(`error: ${which} be made: ${reasonOf(cause)}\n`);
    process.exitCode = exitCodes["not-finite"];
    return 0;
  }
  const { network, record } = opened;
  try {
    await storeRecord(folder, record);
    const { shard } = setting;
    const records = await predicted(network, subject, setting);
    const own: Subject = { ...subject, inputs: { records } };
    const lab = labFor(network, own, sharedSpectraIn(folder), setting);
    let left = 0;
    for (const one of planned) {
      left += await measureStudy(one.study, lab, studyManifest(own, one, setting), { folder, shard, control: name });
    }
    return left;
  } finally {
    await network.close();
  }
}

/** The inputs with the classes that a control itself predicts. */
async function predicted(network: Network, { inputs: { records } }: Subject, { points, classes }: Setting) {
  if (classes.length === 0) return records;
  return withPredictions(records, { scores: await scoresOf(network, points), names: classes });
}

/** Writes the page of all studies of a folder, and says where; but if cells are `left` to other shards, the last of these writes it. */
export async function endStudies(out: string, left: number): Promise<void> {
  if (left === 0) process.stdout.write(`${await writeStudies(out)}\n`);
  else process.stderr.write(`note: cells left to other shards: ${left}; the shard that ends last writes the page\n`);
}

/** Writes tables, figures and the page of all studies of a folder; returns the page's path. */
export async function writeStudies(out: string): Promise<string> {
  const { renderStudies } = await import("../report/index.ts"); // half of the start-up time of all commands
  const { files, page } = await renderStudies(out);
  await writeFiles(out, [...files, ["studies.html", page]]);
  return join(out, "studies.html");
}
