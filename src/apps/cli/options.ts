import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { PushforwardError } from "../../base/index.ts";
import { type Quantized, quantizedChoices } from "../../onnx/index.ts";
import { type DeviceName, deviceNames } from "../../platform/node/devices.ts";
import { ALONE, type Shard } from "../../studies/index.ts";

/**
 * The defaults for the triplets at each tap, for the tolerance, and for the vectors stored (so many first and so many
 * last).
 */
export const DEFAULT_K = 500;
export const DEFAULT_TOL = 1e-5;
export const DEFAULT_VECTORS = 16;

/** Parsers of option values. Each is made for one option, which it names in its errors (`usage`). */

/** `3,224,224` → [3, 224, 224] */
export const shape = (option: string) => (text: string) => {
  const extents = text.split(/[,x×]/).map(Number);
  const isShape = extents.every((extent) => Number.isInteger(extent) && extent >= 1);
  return isShape ? extents : refuse(option, text, "a shape", "3,224,224");
};

export const wholeNumber = (option: string, least: number) => (text: string) => {
  const value = Number(text);
  const isValid = text.trim() !== "" && Number.isSafeInteger(value) && value >= least;
  return isValid ? value : refuse(option, text, `a whole number of at least ${least}`, "100");
};

/**
 * The threads of one product. At most as many are used as the machine has cores, because more would wait for each other
 * or hang.
 */
export const threadCount = (option: string) => (text: string) => {
  const [asked, cores] = [wholeNumber(option, 1)(text), availableParallelism()];
  if (asked > cores)
    process.stderr.write(
      `note: ${option} ${cores} is used instead of ${text}, because the machine has ${cores} cores\n`,
    );
  return Math.min(asked, cores);
};

export const tolerance = (option: string) => (text: string) => {
  const value = Number(text);
  return value > 0 && value < 1 ? value : refuse(option, text, "a number between 0 and 1", "1e-5");
};

/** `3/100`: the fourth of a hundred programs that share the work. */
const shard =
  (option: string) =>
  (text: string): Shard => {
    const [index, count] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).slice(1).map(Number);
    const isValid = index !== undefined && count !== undefined && index < count && Number.isSafeInteger(count);
    return isValid
      ? { index, count }
      : refuse(option, text, "a shard: its number from 0, and how many there are", "3/100");
  };

/** The option `--shard`, for commands whose work can be shared. */
export const sharded = (command: Command): Command =>
  command.option(
    "--shard <number/count>",
    "do one of so many parts of the work, from 0 on; other machines do the others, into the same folder",
    shard("--shard"),
    ALONE,
  );

/** `1%`: a share of all, from above 0 to 1. */
export const percentage = (option: string) => (text: string) => {
  const [, number = ""] = /^(\d+(?:\.\d+)?) ?%$/.exec(text) ?? [];
  const share = Number(number) / 100;
  return share > 0 && share <= 1 ? share : refuse(option, text, "a percentage above 0 and up to 100", "1%");
};

export const deviceName =
  (option: string) =>
  (text: string): DeviceName =>
    deviceNames.find((name) => name === text) ??
    refuse(option, text, `one of the devices ${deviceNames.join(", ")}`, "webgpu");

export const quantizedChoice =
  (option: string) =>
  (text: string): Quantized =>
    quantizedChoices.find((choice) => choice === text) ??
    refuse(option, text, `one of ${quantizedChoices.join(", ")}`, "straight-through");

/** `all`, `none`, or how many of the first and of the last vectors to store. */
export const vectorCount =
  (option: string) =>
  (text: string): number | "all" => {
    if (text === "all") return "all";
    if (text === "none") return 0;
    const value = Number(text);
    const isValid = text.trim() !== "" && Number.isInteger(value) && value >= 0;
    return isValid ? value : refuse(option, text, `a whole number, "all" or "none"`, "16");
  };

function refuse(option: string, given: string, wanted: string, example: string): never {
  throw new PushforwardError("usage", {
    what: `"${given}" is not ${wanted}.`,
    where: { option },
    fix: `For example: ${option} ${example}.`,
  });
}
