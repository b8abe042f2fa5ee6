import { int, intTensor, zeros } from "../build.ts";
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

interface SampleCache {
  readonly before: string;
  /** Of the cache. */
  readonly shape: readonly [batch: number, groups: number, buffer: number, size: number];
  /** How many entries of it count, in each sample. */
  readonly pasts: readonly number[];
  readonly rows: number;
}

/**
 * For each sample the entries of its cache that count, and x after them: batch × groups × the longest of these × size, where zeros fill the
 * shorter ones. If there is a name, it is given to the same with zeros up to `length` entries.
 */
export function appendedInSamples(
  to: Rewrite,
  x: string,
  { before, shape, pasts, rows }: SampleCache,
  length: number,
  present: string,
): string {
  const [batch, groups, buffer, size] = shape;
  const longest = Math.max(...pasts);
  const gap = (entries: number) => to.constant("gap", zeros("float32", [batch, groups, entries, size]));
  const joined = (parts: readonly string[]) => to.add("Concat", parts, { axis: int(2) });
  const all = pasts.every((past) => past === longest)
    ? appended(to, x, { before, buffer, past: longest, rows }, "")
    : to.add(
        "GatherND",
        [joined([before, x, gap(1)]), to.constant("places", placesIn({ shape, pasts, rows }, longest + rows))],
        { batch_dims: int(2) },
      );
  if (present !== "") {
    const missing = length - longest - rows;
    if (missing > 0) to.add("Concat", [all, gap(missing)], { axis: int(2) }, present);
    else to.add("Identity", [all], {}, present);
  }
  return all;
}

/** Where each entry stands in the cache, followed by the new entries and one of zeros: batch × groups × columns × 1. */
function placesIn({ shape, pasts, rows }: Omit<SampleCache, "before">, columns: number) {
  const [batch, groups, buffer] = shape;
  const placeOf = (past: number, column: number): number => {
    if (column < past) return column;
    return buffer + Math.min(column - past, rows);
  };
  const own = pasts.map((past) => Array.from({ length: columns }, (_, column) => placeOf(past, column)));
  return intTensor(
    own.flatMap((places) => Array.from({ length: groups }, () => places).flat()),
    [batch, groups, columns, 1],
  );
}
