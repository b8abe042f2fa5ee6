import type { Command } from "commander";
import { PushforwardError, type Shape } from "../../base/index.ts";
import { type ExactArray, readExactNpy } from "../../images/index.ts";
import type { Quantized } from "../../onnx/index.ts";
import { type DeviceName, deviceNames } from "../../platform/node/devices.ts";
import { type Network, type OpenModelOptions, openModel } from "../node/index.ts";
import { isArrayFile } from "../node/load-input.ts";
import { readBytes } from "../node/open-model.ts";
import { deviceName, quantizedChoice, shape } from "./options.ts";

/** The options of a command for how the files of networks are opened. */
export interface OpeningOptions {
  readonly shape?: ReadonlyMap<string, Shape>;
  readonly input?: ReadonlyMap<string, string>;
  readonly quantized?: Quantized;
  readonly threads?: number;
  readonly device?: DeviceName;
}

/** The name that stands for the input that pictures go to. */
const MAIN = "";

/** Adds the options of `OpeningOptions`, all but `--threads`. */
export function opening(command: Command): Command {
  return command
    .option(
      "--shape <extents>",
      "shape of the input, if the file leaves it open, for example 3,224,224; NAME=2,1,128 for another input; may be repeated",
      withShape,
    )
    .option(
      "--input <name=value>",
      "hold another input of the network at a value, NAME=FILE.npy or NAME=NUMBER; may be repeated",
      withInput,
    )
    .option(
      "--quantized <choice>",
      "what tangents do where a quantized network rounds: straight-through (they pass as if nothing were rounded), or refuse (default)",
      quantizedChoice("--quantized"),
    )
    .option(
      "--device <name>",
      `where to compute: ${deviceNames.join(", ")} (default: cpu); \`pushforward devices\` lists what is there`,
      deviceName("--device"),
    );
}

/**
 * The options with which the files of networks are opened. Arrays of `--input` are read.
 *
 * @throws PushforwardError `usage` for a file of another kind; `file-unreadable`
 */
export async function openOptions({
  shape: shapes,
  input,
  quantized,
  threads,
  device,
}: OpeningOptions): Promise<OpenModelOptions> {
  const { [MAIN]: inputShape, ...inputShapes } = Object.fromEntries(shapes ?? []);
  const values = await Promise.all(
    [...(input ?? [])].map(async ([name, text]) => [name, await readValue(text)] as const),
  );
  return {
    ...(inputShape === undefined ? {} : { inputShape }),
    ...(Object.keys(inputShapes).length === 0 ? {} : { inputShapes }),
    ...(values.length === 0 ? {} : { inputs: Object.fromEntries(values) }),
    ...(quantized === undefined ? {} : { quantized }),
    ...(threads === undefined ? {} : { threads }),
    ...(device === undefined ? {} : { device }),
    notice: tell,
  };
}

/**
 * Opens the network of a command. If `from` names a weight, perhaps with indices, the weight becomes an input, and so a tap.
 *
 * @throws PushforwardError errors of `openModel` and `openOptions`
 */
export async function openNetwork(
  file: string,
  { from, ...options }: OpeningOptions & { readonly from?: string },
): Promise<Network> {
  const opened = await openOptions(options);
  if (from === undefined) return openModel(file, opened);
  const named = [from, from.replace(/\s*\[[^[\]]*\]$/, "")];
  return openModel(file, { ...opened, weights: (names) => names.filter((name) => named.includes(name)).slice(0, 1) });
}

/** Tells a user what there is to know of a device, once for all networks of a command. */
function tell(text: string): void {
  if (told.has(text)) return;
  told.add(text);
  process.stderr.write(`note: ${text}\n`);
}

const told = new Set<string>();

/** `16000`, `-1e-3`, `true`, or an .npy file. */
async function readValue(text: string): Promise<number | ExactArray> {
  const known = new Map([
    ["true", 1],
    ["false", 0],
  ]).get(text);
  const number = known ?? Number(text);
  if (!Number.isNaN(number)) return number;
  if (isArrayFile(text)) return readExactNpy(await readBytes(text), text);
  throw new PushforwardError("usage", {
    what: `"${text}" is neither a number nor an .npy file.`,
    where: { option: "--input" },
    fix: "Give a number for all entries, or the file of an array that numpy.save wrote.",
  });
}

/** Adds a shape to those given before: `3,224,224` for the input that pictures go to, or `NAME=2,1,128`. */
export function withShape(text: string, before: ReadonlyMap<string, Shape> = new Map()): ReadonlyMap<string, Shape> {
  const at = text.lastIndexOf("=");
  return added("--shape", before, at < 0 ? MAIN : text.slice(0, at), shape("--shape")(text.slice(at + 1)));
}

function withInput(text: string, before: ReadonlyMap<string, string> = new Map()): ReadonlyMap<string, string> {
  const at = text.indexOf("=");
  const [name, value] = [text.slice(0, Math.max(at, 0)), text.slice(at + 1)];
  if (name !== "" && value.trim() !== "") return added("--input", before, name, value);
  throw new PushforwardError("usage", {
    what: `"${text}" does not say which input has which value.`,
    where: { option: "--input" },
    fix: "Give the name of an input and its value: --input NAME=FILE.npy or --input NAME=NUMBER.",
  });
}

function added<T>(option: string, before: ReadonlyMap<string, T>, name: string, value: T): ReadonlyMap<string, T> {
  if (!before.has(name)) return new Map([...before, [name, value]]);
  throw new PushforwardError("usage", {
    what: name === MAIN ? `${option} is given twice.` : `${option} is given twice for "${name}".`,
    where: { option },
    fix: "Give it once for each input.",
  });
}
