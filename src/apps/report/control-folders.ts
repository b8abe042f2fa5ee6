import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { controlKinds } from "../../controls/index.ts";
import { codeOf, unreadable } from "../../platform/node/file-errors.ts";

/** A draw of a control, whose folder contains the studies of this draw. */
export interface DrawFolder {
  readonly kind: string;
  /** From 1. */
  readonly draw: number;
  /** Below the folder of the studies of the trained network. */
  readonly path: string;
}

/**
 * The draws of controls in a folder of studies, `controls/KIND/DRAW/`: by their kinds in the order of these, and by number.
 *
 * @throws PushforwardError `file-unreadable`
 */
export async function controlFolders(folder: string): Promise<DrawFolder[]> {
  const present = await namesIn(join(folder, "controls"));
  const found: DrawFolder[] = [];
  for (const kind of [...controlKinds, "initial"].filter((name) => present.includes(name))) {
    const names = (await namesIn(join(folder, "controls", kind))).filter((name) => /^[1-9]\d*$/.test(name));
    const draws = names.map(Number).sort((a, b) => a - b);
    found.push(...draws.map((draw) => ({ kind, draw, path: join("controls", kind, String(draw)) })));
  }
  return found;
}

/** The names in a folder; none if there is no such folder. @throws PushforwardError `file-unreadable` */
async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((cause: unknown) => {
    if (codeOf(cause) === "ENOENT") return [];
    throw unreadable(folder, cause);
  });
}
