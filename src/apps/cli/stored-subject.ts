import { PushforwardError } from "../../base/index.ts";
import { controlKinds } from "../../controls/index.ts";
import { type Preprocess, presetNamed } from "../../images/index.ts";
import {
  controlName,
  describeMismatch,
  type InputRecord,
  type Run,
  type RunManifest,
  tapNamed,
} from "../../results/index.ts";
import { givenInputs } from "../library/given-inputs.ts";
import { choosePreset, presetOfRun } from "../node/choose-preset.ts";
import { findInputs } from "../node/find-inputs.ts";
import { type Network, openControl } from "../node/index.ts";
import { loadInput } from "../node/load-input.ts";
import { sha256Of } from "../node/model-identity.ts";
import { identifyModel, readBytes } from "../node/open-model.ts";
import { type OpeningOptions, openNetwork, openOptions } from "./opening.ts";
import { settingsWithHash } from "./prepare.ts";

/** Where a command looks for the network and the inputs of a stored run. */
export interface SubjectOptions extends OpeningOptions {
  readonly preprocess?: string;
  /** The mean image of the preprocessing, if it is elsewhere than the run says. */
  readonly mean?: string;
}

/** The files of a stored run, found again. Their content is that of the run. */
export interface StoredFiles {
  readonly model: string;
  /** The shapes that the run has for inputs of the model whose extents the file may leave open, by name. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** The file of each input that was found, by its index in the manifest. */
  readonly inputs: ReadonlyMap<number, string>;
  /** What is missing, or is not what the run is of, without which other units can still be checked. */
  readonly problems: readonly PushforwardError[];
}

/**
 * Finds the files of a run, and compares their hashes with those of the run before anything is computed.
 *
 * Without paths they are those of the manifest, relative to the current folder, as the command of the run had them. Paths of inputs stand for
 * those of the run with the same content, whatever their names; inputs that are not among them are left out.
 *
 * @throws PushforwardError `store-mismatch` if the model is not that of the run, `file-unreadable`, and `usage` for an input that is held at
 * values that only their file has
 */
export async function findStored(
  { manifest }: Run,
  model: string | undefined,
  paths: readonly string[],
  { input }: SubjectOptions,
): Promise<StoredFiles> {
  const found = paths.length === 0 ? await inputsOfManifest(manifest) : await inputsAmong(manifest, paths);
  const opened = await modelOf(manifest, model ?? manifest.model.file, input).catch((cause: unknown) => {
    throw cause instanceof PushforwardError ? told(found.problems, cause) : cause;
  });
  return { ...opened, ...found };
}

/**
 * Compares the hash of a model with that of a run.
 *
 * @param input the values of inputs by name, where a command gives them
 * @throws PushforwardError as `findStored`
 */
export async function modelOf(
  manifest: RunManifest,
  file: string,
  input: SubjectOptions["input"],
): Promise<Pick<StoredFiles, "model" | "shapes">> {
  const { identity, inputs: declared } = await identifyModel(file).catch((cause: unknown) => {
    throw cause instanceof PushforwardError ? misplaced(cause) : cause;
  });
  if (identity.sha256 !== manifest.model.sha256) {
    throw differs("The model", file, identity.sha256, manifest.model.sha256);
  }
  const given = manifest.given ?? [];
  const unknown = given.find(({ name, value }) => typeof value !== "number" && !input?.has(name));
  if (unknown !== undefined) {
    throw new PushforwardError("usage", {
      what: `The run holds the input "${unknown.name}" at an array, of which it stores only the hash.`,
      where: { file, option: "--input" },
      fix: `Give its file: --input ${unknown.name}=FILE.npy.`,
    });
  }
  const { from } = manifest;
  const isInput = from.index === undefined && declared.some(({ name }) => name === from.tensor);
  const shapes = new Map([
    ...given.map(({ name, shape }) => [name, shape] as const),
    ...(isInput ? [[from.tensor, from.shape] as const] : []),
  ]);
  return { model: file, shapes };
}

/** An error after others, of which the last is thrown and the others are printed. */
function told(before: readonly PushforwardError[], error: PushforwardError): PushforwardError {
  for (const one of before) process.stderr.write(`${one.format()}\n`);
  return error;
}

type FoundInputs = Pick<StoredFiles, "inputs" | "problems">;

/** The inputs that the run could use. Others have no units. */
const usableOf = ({ inputs }: RunManifest): [number, InputRecord][] =>
  [...inputs.entries()].filter(([, { sha256 }]) => sha256 !== "");

async function inputsOfManifest(manifest: RunManifest): Promise<FoundInputs> {
  const inputs = new Map<number, string>();
  const problems: PushforwardError[] = [];
  for (const [at, { name, file, sha256 }] of usableOf(manifest)) {
    try {
      const hash = sha256Of(await readBytes(file));
      if (hash === sha256) inputs.set(at, file);
      else problems.push(differs(`The input "${name}"`, file, hash, sha256));
    } catch (cause) {
      if (!(cause instanceof PushforwardError)) throw cause;
      problems.push(misplaced(cause).at({ input: name }));
    }
  }
  return { inputs, problems };
}

async function inputsAmong(manifest: RunManifest, paths: readonly string[]): Promise<FoundInputs> {
  const inputs = new Map<number, string>();
  const problems: PushforwardError[] = [];
  for (const { file } of await findInputs(paths)) {
    const hash = sha256Of(await readBytes(file));
    const same = usableOf(manifest).filter(([, { sha256 }]) => sha256 === hash);
    for (const [at] of same) inputs.set(at, file);
    if (same.length === 0) {
      problems.push(
        new PushforwardError("store-mismatch", {
          what: `No input of the run has this content: its hash is ${short(hash)}.`,
          where: { file },
          fix: "Give the files that the run was computed from.",
        }),
      );
    }
  }
  return { inputs, problems };
}

const short = (sha256: string): string => `${sha256.slice(0, 12)}…`;

const differs = (what: string, file: string, found: string, stored: string): PushforwardError =>
  new PushforwardError("store-mismatch", {
    what: `${what} is not the one that the run was computed from: its hash is ${short(found)}, and the run has ${short(stored)}.`,
    where: { file },
    fix: "Give the file with the content of that time: pushforward verify RUN MODEL INPUT...",
  });

/** An error of a file that is not there, with what to do. */
const misplaced = ({ code, what, where, cause }: PushforwardError): PushforwardError =>
  new PushforwardError(code, {
    what,
    where,
    fix: "Run the command in the folder in which the run was computed, or give the files: pushforward verify RUN MODEL INPUT...",
    cause,
  });

/** The network of a run, opened again. The caller closes it. */
export interface StoredSubject {
  readonly network: Network;
  /**
   * Loads a file as an input, with the preprocessing of the run.
   *
   * @throws PushforwardError as `loadInput`
   */
  load(file: string): Promise<Float32Array>;
}

/**
 * Opens the network of a run with the settings of the run. The weights of a control are drawn again.
 *
 * @throws PushforwardError `store-mismatch` if values of inputs or the preprocessing are not those of the run; `usage` if not all inputs are
 * there on which the weights of a matched control depend; errors of `openNetwork`
 */
export async function openStored(
  { manifest }: Run,
  { model, shapes, inputs }: Pick<StoredFiles, "model" | "shapes" | "inputs">,
  options: SubjectOptions,
): Promise<StoredSubject> {
  const { from, given = [], model: record } = manifest;
  const values = given.flatMap(({ name, value }) =>
    typeof value === "number" ? [[name, String(value)] as const] : [],
  );
  const settings: OpeningOptions = {
    ...options,
    shape: new Map([...shapes, ...(options.shape ?? [])]),
    input: new Map([...values, ...(options.input ?? [])]),
    ...(record.quantized && { quantized: record.quantized }),
  };
  let network = await openNetwork(model, { ...settings, from: tapNamed(from) });
  try {
    requireSame(manifest, { given: givenInputs(network.model) }, "--input");
    const preset = await presetFor(network, manifest, options);
    const load = async (file: string) => (await loadInput(file, preset)).data;
    const control = record.control;
    const kind = controlKinds.find((one) => one === control?.kind);
    if (control !== undefined && kind !== undefined) {
      const { seed = 0, draw = 1 } = control;
      const opened = await openOptions(settings);
      const points = record.control?.kind === "matched" ? await allInputs(manifest, inputs, load) : [];
      const drawn = await openControl(network, { ...opened, kind, seed, draw, points });
      await network.close();
      network = drawn;
    } else if (control !== undefined && control.kind !== "initial") {
      throw new PushforwardError("store-mismatch", {
        what: `The run is of a control that this version cannot draw: ${controlName(control)}.`,
        fix: "Use the version of Pushforward that wrote it.",
      });
    }
    return { network, load };
  } catch (cause) {
    await network.close();
    throw cause;
  }
}

/** @throws PushforwardError `usage` if one of the inputs that the run could use is not there */
async function allInputs(manifest: RunManifest, files: StoredFiles["inputs"], load: StoredSubject["load"]) {
  const points: Float32Array[] = [];
  for (const [at, { name }] of usableOf(manifest)) {
    const file = files.get(at);
    if (file === undefined) throw withoutInput(name);
    points.push(await load(file));
  }
  return points;
}

/** @throws PushforwardError `store-mismatch` if a part of a manifest is not that of the run, naming the differences */
function requireSame(manifest: RunManifest, part: Partial<RunManifest>, option: string): void {
  const lines = describeMismatch(manifest, { ...manifest, ...part });
  if (lines.length === 0) return;
  throw new PushforwardError("store-mismatch", {
    what: `This is not what the run was computed with. ${lines.join("; ")}.`,
    where: { option },
    fix: `Give what the run was computed with, or leave out ${option} where the run stores it.`,
  });
}

/** @throws PushforwardError `store-mismatch` if the preprocessing that is asked for, or its mean image, is not that of the run */
async function presetFor(
  network: Network,
  manifest: RunManifest,
  { preprocess: asked, mean }: SubjectOptions,
): Promise<Preprocess> {
  if (manifest.preprocess.name === "array") return presetNamed("none");
  const preset =
    asked === undefined
      ? await presetOfRun(manifest.preprocess, mean).catch((cause: unknown) => {
          throw cause instanceof PushforwardError ? withoutMean(cause) : cause;
        })
      : await choosePreset(asked, network.input.shape, false);
  const { name, unit } = preset;
  requireSame(manifest, { preprocess: { name, unit, settings: settingsWithHash(preset) } }, "--preprocess");
  return preset;
}

const withoutMean = ({ code, what, where, cause }: PushforwardError): PushforwardError =>
  new PushforwardError(code, {
    what,
    where,
    fix: "Give the file of the preset, beside which its mean picture is, with --preprocess.",
    cause,
  });

const withoutInput = (name: string): PushforwardError =>
  new PushforwardError("usage", {
    what: `The weights of a matched control depend on all inputs of its run, and the input "${name}" is not there.`,
    fix: "Give all inputs.",
  });
