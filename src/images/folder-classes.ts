import { classOf, type Labels } from "./labels.ts";

/** Names of sub-folders that divide a data set into parts and are not classes. */
const parts = new Set(["train", "training", "val", "valid", "validation", "dev", "test", "testing"]);

/** The classes of pictures by the folders that they lie in. */
export interface FolderClasses {
  /** [pictures]; undefined for one that lies in no folder. */
  readonly labels: readonly (string | undefined)[];
  /** What was taken for the classes, as a note without its full stop. */
  readonly note: string;
}

/**
 * The sub-folder of each picture as its class, if there are several; undefined otherwise.
 *
 * @param below the folders between the one that was given and each picture, outermost first
 */
export function folderClasses(below: readonly (readonly string[])[]): FolderClasses | undefined {
  const labels = below.map((folders) => folders.find((name) => !parts.has(name.toLowerCase()))?.normalize("NFC"));
  const classes = new Set(labels.filter((name) => name !== undefined));
  if (classes.size < 2) return undefined;
  const shown = [...classes].slice(0, 4).join(", ");
  const note = `the ${classes.size} sub-folders (${shown}${classes.size > 4 ? ", …" : ""}) are taken as the classes of the inputs`;
  return { labels, note };
}

/**
 * The true classes of files of which no table tells them: the synset in a file's name, else the folder that it lies in (`folderClasses`).
 *
 * @param files their paths or names
 * @param below the folders that each lies in
 */
export function classesByName(
  files: readonly string[],
  below: readonly (readonly string[])[],
): { readonly labels: readonly (string | undefined)[]; readonly note: string | undefined } {
  const folders = folderClasses(below);
  const labels = files.map((file, i) => classOf(file, noTable) ?? folders?.labels[i]);
  return { labels, note: folders?.note };
}

const noTable: Labels = { classes: [], byFile: new Map() };
