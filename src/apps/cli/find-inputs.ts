import { readdir, realpath, stat } from "node:fs/promises";
import { dirname, extname, join, sep } from "node:path";
import { PushforwardError } from "../../base/index.ts";
import { unreadable } from "../../platform/node/file-errors.ts";

const endings = new Set([".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".tiff", ".avif", ".npy"]);

/** Files that identify a folder of results: a Zarr store of either version, or a page of studies. */
const resultMarks = ["zarr.json", ".zgroup", ".zarray", "studies.html"];

/** Folders that systems make beside pictures, with files of the same names in them. */
const ofTheSystem = new Set(["__MACOSX", "@eaDir", "$RECYCLE.BIN"]);

export interface FoundInput {
  readonly file: string;
  /** The folders between the one that was named and this file, from the outside; empty for a file that was named itself. */
  readonly below: readonly string[];
}

/**
 * The files that the command line's inputs stand for: files as named, folders by the pictures and arrays below them, sorted.
 *
 * Each file is taken once, by its real path. Of folders these are left out: names that begin with a dot, folders of the
 * system, folders of results, and `out`. A link to a file stands for it, and a link to a folder is followed once, but not
 * to a folder that holds the one named. A link that leads nowhere stays, so that it is reported.
 *
 * A folder below that cannot be read stays too, as an input that will fail.
 *
 * @throws PushforwardError `file-unreadable` for what cannot be read, `usage` for a folder of results and where nothing is left
 */
export async function findInputs(paths: readonly string[], out?: string): Promise<FoundInput[]> {
  const results = out === undefined ? undefined : await realpath(out).catch(() => undefined);
  const taken = new Set<string>();
  const found: FoundInput[] = [];
  for (const path of paths) {
    const info = await stat(path).catch((cause: unknown) => {
      throw unreadable(path, cause);
    });
    const inputs = info.isDirectory() ? await inputsBelow(path, results) : [{ file: path, below: [] }];
    if (!info.isDirectory() && !info.isFile()) throw neither(path);
    for (const input of inputs) {
      const real = await realpath(input.file).catch(() => input.file);
      if (!taken.has(real)) found.push(input);
      taken.add(real);
    }
  }
  if (found.length > 0) return found;
  throw new PushforwardError("usage", {
    what: `There is no picture or array in ${paths.join(", ")}.`,
    fix:
      `Give files or folders with ${[...endings].join(", ")}. Names that begin with a dot and folders of results are left ` +
      "out.",
  });
}

/** The files below a folder, sorted by path. If two paths lead to one file, the one with fewer links is used. */
async function inputsBelow(root: string, results: string | undefined): Promise<FoundInput[]> {
  const realRoot = await realpath(root);
  if (realRoot === results) throw amongPictures(root);
  const visited = new Set(results === undefined ? [] : [results]);
  const files = new Map<string, string>();
  const links: string[] = [];
  const take = async (path: string) => {
    const real = await realpath(join(root, path)).catch(() => path);
    if (!files.has(real)) files.set(real, path);
  };
  const visit = async (folder: string): Promise<void> => {
    const full = join(root, folder);
    const entries = await readdir(full, { withFileTypes: true }).catch((cause: unknown) => {
      if (folder === "") throw unreadable(full, cause);
      files.set(full, folder); // reading it says why not, and the others are computed
      return undefined;
    });
    if (entries === undefined) return;
    const real = await realpath(full);
    if (visited.has(real)) return;
    visited.add(real);
    const mark = resultMarks.find((name) => entries.some((entry) => entry.name === name));
    if (mark !== undefined && folder === "") throw notPictures(root, mark);
    if (mark !== undefined) return;
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(folder, entry.name);
      if (entry.name.startsWith(".") || ofTheSystem.has(entry.name)) continue;
      if (entry.isSymbolicLink()) links.push(path);
      else if (entry.isDirectory()) await visit(path);
      else if (entry.isFile() && hasEnding(path)) await take(path);
    }
  };
  await visit("");
  for (let link = links.shift(); link !== undefined; link = links.shift()) {
    const full = join(root, link);
    const info = await stat(full).catch(() => undefined);
    if (info?.isDirectory()) {
      if (!holds(await realpath(full), realRoot)) await visit(link);
    } else if (hasEnding(link) && (info === undefined || info.isFile())) await take(link);
  }
  return [...files.values()].sort().map((path) => ({
    file: join(root, path),
    below: dirname(path)
      .split(sep)
      .filter((part) => part !== "."),
  }));
}

const hasEnding = (path: string): boolean => endings.has(extname(path).toLowerCase());

/** Whether a folder is the same as another one or contains it. */
const holds = (folder: string, other: string): boolean => `${other}${sep}`.startsWith(`${folder}${sep}`);

function neither(file: string): PushforwardError {
  return new PushforwardError("file-unreadable", {
    what: "This is neither a file nor a folder.",
    where: { file },
    fix: "Save what it gives to a file.",
  });
}

function amongPictures(file: string): PushforwardError {
  return new PushforwardError("usage", {
    what: "This folder is both the inputs and the place for the results, and figures among the inputs would become inputs.",
    where: { file, option: "--out" },
    fix: `Choose another folder with --out, as ${join(file, "results")}.`,
  });
}

function notPictures(file: string, mark: string): PushforwardError {
  return new PushforwardError("usage", {
    what: `This is a folder of results, not of pictures: there is ${mark}.`,
    where: { file },
    fix: "Name the folder of the pictures, or move the results out of it.",
  });
}
