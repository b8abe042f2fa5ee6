import * as zarr from "zarrita";
import { messageOf, PushforwardError, sizeOf, stridesOf } from "../base/index.ts";
import type { ArrayLayout } from "./layout.ts";
import { type ByteRange, type Key, readRange, type Store } from "./store.ts";

type Numeric = zarr.NumberDataType;

function arrayOf<D extends zarr.DataType>(store: Store, { path, metadata }: ArrayLayout<D>): zarr.Array<D, Store> {
  return new zarr.Array(store, path, metadata);
}

/** The key of the chunk at these leading coordinates. Along the other axes, the chunk is the whole array. */
export function chunkKey(array: ArrayLayout<zarr.DataType>, ...leading: readonly number[]): Key {
  return `${array.path}/c/${coordinates(array, leading).join("/")}`;
}

function coordinates({ metadata }: ArrayLayout<zarr.DataType>, leading: readonly number[]): number[] {
  return metadata.shape.map((_, axis) => leading[axis] ?? 0);
}

/** Bytes of one entry as it is stored; texts have no fixed size. */
const entryBytes: Readonly<Partial<Record<zarr.DataType, number>>> = {
  bool: 1,
  int8: 1,
  int32: 4,
  float32: 4,
  float64: 8,
};

/** The error for a chunk that is not what was stored. */
export function damaged(store: Pick<Store, "location">, key: Key, what: string, cause?: unknown): PushforwardError {
  return new PushforwardError("store-mismatch", {
    what: `A part of the store is damaged: ${what}.`,
    where: { file: `${store.location}${key}` },
    fix: "Restore the folder from a copy, or compute the results again in a new folder.",
    cause,
  });
}

/** The array for reading, with an error for a chunk that has not the size that it must have. */
function readable<D extends zarr.DataType>(store: Readable, { path, metadata }: ArrayLayout<D>) {
  const size = entryBytes[metadata.data_type];
  const isSharded = metadata.codecs[0]?.name === "sharding_indexed";
  const expected = size && !isSharded ? size * sizeOf(metadata.chunk_grid.configuration.chunk_shape) : undefined;
  const get = async (key: Key) => {
    const bytes = await store.get(key);
    if (bytes === undefined || expected === undefined || bytes.length === expected) return bytes;
    throw damaged(store, key, `the chunk has ${bytes.length} bytes instead of ${expected}`);
  };
  const getRange = async (key: Key, range: ByteRange) => {
    const bytes = await readRange(store, key, range);
    const asked = "offset" in range ? range.length : range.suffixLength;
    if (bytes === undefined || bytes.length === asked) return bytes;
    throw damaged(store, key, `the shard is shorter than its ${"offset" in range ? "index says" : "index"}`);
  };
  return new zarr.Array({ get, getRange }, path, metadata);
}

/** What chunks are read from. */
type Readable = Pick<Store, "location" | "get" | "getRange">;

/** @throws PushforwardError `store-mismatch` if a chunk cannot be decoded */
async function decoded<T>(store: Readable, key: Key, read: Promise<T>): Promise<T> {
  return read.catch((cause: unknown) => {
    throw cause instanceof PushforwardError
      ? cause
      : damaged(store, key, `it cannot be decoded (${messageOf(cause)})`, cause);
  });
}

/**
 * The entries of a chunk, or the fill value if it is not stored.
 *
 * @throws PushforwardError `store-mismatch` if the chunk is damaged
 */
export async function readChunk<D extends zarr.DataType>(
  store: Readable,
  array: ArrayLayout<D>,
  ...leading: readonly number[]
): Promise<zarr.TypedArray<D>> {
  const chunk = readable(store, array).getChunk(coordinates(array, leading));
  return (await decoded(store, chunkKey(array, ...leading), chunk)).data;
}

/**
 * The entries of a whole array.
 *
 * @throws PushforwardError `store-mismatch` if a chunk is damaged
 */
export async function readAll<D extends zarr.DataType>(
  store: Store,
  array: ArrayLayout<D>,
): Promise<zarr.TypedArray<D>> {
  return (await decoded(store, array.path, zarr.get(readable(store, array)))).data;
}

/** The leading coordinates of the chunks that are stored, in their order. A store that cannot list its keys is asked for each. */
async function storedChunks(store: Store, array: ArrayLayout<zarr.DataType>): Promise<number[][]> {
  const { shape, chunk_grid: grid } = array.metadata;
  const extents = shape.map((extent, axis) => Math.ceil(extent / grid.configuration.chunk_shape[axis]!));
  const stored = new Set<number>();
  const prefix: Key = `${array.path}/c/`;
  try {
    for await (const key of store.list(prefix)) {
      const place = key.slice(prefix.length).split("/").map(Number);
      if (place.every((at, axis) => at < extents[axis]!)) stored.add(offsetOf(place, extents));
    }
  } catch (cause) {
    if (!(cause instanceof PushforwardError && cause.code === "file-unreadable")) throw cause;
    const all = Array.from({ length: sizeOf(extents) }, (_, at) => at);
    const there = await Promise.all(all.map((at) => store.has(chunkKey(array, ...placeOf(at, extents)))));
    for (const at of all) if (there[at]) stored.add(at);
  }
  return [...stored].sort((a, b) => a - b).map((at) => placeOf(at, extents));
}

const offsetOf = (place: readonly number[], extents: readonly number[]) =>
  place.reduce((offset, at, axis) => offset * extents[axis]! + at, 0);

const placeOf = (offset: number, extents: readonly number[]) =>
  extents.map((extent, axis) => Math.floor(offset / sizeOf(extents.slice(axis + 1))) % extent);

/** The texts of an array of one text a chunk, row-major; an empty one where none is stored. */
export async function readStoredTexts(store: Store, array: ArrayLayout<"string">): Promise<string[]> {
  const { shape } = array.metadata;
  const texts = new Array<string>(sizeOf(shape)).fill("");
  for (const place of await storedChunks(store, array)) {
    texts[offsetOf(place, shape)] = (await readChunk(store, array, ...place))[0]!;
  }
  return texts;
}

/** Whether each chunk of an array of one entry a chunk is stored, row-major. */
export async function areStored(store: Store, array: ArrayLayout<zarr.DataType>): Promise<boolean[]> {
  const { shape } = array.metadata;
  const stored = new Array<boolean>(sizeOf(shape)).fill(false);
  for (const place of await storedChunks(store, array)) stored[offsetOf(place, shape)] = true;
  return stored;
}

/** Stores a chunk of one entry `true`, if it is not stored yet; returns whether it did. */
export const createFlag = (store: Store, array: ArrayLayout<"bool">, ...leading: readonly number[]): Promise<boolean> =>
  store.create(chunkKey(array, ...leading), Uint8Array.of(1));

/** Stores a chunk of numbers, one for each of its entries. */
export async function writeChunk<D extends Numeric>(
  store: Store,
  array: ArrayLayout<D>,
  data: zarr.TypedArray<D>,
  ...leading: readonly number[]
): Promise<void> {
  const shape = array.metadata.chunk_grid.configuration.chunk_shape;
  await zarr.set(arrayOf(store, array), selection(array, leading), { data, shape, stride: stridesOf(shape) });
}

/** Fills a chunk with one value. */
export async function fillChunk<D extends Numeric | "bool">(
  store: Store,
  array: ArrayLayout<D>,
  value: zarr.Scalar<D>,
  ...leading: readonly number[]
): Promise<void> {
  await zarr.set(arrayOf(store, array), selection(array, leading), value);
}

function selection(array: ArrayLayout<zarr.DataType>, leading: readonly number[]): (zarr.Slice | null)[] {
  const chunk = array.metadata.chunk_grid.configuration.chunk_shape;
  return chunk.map((extent, axis) => {
    const at = leading[axis];
    return at === undefined ? null : zarr.slice(at * extent, (at + 1) * extent);
  });
}

/** The bytes of a chunk of numbers: little-endian, which is the order of every host that runs this. */
export const numbersChunk = ({
  buffer,
  byteOffset,
  byteLength,
}: Float64Array | Float32Array | Int8Array | Int32Array) => new Uint8Array(buffer, byteOffset, byteLength);

/** Stores a chunk of texts. */
export const writeTexts = (
  store: Store,
  array: ArrayLayout<"string">,
  texts: readonly string[],
  ...leading: readonly number[]
): Promise<void> => store.set(chunkKey(array, ...leading), textsChunk(texts));

/**
 * The bytes of a chunk of texts, which zarrita can read but not write: their number, then for each text its length in bytes and its UTF-8.
 * The numbers have 32 bits, little-endian.
 *
 * @see the `vlen-utf8` codec of the Zarr extensions
 */
export function textsChunk(texts: readonly string[]): Uint8Array {
  const encoded = texts.map((text) => new TextEncoder().encode(text));
  const bytes = new Uint8Array(4 + encoded.reduce((sum, { length }) => sum + 4 + length, 0));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, texts.length, true);
  let at = 4;
  for (const text of encoded) {
    view.setUint32(at, text.length, true);
    bytes.set(text, at + 4);
    at += 4 + text.length;
  }
  return bytes;
}
