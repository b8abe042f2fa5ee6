import { basename, dirname, extname, relative, resolve } from "node:path";
import { PushforwardError } from "../../base/index.ts";
import type { Preprocess } from "../../images/index.ts";
import type { InputRecord } from "../../results/index.ts";
import { checkFits } from "../inputs/check-fits.ts";
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
      checkFits({ shape: given, data }, { name: tensor, type, shape }, file);
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
