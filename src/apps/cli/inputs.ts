import { basename, dirname, extname, relative, resolve } from "node:path";
import { formatShape, PushforwardError, type Shape, sameShape } from "../../base/index.ts";
import { isChannelsLast, type Preprocess } from "../../images/index.ts";
import { type DataType, tensorOf } from "../../onnx/index.ts";
import type { InputRecord } from "../../results/index.ts";
import type { Network } from "../node/index.ts";
import { loadInput } from "../node/load-input.ts";

export interface Inputs {
  readonly records: readonly InputRecord[];
  /** The preprocessed inputs; undefined for a file that could not be used. */
  readonly points: readonly (Float32Array | undefined)[];
  readonly failures: readonly PushforwardError[];
}

/**
 * Loads every input of a command, with its label if there is one. An input that cannot be used is recorded with the reason, and the others
 * are used.
 *
 * @throws PushforwardError the error of the first input, if no input can be used
 */
export async function loadInputs(
  files: readonly string[],
  network: Pick<Network, "input" | "inputs">,
  preset: Preprocess,
  labels: readonly (string | undefined)[] = [],
): Promise<Inputs> {
  const { shape, tensor } = network.input;
  const { type } = network.inputs.find(({ name }) => name === tensor)!;
  const records: InputRecord[] = [];
  const points: (Float32Array | undefined)[] = [];
  const failures: PushforwardError[] = [];
  const names = uniqueNames(files);
  for (const [i, file] of files.entries()) {
    const label = labels[i];
    const common = { name: names[i]!, file, ...(label === undefined ? {} : { label }) };
    try {
      const { data, shape: given, sha256 } = await loadInput(file, preset);
      checkShape(file, given, shape);
      checkEntries(file, tensor, type, data);
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

/** Checks that numbers are of the type that an input has in the file of the network, if that is none of floats. */
function checkEntries(file: string, name: string, type: DataType, data: Float32Array): void {
  if (type.includes("float")) return;
  try {
    tensorOf(name, { type, shape: [data.length] }, data);
  } catch (cause) {
    throw cause instanceof PushforwardError ? cause.at({ file }) : cause;
  }
}

function checkShape(file: string, given: Shape, wanted: Shape): void {
  const plain = given.filter((extent, axis) => axis >= given.length - wanted.length || extent !== 1);
  if (sameShape(plain, wanted)) return;
  const axes = exchange(plain, wanted);
  const layout = axes === undefined ? "" : `, with its channels ${isChannelsLast(wanted) ? "last" : "first"}`;
  throw new PushforwardError("shape-mismatch", {
    what: `The input is ${formatShape(given)}, but the network takes ${formatShape(wanted)}${layout}.`,
    where: { file },
    fix:
      axes === undefined
        ? "Give an array of the network's input shape, or choose a preprocessing that produces it."
        : `Transpose the array, without its batch axis, by numpy.transpose(array, (${axes.join(", ")})), and give the result.`,
  });
}

/** The axes for `numpy.transpose` that move the channels to the other end, if that gives the wanted shape. */
function exchange(given: Shape, wanted: Shape): readonly number[] | undefined {
  const axes = isChannelsLast(wanted) ? [1, 2, 0] : [2, 0, 1];
  const isExchange = given.length === 3 && (isChannelsLast(wanted) || isChannelsLast(given));
  const moved = axes.map((axis) => given[axis]!);
  return isExchange && sameShape(moved, wanted) ? axes : undefined;
}

/**
 * The file names without their endings if these are unique, otherwise the paths below the folder that all files share.
 */
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
