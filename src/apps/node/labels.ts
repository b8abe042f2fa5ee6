import { dirname, join, resolve } from "node:path";
import { type PushforwardError, printable } from "../../base/index.ts";
import {
  type ClassRecord,
  classesByName,
  classOf,
  decodeText,
  type Labels,
  parseLabels,
  rowOf,
} from "../../images/index.ts";
import { codeOf } from "../../platform/node/file-errors.ts";
import type { FoundInput } from "./find-inputs.ts";
import { readBytes } from "./open-model.ts";

/** What is known about the classes of the inputs of a command. */
export interface InputLabels {
  /** In the order of the network's outputs; empty if no list of classes is given. */
  readonly classes: readonly ClassRecord[];
  /** The labels file, if there is one, and whether the user named it. */
  readonly file?: string;
  readonly asked: boolean;
  /** [inputs], the true class of each input if it is known. */
  readonly labels: readonly (string | undefined)[];
}

/**
 * The true classes of the inputs. They come from the labels file that the user names, or from a file `labels.tsv` beside the
 * first input or in the folder that the user names. If there is neither, the class of an input is the synset in its file name; if the
 * name has none, it is the sub-folder that contains the file, provided that the inputs lie in several sub-folders. Standard error says
 * which rows of the labels file match no input, and which inputs have no row.
 *
 * @throws PushforwardError `file-unreadable`, or `usage` naming the line of the file that does not fit
 */
export async function labelInputs(asked: string | undefined, inputs: readonly FoundInput[]): Promise<InputLabels> {
  const found = asked === undefined ? await besideInputs(inputs) : { file: asked, bytes: await readBytes(asked) };
  if (found === undefined) {
    const { labels, note } = classesByName(
      inputs.map((input) => input.file),
      inputs.map(({ below }) => below),
    );
    if (note !== undefined) tell(`note: ${note}`);
    return { classes: [], asked: false, labels };
  }
  const { file, bytes } = found;
  const { text, isUnicode } = decodeText(bytes);
  if (!isUnicode) {
    tell(
      `warning: ${file} is not in UTF-8. It is read as Latin-1 (Windows-1252). Save it as UTF-8 if names look wrong.`,
    );
  }
  const known = parseLabels(text, file);
  tellUnmatched(file, known, inputs);
  // Rows are compared with the whole path, so that a table may name folders above the one that the user names.
  const labels = inputs.map((input) => classOf(resolve(input.file), known));
  return { classes: known.classes, file, asked: asked !== undefined, labels };
}

interface LabelsFile {
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** The `labels.tsv` in the folder of the first input, or in the folder that was named, whose sub-folders hold the inputs. */
async function besideInputs([first]: readonly FoundInput[]): Promise<LabelsFile | undefined> {
  const own = dirname(first?.file ?? ".");
  const named = join(own, ...(first?.below ?? []).map(() => ".."));
  for (const file of new Set([own, named].map((folder) => join(folder, "labels.tsv")))) {
    const bytes = await readBytes(file).catch((error: PushforwardError) => {
      if (codeOf(error.cause) !== "ENOENT") tell(`warning: ${file} is not used. ${error.what}`);
      return undefined;
    });
    if (bytes !== undefined) return { file, bytes };
  }
  return undefined;
}

const tell = (line: string): boolean => process.stderr.write(`${printable(line)}\n`);

function tellUnmatched(file: string, labels: Labels, inputs: readonly FoundInput[]): void {
  const rows = labels.byFile.size;
  if (rows === 0) return;
  const matched = inputs.map((input) => rowOf(resolve(input.file), labels));
  const unused = rows - new Set(matched.filter((row) => row !== undefined)).size;
  const without = inputs.filter((_, i) => matched[i] === undefined);
  if (unused > 0) {
    const example = [...labels.byFile.keys()].find((row) => !matched.includes(row));
    tell(
      `${unused === rows ? "warning" : "note"}: ${unused} of ${rows} rows of ${file} match no input, for example "${example}".`,
    );
  }
  if (without.length > 0) {
    tell(`note: ${without.length} of ${inputs.length} inputs have no row in ${file}, for example ${without[0]!.file}.`);
  }
}
