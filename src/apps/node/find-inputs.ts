import { readdir, realpath, stat } from "node:fs/promises";
import { dirname, extname, join, sep } from "node:path";
import { PushforwardError } from "../../base/index.ts";
import { unreadable } from "../../platform/node/file-errors.ts";
import { isWithin } from "../../platform/node/is-within.ts";

const endings = new Set([".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".tiff", ".avif", ".npy"]);

/** Files that identify a folder of results: a Zarr store of either version, or a page of studies. */
const resultMarks = ["zarr.json", ".zgroup", ".zarray", "studies.html"];

/**
 * Folders that operating systems and storage devices create beside pictures, and that contain files with the same
 * names.
 */
const ofTheSystem = new Set(["__MACOSX", "@eaDir", "$RECYCLE.BIN"]);

export interface FoundInput {
  readonly file: string;
  /**
   * The folders between the folder that the user named and this file, outermost first; empty if the user named the
   * file.
   */
  readonly below: readonly string[];
}

/**
 * The input files of a command. A path may be a file, or a folder, which stands for all pictures and arrays below it, sorted.
 *
 * Each file is taken once, by its real path. Below a folder, these are left out: names that begin with a dot, folders of the
 * system, folders of results, and `out`. A link to a file counts as that file. A link to a folder is followed once, unless
 * that folder contains the one that the user named. A link without a target is kept as an input that will fail, so that it is
 * reported; the same holds for a sub-folder that cannot be read.
 *
 * @throws PushforwardError `file-unreadable` for a path that cannot be read; `usage` for a folder of results, and if no input is
 * found
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
      files.set(full, folder); // It becomes an input that fails with the reason, and the other inputs are computed.
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
      if (!isWithin(await realpath(full), realRoot)) await visit(link);
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

function neither(file: string): PushforwardError {
  return new PushforwardError("file-unreadable", {
    what: "This is neither a plain file nor a folder.",
    where: { file },
    fix: "Save its content to a file, and give that file.",
  });
}

function amongPictures(file: string): PushforwardError {
  return new PushforwardError("usage", {
    what: "This folder is given both for the inputs and for the results. The figures in it would become inputs of the next command.",
    where: { file, option: "--out" },
    fix: `Choose another folder with --out, for example ${join(file, "results")}.`,
  });
}

function notPictures(file: string, mark: string): PushforwardError {
  return new PushforwardError("usage", {
    what: `This folder contains results, not pictures: it has a file ${mark}.`,
    where: { file },
    fix: "Give the folder of the pictures, or move the results out of this folder.",
  });
}
