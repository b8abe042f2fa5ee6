import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, extname, join, resolve } from "node:path";
import { formatShape, messageOf, PushforwardError } from "../../base/index.ts";
import { type Graph, readModel } from "../../onnx/index.ts";
import { codeOf, unreadable } from "../../platform/node/file-errors.ts";
import type { CheckpointScore } from "../../results/index.ts";
import { externalReader } from "../node/external-data.ts";
import { openTraining } from "../node/index.ts";
import { identifyingReader, sha256Of } from "../node/model-identity.ts";
import { readBytes } from "../node/open-model.ts";

/** The checkpoints of trainings as ONNX files. */
export interface CheckpointFiles {
  /** The names of the folders. */
  readonly trainings: readonly string[];
  /** The steps of which every training has a checkpoint, ascending. */
  readonly steps: readonly number[];
  /** [training][step] */
  readonly files: readonly (readonly string[])[];
  /** What the training itself measured, [training][step]; NaN where it is not known. */
  readonly scores: readonly (readonly CheckpointScore[])[];
  /** Of all contents. */
  readonly sha256: string;
  /** Removes the files that were written here. */
  dispose(): Promise<void>;
}

/** A checkpoint as a file, and what its training measured. */
interface Found {
  readonly file: string;
  readonly score: CheckpointScore;
}

/** The score of a network of which nothing is known but its weights. */
export const UNKNOWN: CheckpointScore = { accuracy: Number.NaN, loss: Number.NaN, memorised: Number.NaN };

/**
 * The checkpoints of a training: those that `pushforward train` stored in a folder, or the ONNX files of a folder, ordered by the step in
 * their names. If the folder has neither, each of its subfolders that has is a training. The step of a file is the number after the word
 * `step`, else the last number in the name. Stored checkpoints are written as temporary ONNX files.
 *
 * Standard error says which files have no step and which steps not all trainings have. A file that cannot be read counts, so that its
 * step is reported as failed.
 *
 * @throws PushforwardError `file-unreadable`; `store-mismatch` for a Zarr store of another kind; `usage` for fewer than two steps, for two
 * files of one step, and for files whose graphs differ
 */
export async function findCheckpoints(folder: string): Promise<CheckpointFiles> {
  const temporary: string[] = [];
  const dispose = async () => {
    for (const path of temporary) await rm(path, { recursive: true, force: true });
  };
  try {
    return { ...(await found(folder, temporary)), dispose };
  } catch (cause) {
    await dispose();
    throw cause;
  }
}

async function found(folder: string, temporary: string[]): Promise<Omit<CheckpointFiles, "dispose">> {
  const own = await checkpointsIn(folder, temporary);
  const folders = own.size > 0 ? [folder] : await subfoldersOf(folder);
  const trainings: { readonly path: string; readonly all: ReadonlyMap<number, Found> }[] = [];
  for (const path of folders) {
    const all = path === folder ? own : await checkpointsIn(path, temporary);
    if (all.size > 0) trainings.push({ path, all });
  }
  const [first] = trainings;
  if (first === undefined) throw refusal(folder, "There is no ONNX file with a step in its name in this folder.");
  const steps = [...first.all.keys()]
    .filter((step) => trainings.every(({ all }) => all.has(step)))
    .sort((a, b) => a - b);
  const others = new Set(trainings.flatMap(({ all }) => [...all.keys()]).filter((step) => !steps.includes(step)));
  if (others.size > 0) {
    tell(
      `these steps are left out, because not every training has them: ${[...others].sort((a, b) => a - b).join(", ")}`,
    );
  }
  if (steps.length < 2) {
    throw refusal(
      folder,
      `There ${steps.length === 1 ? "is 1 step" : "is no step"} of which every training has a checkpoint.`,
    );
  }
  const files = trainings.map(({ all }) => steps.map((step) => all.get(step)!.file));
  return {
    trainings: trainings.map(({ path }) => basename(resolve(path))),
    steps,
    files,
    scores: trainings.map(({ all }) => steps.map((step) => all.get(step)!.score)),
    sha256: await identityOf(files, steps),
  };
}

/** The checkpoints of one training by their steps. */
async function checkpointsIn(folder: string, temporary: string[]): Promise<ReadonlyMap<number, Found>> {
  if (existsSync(join(folder, "zarr.json"))) return storedIn(folder, temporary);
  return new Map([...(await filesIn(folder))].map(([step, file]) => [step, { file, score: UNKNOWN }]));
}

/** The checkpoints that `pushforward train` stored. */
async function storedIn(folder: string, temporary: string[]): Promise<ReadonlyMap<number, Found>> {
  const training = await openTraining(folder);
  const [scores, stored] = [await training.scores(), await training.stored()];
  const path = await mkdtemp(join(tmpdir(), "pushforward-checkpoints-"));
  temporary.push(path);
  const all = new Map<number, Found>();
  for (const step of stored) {
    const file = join(path, `${basename(resolve(folder))}-step${step}.onnx`);
    await training.write(file, step);
    all.set(step, { file, score: scores[training.checkpoints.indexOf(step)]! });
  }
  return all;
}

const refusal = (file: string, what: string) =>
  new PushforwardError("usage", {
    what,
    where: { file },
    fix: "Give the folder of a training, or one with an ONNX file for each of at least two steps, such as net-step0.onnx and net-step100.onnx, or a folder of such folders, one for each training.",
  });

const tell = (text: string) => process.stderr.write(`note: ${text}\n`);

async function entriesOf(folder: string) {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    const isFile = codeOf(cause) === "ENOTDIR";
    throw isFile
      ? refusal(folder, "A training is a folder of checkpoints, and this is a file.")
      : unreadable(folder, cause);
  });
  return entries.filter(({ name }) => !name.startsWith(".")).sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function subfoldersOf(folder: string): Promise<string[]> {
  return (await entriesOf(folder)).filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
}

/** The ONNX files of a folder by their steps. */
async function filesIn(folder: string): Promise<Map<number, string>> {
  const names = (await entriesOf(folder))
    .filter((entry) => !entry.isDirectory() && extname(entry.name).toLowerCase() === ".onnx")
    .map(({ name }) => name);
  const files = new Map<number, string>();
  for (const name of names) {
    const step = stepIn(name);
    const earlier = step === undefined ? undefined : files.get(step);
    if (step === undefined) tell(`${join(folder, name)} is left out, because its name has no step`);
    else if (earlier === undefined) files.set(step, join(folder, name));
    else {
      throw new PushforwardError("usage", {
        what: `Both ${basename(earlier)} and ${name} are named as step ${step}.`,
        where: { file: folder },
        fix: "Name each file by its step: the number after the word `step` counts, else the last number in the name.",
      });
    }
  }
  return files;
}

function stepIn(name: string): number | undefined {
  const stem = basename(name, extname(name));
  const found = /step[s_=\- ]*(\d+)/i.exec(stem) ?? /(\d+)\D*$/.exec(stem);
  return found === null ? undefined : Number(found[1]);
}

/**
 * The hash of the contents of all checkpoints.
 *
 * @throws PushforwardError `usage` if the graph of a file differs from that of the first that can be read
 */
async function identityOf(files: CheckpointFiles["files"], steps: readonly number[]): Promise<string> {
  const all = createHash("sha256");
  let first: { readonly file: string; readonly nodes: readonly string[] } | undefined;
  for (const [training, own] of files.entries()) {
    for (const [s, file] of own.entries()) {
      const { sha256, graph } = await readCheckpoint(file);
      all.update(`${training} ${steps[s]} ${sha256}\n`);
      if (graph === undefined) continue;
      const nodes = nodesOf(graph);
      first ??= { file, nodes };
      requireSame(file, nodes, first);
    }
  }
  return all.digest("hex");
}

/** The identity of a file, and its graph if it can be read. */
async function readCheckpoint(file: string): Promise<{ readonly sha256: string; readonly graph?: Graph }> {
  let bytes: Uint8Array = new Uint8Array();
  try {
    bytes = await readBytes(file);
    const reader = identifyingReader(externalReader(file));
    const { graph } = await readModel(bytes, { file, external: reader.read });
    return { graph, sha256: (await reader.identity([bytes])).sha256 };
  } catch (cause) {
    if (!(cause instanceof PushforwardError)) throw cause;
    return { sha256: `${sha256Of(bytes)} ${messageOf(cause)}` };
  }
}

/** The inputs and nodes of a graph in words: `conv1 (Conv with weights 8×1×5×5, 8)`. */
function nodesOf({ nodes, initializers, inputs }: Graph): string[] {
  return [
    ...inputs.map(({ name }) => `the input ${name}`),
    ...nodes.map(({ op, inputs: read, outputs }) => {
      const weights = read.flatMap((name) => initializers.get(name) ?? []);
      const shapes = weights.map(({ shape }) => formatShape(shape)).join(", ");
      return `${outputs[0]} (${op}${weights.length > 0 ? ` with weights ${shapes}` : ""})`;
    }),
  ];
}

function requireSame(
  file: string,
  nodes: readonly string[],
  first: { readonly file: string; readonly nodes: readonly string[] },
): void {
  const most = Math.max(nodes.length, first.nodes.length);
  const at = Array.from({ length: most }, (_, i) => i).find((i) => nodes[i] !== first.nodes[i]);
  if (at === undefined) return;
  throw new PushforwardError("usage", {
    what:
      `The checkpoints are not of one architecture: ${basename(file)} has ${nodes[at] ?? "nothing more"} where ` +
      `${basename(first.file)} has ${first.nodes[at] ?? "nothing more"}.`,
    where: { file },
    fix: "Give checkpoints of one architecture, exported in the same way.",
  });
}
