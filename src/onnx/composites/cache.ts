import { int } from "../build.ts";
import type { Rewrite } from "../rewrite.ts";
import { slice } from "./parts.ts";

interface Cache {
  /** batch × groups × buffer × size */
  readonly before: string;
  readonly buffer: number;
  /** How many entries of it count. */
  readonly past: number;
  /** How many follow. */
  readonly rows: number;
}

/** The entries of a cache that count, and x after them. If there is a name, it is given to the cache with x in it. */
export function appended(to: Rewrite, x: string, { before, buffer, past, rows }: Cache, present: string): string {
  const kept = past === 0 ? [] : [past === buffer ? before : slice(to, before, 0, past, 2)];
  const all = kept.length === 0 ? x : to.add("Concat", [...kept, x], { axis: int(2) });
  // What a longer cache holds after the new entries stays.
  const rest = buffer > past + rows ? [slice(to, before, past + rows, buffer, 2)] : [];
  if (present !== "") {
    if (rest.length === 0) to.add("Identity", [all], {}, present);
    else to.add("Concat", [all, ...rest], { axis: int(2) }, present);
  }
  return all;
}
