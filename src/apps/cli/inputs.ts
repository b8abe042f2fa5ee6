import { readFile } from "node:fs/promises";
import { basename, dirname, extname, join, relative, resolve } from "node:path";
import { messageOf, PushforwardError, type Shape } from "../../base/index.ts";
import {
  classOf,
  fitTo,
  type Labels,
  type Preprocess,
  parseLabels,
  parsePreset,
  presetNamed,
} from "../../images/index.ts";
import type { InputRecord } from "../../results/index.ts";
import { loadInput } from "../node/load-input.ts";
import { readBytes } from "../node/open-model.ts";

/** The preprocessing of a name or JSON file, as it is before it is fitted to a network. */
async function readPreset(nameOrFile: string): Promise<Preprocess> {
  if (extname(nameOrFile).toLowerCase() !== ".json") return presetNamed(nameOrFile);
  const text = (await readBytes(nameOrFile)).toString("utf8");
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new PushforwardError("usage", {
      what: `This is not JSON: ${messageOf(cause)}.`,
      where: { file: nameOrFile, option: "--preprocess" },
      fix: "A preset file is one JSON object: docs/preprocessing.md.",
      cause,
    });
  }
  return parsePreset(json, nameOrFile, (path) => readBytes(resolve(dirname(nameOrFile), path)));
}

/**
 * The preprocessing to use: the one asked for, or `imagenet` where the network's input can only be that.
 *
 * @throws PushforwardError `usage` where pictures need one and none is evident
 */
export async function choosePreset(asked: string | undefined, shape: Shape, onlyArrays: boolean): Promise<Preprocess> {
  if (asked !== undefined) return fitTo(await readPreset(asked), shape);
  if (onlyArrays) return presetNamed("none");
  const [channels, height = 0] = shape;
  if (channels === 3 && height >= 128) {
    process.stderr.write("note: preprocessing imagenet, as none is named (--preprocess)\n");
    return fitTo(presetNamed("imagenet"), shape);
  }
  throw new PushforwardError("usage", {
    what: `How do pictures become an input of ${shape.join("×")}? No preprocessing is named.`,
    where: { option: "--preprocess" },
    fix: "Name one: imagenet, caffe-alexnet, mnist, cifar10, none, or a JSON file.",
  });
}

/** Labels from the file named, or from a `labels.tsv` beside the first input where there is one. */
export async function readLabels(file: string | undefined, inputs: readonly string[]): Promise<Labels> {
  if (file !== undefined) return parseLabels((await readBytes(file)).toString("utf8"), file);
  const beside = join(dirname(inputs[0] ?? "."), "labels.tsv");
  const text = await readFile(beside, "utf8").catch(() => undefined);
  return text === undefined ? { classes: [], byFile: new Map() } : parseLabels(text, beside);
}

export interface Inputs {
  readonly records: readonly InputRecord[];
  /** The preprocessed inputs; absent where the file could not be used. */
  readonly points: readonly (Float32Array | undefined)[];
  readonly failures: readonly PushforwardError[];
}

/**
 * Loads every input. One that cannot be used is recorded with its reason, and the others still count.
 *
 * @throws PushforwardError what the first failure said, if all fail
 */
export async function loadInputs(
  files: readonly string[],
  shape: Shape,
  preset: Preprocess,
  labels: Labels,
): Promise<Inputs> {
  const records: InputRecord[] = [];
  const points: (Float32Array | undefined)[] = [];
  const failures: PushforwardError[] = [];
  const names = uniqueNames(files);
  for (const [i, file] of files.entries()) {
    const label = classOf(file, labels);
    const common = { name: names[i]!, file, ...(label === undefined ? {} : { label }) };
    try {
      const { data, shape: given, sha256 } = await loadInput(file, preset);
      checkShape(file, given, shape);
      records.push({ ...common, sha256 });
      points.push(data);
    } catch (cause) {
      if (!(cause instanceof PushforwardError)) throw cause;
      failures.push(cause);
      records.push({ ...common, sha256: "", failed: cause.what });
      points.push(undefined);
    }
  }
  if (failures.length === files.length) throw failures[0]!;
  return { records, points, failures };
}

function checkShape(file: string, given: Shape, wanted: Shape): void {
  const plain = given.filter((extent, axis) => axis >= given.length - wanted.length || extent !== 1);
  if (plain.length === wanted.length && plain.every((extent, axis) => extent === wanted[axis])) return;
  throw new PushforwardError("shape-mismatch", {
    what: `The input is ${given.join("×")}; the network takes ${wanted.join("×")}.`,
    where: { file },
    fix: "Give an array of the network's input shape, or choose a preprocessing that produces it.",
  });
}

/** File names without their endings where those are unique, else paths from the folder that all share. */
function uniqueNames(files: readonly string[]): string[] {
  const stems = files.map((file) => basename(file, extname(file)));
  if (new Set(stems).size === stems.length) return stems;
  const root = dirname(resolve(files[0]!)).split("/");
  const shared = files.reduce((common, file) => {
    const parts = dirname(resolve(file)).split("/");
    const differs = common.findIndex((part, i) => part !== parts[i]);
    return differs < 0 ? common : common.slice(0, differs);
  }, root);
  return files.map((file) => relative(shared.join("/"), resolve(file)));
}
