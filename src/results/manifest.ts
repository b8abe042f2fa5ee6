import { formatShape, PushforwardError, sizeOf } from "../base/index.ts";
import { differencesOf, tellDifferences } from "./differences.ts";
import { matchInputs } from "./match-inputs.ts";
import type { ControlRecord, GivenRecord, InputRecord, RunManifest, TapRecord } from "./types.ts";

/**
 * The differences between two manifests because of which their numbers must not share a store, one line each: the content of model and
 * inputs, the control, source, taps, unit and settings of the preprocessing, k, tol, seed, vectors, solver, backend and the version.
 * Empty if a command for the second can continue the run of the first.
 *
 * Additional inputs and another order of inputs are not differences (see `matchInputs`), but for a matched control, whose weights
 * depend on all inputs. Neither are paths and names of files, labels, predictions, failures and the time of creation.
 */
export function describeMismatch(stored: RunManifest, asked: RunManifest): string[] {
  const lines: string[] = [];
  const compare = (name: string, a: unknown, b: unknown) => {
    lines.push(...differencesOf(name, a, b));
  };
  lines.push(...modelMismatch(stored.model, asked.model), ...givenMismatch(stored, asked));
  compare("from", stored.from, asked.from);
  const { inputs, differences } = matchInputs(stored.inputs, asked.inputs);
  lines.push(...differences);
  if (stored.model.control?.kind === "matched") lines.push(...inputs.slice(stored.inputs.length).map(describeAdded));
  compareLists("tap", stored.taps, asked.taps, describeTap, lines);
  compare("preprocess", ...comparable(stored.preprocess, asked.preprocess));
  for (const key of ["k", "tol", "seed", "vectors", "solver", "backend"] as const)
    compare(key, stored[key], asked[key]);
  return [...lines, ...versionMismatch(stored, asked)];
}

/**
 * The difference between the versions of Pushforward. The machine that computes a unit is stored with it and may be another for each: its
 * numbers agree within their certificates.
 */
export function versionMismatch(stored: Pick<RunManifest, "versions">, asked: Pick<RunManifest, "versions">): string[] {
  const version = ({ versions }: Pick<RunManifest, "versions">) => versions.pushforward ?? "none";
  return differencesOf("version of pushforward", version(stored), version(asked));
}

/** The differences between two models: in their contents, in the control that they are, and in what tangents do at rounding. */
export function modelMismatch(stored: RunManifest["model"], asked: RunManifest["model"]): string[] {
  const [a, b] = [stored, asked].map(({ control }) => (control === undefined ? "none" : controlName(control)));
  return [
    ...contentMismatch(stored, asked),
    ...(a === b ? [] : [`control: stored ${a}, asked ${b}`]),
    ...differencesOf("quantized", stored.quantized ?? "refuse", asked.quantized ?? "refuse"),
  ];
}

/** The differences between the values of inputs that are held fixed, by content. */
export function givenMismatch(stored: Pick<RunManifest, "given">, asked: Pick<RunManifest, "given">): string[] {
  const [a, b] = [stored, asked].map(({ given = [] }) => new Map(given.map((one) => [one.name, one])));
  return [...new Set([...a!.keys(), ...b!.keys()])].flatMap((name) => {
    const [before, now] = [describeGiven(a!.get(name)), describeGiven(b!.get(name))];
    return before === now ? [] : [`value of input "${name}": stored ${before}, asked ${now}`];
  });
}

/** `0.5 (float32, 2×1×128)`, or the beginning of a hash in place of the number. */
export const describeGiven = (given: GivenRecord | undefined): string =>
  given === undefined
    ? "none"
    : `${given.value ?? given.sha256.slice(0, 12)} (${given.type}, ${formatShape(given.shape)})`;

/** `matched, seed 0, draw 3`, or `initial`. */
export function controlName({ kind, seed, draw }: ControlRecord): string {
  return [kind, ...(seed === undefined ? [] : [`seed ${seed}`]), ...(draw === undefined ? [] : [`draw ${draw}`])].join(
    ", ",
  );
}

function contentMismatch(stored: RunManifest["model"], asked: RunManifest["model"]): string[] {
  if (stored.sha256 === asked.sha256) return [];
  if (stored.sha256 === asked.fileSha256) {
    return [
      `model: an earlier version stored the hash of ${stored.file} alone, without that of its external data, ` +
        "so that it cannot tell whether its weights are still the same",
    ];
  }
  const short = ({ file, sha256 }: RunManifest["model"]) => `${file} (${sha256.slice(0, 12)})`;
  return [`model: stored ${short(stored)}, asked ${short(asked)}`];
}

/** Two preprocessings in a form that can be compared, without file names; a mean image by its hash, if both have one. */
export function comparable(...both: readonly [Preprocessing, Preprocessing]): [unknown, unknown] {
  const means = both.map(({ settings }) => settings.mean as MeanImage | undefined);
  const hashed = means.every((mean) => mean?.sha256 !== undefined);
  const [a, b] = both.map(({ unit, settings }, i) => {
    const mean = means[i];
    if (mean?.file === undefined) return { unit, settings };
    const { file: _, sha256, ...rest } = mean;
    return { unit, settings: { ...settings, mean: { ...rest, ...(hashed ? { sha256 } : {}) } } };
  });
  return [a, b];
}

type Preprocessing = RunManifest["preprocess"];

interface MeanImage {
  readonly file?: string;
  readonly sha256?: string;
}

/** Whether a command for one can continue the other: `describeMismatch` has no line. */
export function sameRun(a: RunManifest, b: RunManifest): boolean {
  return describeMismatch(a, b).length === 0;
}

function describeAdded({ name, sha256 }: InputRecord): string {
  return `input "${name}" (${sha256.slice(0, 12)}) is not stored, and the weights of a matched control depend on all inputs`;
}

function describeTap({ name, tensor, index = "", shape, k }: TapRecord): string {
  return `${name} (${tensor}${index}, ${formatShape(shape)}, k ${k})`;
}

function compareLists<T>(
  name: string,
  stored: readonly T[],
  asked: readonly T[],
  describe: (item: T) => string,
  lines: string[],
): void {
  if (stored.length !== asked.length) lines.push(`${name}s: stored ${stored.length}, asked ${asked.length}`);
  const at = stored.findIndex((item, i) => asked[i] !== undefined && describe(item) !== describe(asked[i]));
  if (at >= 0) lines.push(`${name} ${at + 1}: stored ${describe(stored[at]!)}, asked ${describe(asked[at]!)}`);
}

/**
 * Checks the parts of a manifest that determine the layout of the arrays.
 *
 * @throws PushforwardError `usage` without inputs or taps, or with two of one name; `shape-mismatch` for a k out of range
 */
export function checkManifest({ inputs, taps, from }: RunManifest): void {
  checkNames("input", inputs);
  checkNames("tap", taps);
  for (const { name, shape, k } of taps) {
    const most = Math.min(sizeOf(shape), sizeOf(from.shape));
    if (Number.isInteger(k) && 1 <= k && k <= most) continue;
    throw new PushforwardError("shape-mismatch", {
      what: `k is ${k}, but for a tap of ${formatShape(shape)} and a source of ${formatShape(from.shape)} it must be from 1 to ${most}.`,
      where: { tap: name },
      fix: "Give a k that is at most the number of entries of the smaller of the two.",
    });
  }
}

function checkNames(kind: string, items: readonly (InputRecord | TapRecord)[]): void {
  const names = items.map(({ name }) => name);
  const first = new Set<string>();
  const twice = names.find((name) => first.size === first.add(name).size);
  if (names.length > 0 && twice === undefined) return;
  throw new PushforwardError("usage", {
    what: twice === undefined ? `A run needs at least one ${kind}.` : `Two ${kind}s of a run are called "${twice}".`,
    fix: twice === undefined ? `Give one or more ${kind}s.` : `Name every ${kind} once.`,
  });
}

/**
 * Converts a manifest to attributes that every array format can store (netCDF has no nested attributes): numbers and texts stay the
 * same, objects and lists become JSON text.
 */
export function toAttributes(manifest: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(manifest).map(([key, value]) => [key, typeof value === "object" ? JSON.stringify(value) : value]),
  );
}

/** The manifest from attributes of `toAttributes`, or of an earlier version, which stored objects and lists directly. */
export function fromAttributes(attributes: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const isNested = (text: string) => /^[[{]/.test(text);
  return Object.fromEntries(
    Object.entries(attributes).map(([key, value]) => [
      key,
      typeof value === "string" && isNested(value) ? (JSON.parse(value) as unknown) : value,
    ]),
  );
}

/**
 * The manifest in the attributes of a store's root group.
 *
 * @throws PushforwardError `store-mismatch` if it is not a run, or has a format that this version cannot read
 */
export function readManifest(attributes: Readonly<Record<string, unknown>>, location: string): RunManifest {
  const { format, formatVersion } = attributes;
  if (format === "pushforward-run" && (formatVersion === 1 || formatVersion === 2 || formatVersion === 3)) {
    const { coordinates: _, ...manifest } = fromAttributes(attributes);
    return { ...manifest, formatVersion: formatVersion === 3 ? 3 : 2 } as unknown as RunManifest; // written by `createRun`
  }
  const isRun = format === "pushforward-run";
  throw new PushforwardError("store-mismatch", {
    what: isRun
      ? `This run is of format ${formatVersion}, not 1 to 3.`
      : "This Zarr store is not a run of Pushforward.",
    where: { file: location },
    fix: isRun ? "Use the version of Pushforward that wrote it." : "Choose another folder.",
  });
}

/** Checks that two manifests are of the same run. @throws PushforwardError `store-mismatch` listing all differences */
export function requireSameRun(stored: RunManifest, asked: RunManifest, location: string): void {
  const lines = describeMismatch(stored, asked);
  if (lines.length === 0) return;
  throw new PushforwardError("store-mismatch", {
    what: `This folder contains another run. ${tellDifferences(lines)}`,
    where: { file: location },
    fix: "Use the settings and inputs of the stored run (more inputs may be added), or give another folder with --out.",
  });
}

/** The name by which a network finds the tap of a run. */
export const tapNamed = ({ tensor, index = "" }: Pick<TapRecord, "tensor" | "index">): string => `${tensor}${index}`;

/** How many singular vectors of each side a unit of k triplets stores. */
export function storedVectors({ vectors }: Pick<RunManifest, "vectors">, { k }: Pick<TapRecord, "k">): number {
  return vectors === "all" ? k : Math.min(k, 2 * vectors);
}
