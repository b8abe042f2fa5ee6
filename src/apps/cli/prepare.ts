import type { Command } from "commander";
import { PushforwardError, sizeOf } from "../../base/index.ts";
import { type LevelScale, levelScaleOf, levelScaleOfArrays, type Preprocess, settingsOf } from "../../images/index.ts";
import { describeInput, type Tap } from "../../jacobian/index.ts";
import { matchInputs, type Run, type RunManifest } from "../../results/index.ts";
import { withPredictions } from "../inputs/predictions.ts";
import { type GivenInput, givenInputs } from "../library/given-inputs.ts";
import { choosePreset } from "../node/choose-preset.ts";
import { findInputs } from "../node/find-inputs.ts";
import type { Network } from "../node/index.ts";
import { labelInputs } from "../node/labels.ts";
import { isArrayFile } from "../node/load-input.ts";
import { sha256Of } from "../node/model-identity.ts";
import { versionsOf } from "../node/versions.ts";
import { eachAtOnce } from "./at-once.ts";
import { chooseTaps } from "./choose.ts";
import type { FirstLook } from "./first-look.ts";
import { type Inputs, loadInputs } from "./inputs.ts";
import { type OpeningOptions, opening } from "./opening.ts";
import { threadCount, wholeNumber } from "./options.ts";
import { predict } from "./predictions.ts";

/** The options of a command for its network and inputs. */
export interface PrepareOptions extends OpeningOptions {
  readonly taps: string;
  readonly from?: string;
  readonly preprocess?: string;
  readonly labels?: string;
  readonly seed: number;
  /** The folder for results, in which no inputs are searched. */
  readonly out?: string;
}

/** Adds the arguments and options that `prepare` takes. */
export function preparing(command: Command): Command {
  return opening(command)
    .argument("<model>", "ONNX file")
    .argument("<input...>", "pictures, folders of pictures, or .npy arrays (used as they are)")
    .option(
      "--at, --taps <names>",
      "tap names separated by commas, also with indices (`logits[0,3]`), `all`, or `cuts` (taps that all paths pass through)",
      "all",
    )
    .option("--preprocess <name>", "imagenet, caffe-alexnet, mnist, cifar10, none, or a JSON file")
    .option("--labels <file>", "true classes: a list of them in output order, or a table of files and classes")
    .option("--seed <seed>", "seed of all random numbers", wholeNumber("--seed", 0), 0)
    .option("--threads <count>", "threads for one product (default: all cores)", threadCount("--threads"));
}

/** An open network, with the taps and inputs of a command. */
export interface Prepared {
  readonly network: Network;
  readonly from: Tap;
  readonly taps: readonly Tap[];
  /** The records of the inputs, with their predicted classes. */
  readonly inputs: Inputs;
  readonly preprocess: RunManifest["preprocess"];
  /**
   * The names of the classes, or their indices, in the order of the network's output; empty if it gives no class
   * scores.
   */
  readonly classes: readonly string[];
  /** The names in the list of classes; empty if none is given. */
  readonly names: readonly string[];
  /** What `tellFirstLook` prints when the work begins. */
  readonly firstLook: FirstLook;
  /** The relation between the values of the inputs and the levels of pictures. */
  readonly scale: LevelScale;
}

/**
 * Opens a model by `open` and loads inputs. Standard error says which inputs cannot be used. The caller closes the network.
 *
 * @throws PushforwardError errors of `open`, `chooseTaps`, `choosePreset`, `labelInputs`, `loadInputs` and `predict`
 */
export async function prepare(
  open: () => Promise<Network>,
  paths: readonly string[],
  options: PrepareOptions,
): Promise<Prepared> {
  const found = await findInputs(paths, options.out);
  const files = found.map(({ file }) => file);
  const network = await open();
  try {
    requireMain(network);
    const from = options.from === undefined ? sourceOf(network) : network.tap(options.from);
    const taps = chooseTaps(network, from, options.taps);
    const onlyArrays = files.every(isArrayFile);
    const preset = await choosePreset(options.preprocess, network.input.shape, onlyArrays);
    const labels = await labelInputs(options.labels, found);
    const loaded = await loadInputs(files, network, preset, labels.labels);
    for (const failure of loaded.failures) process.stderr.write(`${failure.format()}\n`);
    const predictions = await predict(network, loaded, labels);
    const records = predictions === undefined ? loaded.records : withPredictions(loaded.records, predictions);
    const inputs = { ...loaded, records };
    return {
      network,
      from,
      taps,
      inputs,
      classes: predictions?.names ?? [],
      names: labels.classes.map(({ name }) => name),
      firstLook: { inputs, predictions, shape: network.input.shape, colour: onlyArrays ? undefined : preset.colour },
      scale: onlyArrays
        ? levelScaleOfArrays(
            inputs.points.filter((point) => point !== undefined),
            network.input.shape,
          )
        : levelScaleOf(preset),
      preprocess: onlyArrays
        ? { name: "array", unit: "the network's own", settings: {} }
        : { name: preset.name, unit: preset.unit, settings: settingsWithHash(preset) },
    };
  } catch (cause) {
    await network.close();
    throw cause;
  }
}

/** @throws PushforwardError `usage` if every input has a value of its own, so that the inputs of the command have no place */
export function requireMain(network: Network): void {
  const { input, inputs } = network;
  if (inputs.some(({ name, value }) => name === input.tensor && value === undefined)) return;
  throw new PushforwardError("usage", {
    what: "Every input of the network has a value by --input, so that none is left for the pictures or arrays of the command.",
    where: { file: network.file, option: "--input" },
    fix: `Leave out --input for the one that they go to: ${inputs.map(describeInput).join(", ")}.`,
  });
}

/** Where derivatives start without --from, with a note if that is not the input. */
function sourceOf({ input, source }: Network): Tap {
  if (source !== input) {
    process.stderr.write(
      `note: derivatives are taken with respect to ${source.name}, the first floats behind the input ${input.name} (--from)\n`,
    );
  }
  return source;
}

export interface RunSettings {
  readonly version: string;
  readonly k: number;
  readonly tol: number;
  readonly seed: number;
  readonly vectors: number | "all";
}

/** What a run is of. */
export interface Subject extends Pick<Prepared, "from" | "taps" | "preprocess"> {
  readonly model: RunManifest["model"];
  /** The inputs that are held fixed. */
  readonly given: readonly GivenInput[];
  readonly backend: string;
  readonly inputs: Pick<Inputs, "records">;
}

export function subjectOf({ network, ...prepared }: Prepared): Subject {
  const { quantized } = network.model;
  return {
    ...prepared,
    model: { file: network.file, ...network.identity, ...(quantized === undefined ? {} : { quantized }) },
    given: givenInputs(network.model),
    backend: network.backend.description,
  };
}

/** The manifest of a run of spectra. */
export function runManifest(
  { model, given, backend, from, taps, inputs, preprocess }: Subject,
  { version, k, tol, seed, vectors }: RunSettings,
): RunManifest {
  return {
    format: "pushforward-run",
    formatVersion: 3,
    model,
    ...(given.length === 0 ? {} : { given }),
    from: { name: from.name, tensor: from.tensor, ...indexOf(from), shape: from.shape },
    inputs: inputs.records,
    taps: taps.map((tap) => ({
      name: tap.name,
      tensor: tap.tensor,
      ...indexOf(tap),
      op: tap.op,
      shape: tap.shape,
      cut: tap.cut,
      k: Math.min(k, sizeOf(from.shape), sizeOf(tap.shape)),
    })),
    preprocess,
    k,
    tol,
    seed,
    vectors,
    solver: "dense where a side is short, else block Lanczos on the short side with polynomial filters",
    backend,
    versions: versionsOf(version),
    created: new Date().toISOString(),
  };
}

const indexOf = ({ part }: Tap) => (part === undefined ? {} : { index: part.text });

/** The settings of a preset. A mean image is given by its hash. */
export function settingsWithHash(preset: Preprocess): Record<string, unknown> {
  const { mean, ...settings } = settingsOf(preset);
  if (!("file" in preset.mean)) return { ...settings, mean };
  const { buffer, byteOffset, byteLength } = preset.mean.data;
  return {
    ...settings,
    mean: { ...(mean as object), sha256: sha256Of(new Uint8Array(buffer, byteOffset, byteLength)) },
  };
}

/** The preprocessed inputs of a run, in the order of the run; undefined for an input that cannot be loaded. */
export type Points = Inputs["points"];

/** The preprocessed inputs of a command, in the order of the inputs of the run that it continues. */
export function pointsIn({ manifest }: Run, { records, points }: Pick<Inputs, "records" | "points">): Points {
  const ordered: (Float32Array | undefined)[] = manifest.inputs.map(() => undefined);
  for (const [i, place] of matchInputs(manifest.inputs, records).places.entries()) ordered[place] = points[i];
  return ordered;
}

/**
 * Tells whether a unit is stored in an earlier run, by the index of its input among those of a command. Without an earlier run, no unit
 * is stored.
 */
export function doneIn(earlier: Run | undefined, { inputs }: Pick<RunManifest, "inputs">) {
  const stored = earlier?.manifest.inputs ?? [];
  const { places } = matchInputs(stored, inputs);
  return (input: number, tap: number): boolean =>
    earlier !== undefined && places[input]! < stored.length && earlier.isDone(places[input]!, tap);
}

/** Stores the source tensor of every input whose source tensor the run does not have yet. */
export async function storeSources(
  stored: Run,
  { network, from }: Pick<Prepared, "network" | "from">,
  points: Points,
): Promise<void> {
  const isInput = from.tensor === network.input.tensor && from.part === undefined;
  const store = async ([input, point]: readonly [number, Float32Array | undefined]) => {
    if (point === undefined || (await stored.readSource(input)) !== undefined) return;
    await stored.writeSource(input, isInput ? point : (await network.forward(point, [from]))[0]!);
  };
  if (isInput) await eachAtOnce([...points.entries()], store);
  else for (const entry of points.entries()) await store(entry); // Passes of one network take turns.
}
