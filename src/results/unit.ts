import { PushforwardError, sha256Of, sizeOf } from "../base/index.ts";
import { chunkKey, damaged, fillChunk, numbersChunk, readChunk, textsChunk } from "./arrays.ts";
import {
  type ColumnName,
  columnNames,
  columns,
  missedWords,
  quantities,
  statusWords,
  stoppedWords,
} from "./columns.ts";
import type { EarlierArrays } from "./earlier-layout.ts";
import type { ArrayLayout, Layout, VectorLayouts } from "./layout.ts";
import { encodeShard } from "./shards.ts";
import { statusOf } from "./status.ts";
import { type ByteRange, type Key, readRange, type Store } from "./store.ts";
import type { KinkCount, Missed, RunManifest, UnitResult } from "./types.ts";

/** A layout of this or of an earlier format. */
export type AnyLayout = Layout & { readonly earlier?: EarlierArrays };

/** What `done` says of a unit: the machine that computed it, and the digest of each of its chunks but the seconds; of a shard, those of its inner chunks. */
export interface UnitRecord {
  readonly machine: string;
  readonly sha256: Readonly<Record<string, string | readonly string[]>>;
}

/** Notes on a unit, as JSON. */
type Notes = Pick<UnitResult, "kinks" | "onCpu">;

/** One chunk of a unit, or a shard with its inner chunks. */
interface UnitChunk {
  readonly name: string;
  readonly key: Key;
  readonly bytes: Uint8Array;
  readonly inner?: readonly Uint8Array[];
}

/** Stores the chunks of a unit in all arrays except `done`, in no particular order. Returns their digests. */
export async function writeUnitChunks(
  store: Store,
  layout: Layout,
  input: number,
  tap: number,
  unit: UnitResult,
): Promise<UnitRecord["sha256"]> {
  const write = async ({ name, key, bytes, inner }: UnitChunk) => {
    const digest = inner === undefined ? await digestOf(bytes) : await Promise.all(inner.map(digestOf));
    await store.set(key, bytes);
    return [name, digest] as const;
  };
  const [written] = await Promise.all([
    Promise.all(unitChunks(layout, input, tap, unit).map(write)),
    fillChunk(store, layout.seconds, unit.seconds, input, tap), // in which two attempts at the same numbers differ: no digest
  ]);
  return Object.fromEntries(written);
}

/** The first 128 bits of SHA-256. */
const digestOf = async (bytes: Uint8Array): Promise<string> => (await sha256Of(bytes)).slice(0, 32);

function unitChunks(layout: Layout, input: number, tap: number, unit: UnitResult): UnitChunk[] {
  const { sigma, residual, floors, status, numbers, notes } = layout;
  const most = sigma.metadata.shape[2]!;
  const values = (of: ArrayLike<number>) => numbersChunk(padded(new Float64Array(most).fill(Number.NaN), of));
  const codes = unit.status.map((word) => statusWords.indexOf(word));
  const { kinks, onCpu }: Notes = unit;
  const at = (name: string, array: ArrayLayout<"float64" | "int8" | "string">, bytes: Uint8Array): UnitChunk => ({
    ...{ name, bytes },
    key: chunkKey(array, input, tap),
  });
  const layouts = layout.vectors[tap];
  return [
    at("sigma", sigma, values(unit.sigma)),
    at("residual", residual, values(unit.residual)),
    at("floors", floors, values(unit.floors ?? [])),
    at("status", status, numbersChunk(padded(new Int8Array(most).fill(-1), codes))),
    at("numbers", numbers, numbersChunk(Float64Array.from(quantities, (name) => columns[name].of(unit)))),
    at("notes", notes, textsChunk([JSON.stringify({ kinks, onCpu })])),
    ...(layouts === undefined ? [] : vectorChunks(layouts, input, unit)),
  ];
}

function vectorChunks({ k, u, v }: VectorLayouts, input: number, { m, n, vectors }: UnitResult): UnitChunk[] {
  const slots = k.metadata.shape[1]!;
  const numbers = vectors.index.map((index) => index + 1);
  const shard = (name: "u" | "v", array: ArrayLayout<"float32">, extent: number): UnitChunk => {
    const inner = numbers.map((_, slot) => numbersChunk(vectors[name].subarray(slot * extent, (slot + 1) * extent)));
    return { name, key: chunkKey(array, input), bytes: encodeShard(inner, slots), inner };
  };
  return [
    { name: "k", key: chunkKey(k, input), bytes: numbersChunk(padded(new Int32Array(slots), numbers)) },
    shard("u", u, m),
    shard("v", v, n),
  ];
}

function padded<A extends Float64Array | Int8Array | Int32Array>(array: A, values: ArrayLike<number>): A {
  array.set(values);
  return array;
}

/** A store that gives the chunks of one unit only as they were stored: one of another attempt, or one that changed since, is an error. */
function checkedStore(store: Store, layout: Layout, input: number, tap: number, { sha256 }: UnitRecord) {
  const arrays = { ...layout, ...layout.vectors[tap] };
  const digests = new Map(
    Object.entries(sha256).map(([name, digest]) => {
      const array = arrays[name as "sigma"];
      const isOfTap = array.metadata.dimension_names?.[1] === "vector";
      return [isOfTap ? chunkKey(array, input) : chunkKey(array, input, tap), digest] as const;
    }),
  );
  const check = async (key: Key, bytes: Uint8Array, expected: string | undefined) => {
    if (expected === undefined || (await digestOf(bytes)) === expected) return bytes;
    throw damaged(store, key, "its bytes are not those that were stored with the unit");
  };
  const missing = (key: Key) => damaged(store, key, "a chunk of a finished unit is not there");
  return {
    location: store.location,
    async get(key: Key) {
      const expected = digests.get(key);
      const bytes = await store.get(key);
      if (bytes === undefined && expected !== undefined) throw missing(key);
      return bytes && check(key, bytes, typeof expected === "string" ? expected : undefined);
    },
    async getRange(key: Key, range: ByteRange) {
      const expected = digests.get(key);
      const bytes = await readRange(store, key, range);
      if (bytes === undefined && expected !== undefined) throw missing(key);
      const slot = "offset" in range && range.length > 0 ? range.offset / range.length : 0; // inner chunks have one size
      return bytes && check(key, bytes, "offset" in range ? expected?.[slot] : undefined);
    },
  };
}

/**
 * Reads a unit from its arrays, all of them at once, if it is done; `wanted` as in `Run.readUnit`.
 *
 * @throws PushforwardError `store-mismatch` for a chunk that is missing, or is not the one that was stored with the unit
 */
export async function readUnitChunks(
  whole: Store,
  { taps, from }: RunManifest,
  layout: AnyLayout,
  input: number,
  tap: number,
  wanted: boolean | readonly number[],
): Promise<UnitResult | undefined> {
  const done = await whole.get(chunkKey(layout.done, input, tap));
  if (done === undefined) return undefined;
  const record = layout.earlier === undefined ? await readRecord(whole, layout, input, tap, done) : undefined;
  const store = record === undefined ? whole : checkedStore(whole, layout, input, tap, record);
  const [m, n] = [sizeOf(taps[tap]!.shape), sizeOf(from.shape)];
  const [number, codes, { kinks, onCpu }, allSigma, allFloors, residual, vectors] = await Promise.all([
    readNumbers(store, layout, input, tap),
    readChunk(store, layout.status, input, tap),
    readNotes(store, layout, input, tap),
    readChunk(store, layout.sigma, input, tap),
    readChunk(store, layout.floors, input, tap),
    readChunk(store, layout.residual, input, tap),
    readVectors(store, wanted === false ? undefined : layout.vectors[tap], input, [m, n], wanted),
  ]);
  const k = number.triplets;
  const [sigma, floors] = [allSigma.slice(0, k), allFloors.slice(0, k)];
  return {
    m,
    n,
    k,
    sigma,
    residual: residual.slice(0, k),
    status: Array.from(codes.subarray(0, k), (code, i) => statusOf(statusWords[code]!, sigma[i]!, number.floor)),
    norm: number.norm,
    floor: number.floor,
    ...(floors.some(Number.isNaN) ? {} : { floors }),
    ...(number.residual_failure_probability > 0
      ? { residualFailureProbability: number.residual_failure_probability }
      : {}),
    orthogonality: { u: number.orthogonality_u, v: number.orthogonality_v },
    missed: missedOf(number),
    jvp: number.jvp,
    vjp: number.vjp,
    seconds: number.seconds,
    stopped: stoppedWords[number.stopped]!,
    activeRows: number.active_units,
    ...(kinks && { kinks }),
    ...(onCpu && { onCpu }),
    ...(record?.machine ? { machine: record.machine } : {}),
    vectors,
  };
}

/** Where chunks of a unit come from. */
type Chunks = Pick<Store, "location" | "get" | "getRange">;

/** @param bytes the chunk of `done` */
async function readRecord(
  { location }: Store,
  { done }: Layout,
  input: number,
  tap: number,
  bytes: Uint8Array,
): Promise<UnitRecord> {
  const store = { location, get: () => Promise.resolve(bytes) };
  const [text] = await readChunk(store, done, input, tap);
  try {
    return JSON.parse(text!) as UnitRecord; // written by `writeUnit`
  } catch (cause) {
    throw damaged(store, chunkKey(done, input, tap), "the record of the unit is no JSON", cause);
  }
}

async function readNumbers(store: Chunks, { numbers, seconds, earlier }: AnyLayout, input: number, tap: number) {
  const read = async (array: ArrayLayout<"int8" | "int32" | "float64">) => readChunk(store, array, input, tap);
  const entries = async () => {
    if (earlier !== undefined) {
      return Promise.all(columnNames.map(async (name) => [name, (await read(earlier.columns[name]))[0]] as const));
    }
    const values = await read(numbers);
    return [["seconds", (await read(seconds))[0]] as const, ...quantities.map((name, i) => [name, values[i]] as const)];
  };
  return Object.fromEntries(await entries()) as Record<ColumnName, number>;
}

async function readNotes(store: Chunks, { notes, earlier }: AnyLayout, input: number, tap: number): Promise<Notes> {
  if (earlier === undefined) return JSON.parse((await readChunk(store, notes, input, tap))[0] || "{}") as Notes;
  const [kinks] = await readChunk(store, earlier.kinks, input, tap);
  const [onCpu] = await readChunk(store, earlier.onCpu, input, tap);
  return {
    ...(kinks ? { kinks: JSON.parse(kinks) as readonly KinkCount[] } : {}),
    ...(onCpu ? { onCpu: JSON.parse(onCpu) as readonly string[] } : {}),
  };
}

function missedOf(number: Readonly<Record<ColumnName, number>>): Missed {
  const kind = missedWords[number.missed_kind]!;
  if (kind !== "probable") return { kind };
  return { kind, bound: number.missed_bound, failureProbability: number.missed_failure_probability };
}

async function readVectors(
  store: Chunks,
  layouts: VectorLayouts | undefined,
  input: number,
  [m, n]: readonly [number, number],
  wanted: boolean | readonly number[],
): Promise<UnitResult["vectors"]> {
  if (layouts === undefined) return { index: [], u: new Float32Array(0), v: new Float32Array(0) };
  const numbers = await readChunk(store, layouts.k, input);
  const kept = Array.from(numbers, (number, slot) => ({ slot, index: number - 1 })).filter(
    ({ index }) => index >= 0 && (typeof wanted === "boolean" || wanted.includes(index)),
  );
  const rows = async (array: ArrayLayout<"float32">, extent: number) => {
    const result = new Float32Array(kept.length * extent);
    for (const [row, { slot }] of kept.entries()) {
      result.set(await readChunk(store, array, input, slot), row * extent);
    }
    return result;
  };
  return { index: kept.map(({ index }) => index), u: await rows(layouts.u, m), v: await rows(layouts.v, n) };
}

/** Checks that the sizes of a unit fit its tap. @throws PushforwardError `shape-mismatch` naming what does not fit */
export function checkUnit({ taps, from }: RunManifest, layout: Layout, tap: number, unit: UnitResult): void {
  const { name, shape, k: most } = taps[tap]!;
  const { k, m, n, vectors } = unit;
  const kept = layout.vectors[tap]?.k.metadata.shape[1] ?? 0;
  const rows: readonly [what: string, found: number, least: number, most: number][] = [
    ["m", m, sizeOf(shape), sizeOf(shape)],
    ["n", n, sizeOf(from.shape), sizeOf(from.shape)],
    ["k", k, 0, most],
    ["The length of sigma", unit.sigma.length, k, k],
    ["The length of residual", unit.residual.length, k, k],
    ["The length of floors", unit.floors?.length ?? k, k, k],
    ["The length of status", unit.status.length, k, k],
    ["The number of vectors", vectors.index.length, 0, kept],
    ["The length of vectors.u", vectors.u.length, vectors.index.length * m, vectors.index.length * m],
    ["The length of vectors.v", vectors.v.length, vectors.index.length * n, vectors.index.length * n],
  ];
  const bad = rows.find(([, found, low, high]) => !(low <= found && found <= high));
  if (bad === undefined) return;
  const [what, found, low, high] = bad;
  throw new PushforwardError("shape-mismatch", {
    what: `${what} of a result is ${found}; the run has room for ${low === high ? low : `${low} to ${high}`}.`,
    where: { tap: name },
  });
}
