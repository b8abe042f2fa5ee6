import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const repository = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const candidate = process.env.PUSHFORWARD_SHARED ?? resolve(repository, "../shared");

/**
 * The folder of models, images, conformance cases and reference values that tests read; `undefined` where there is none.
 * It is looked for beside the repository, or at `PUSHFORWARD_SHARED`.
 */
export const sharedDir: string | undefined = existsSync(candidate) ? candidate : undefined;

/** What a skipped test says of its reason. */
export const withoutShared = "no ../shared folder (set PUSHFORWARD_SHARED)";

/** A path in the shared folder; call it only where `sharedDir` is known. */
export function sharedPath(...parts: readonly string[]): string {
  if (sharedDir === undefined) throw new Error(withoutShared);
  return join(sharedDir, ...parts);
}
