import { PushforwardError } from "../../../base/index.ts";
import {
  type ClassRecord,
  classesByName,
  classOf,
  decodeText,
  type Labels,
  parseLabels,
  rowOf,
} from "../../../images/index.ts";
import type { NamedBytes } from "./read-given.ts";

/** What is known of the true classes of pictures. */
export interface PictureLabels {
  /** In the order of the outputs; empty if there is no list. */
  readonly classes: readonly ClassRecord[];
  /** [pictures] */
  readonly labels: readonly (string | undefined)[];
  /** What does not fit, in sentences. */
  readonly warnings: readonly string[];
}

/**
 * The true classes of pictures: from a labels file, else from the synset in a file name, else from the folders, if they are several. A
 * labels file that cannot be read is left out, with a warning.
 */
export function labelPictures(names: readonly string[], file: NamedBytes | undefined): PictureLabels {
  if (file === undefined) {
    return { classes: [], labels: classesByName(names, foldersOf(names)).labels, warnings: [] };
  }
  let known: Labels;
  try {
    known = parseLabels(decodeText(file.bytes).text, file.name);
  } catch (cause) {
    if (!(cause instanceof PushforwardError)) throw cause;
    const without = labelPictures(names, undefined);
    return { ...without, warnings: [`${file.name} is not used. ${cause.what} ${cause.fix}`] };
  }
  const labels = names.map((name) => classOf(name, known));
  return { classes: known.classes, labels, warnings: unmatched(names, file.name, known) };
}

function unmatched(names: readonly string[], file: string, known: Labels): string[] {
  if (known.byFile.size === 0) return [];
  const rows = new Set(names.map((name) => rowOf(name, known)));
  const without = names.filter((name) => rowOf(name, known) === undefined);
  if (without.length === 0) return [];
  const none = rows.size === 1 ? " No row of it matches any." : "";
  return [`${without.length} of ${names.length} pictures have no row in ${file}, for example ${without[0]}.${none}`];
}

/** The folders that each file lies in, without those that all of them share. */
function foldersOf(names: readonly string[]): string[][] {
  const all = names.map((name) => name.split("/").slice(0, -1));
  const [first = []] = all;
  const differs = first.findIndex((folder, depth) => all.some((folders) => folders[depth] !== folder));
  const shared = differs < 0 ? first.length : differs;
  return all.map((folders) => folders.slice(shared));
}
