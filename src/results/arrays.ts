import * as zarr from "zarrita";
import { messageOf, PushforwardError, sizeOf, stridesOf } from "../base/index.ts";
import type { ArrayLayout } from "./layout.ts";
import type { Key, Store } from "./store.ts";

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

function damaged(store: Store, key: Key, what: string, cause?: unknown): PushforwardError {
  return new PushforwardError("store-mismatch", {
    what: `A part of the store is damaged: ${what}.`,
    where: { file: `${store.location}${key}` },
    fix: "Restore the folder from a copy, or compute the results again in a new folder.",
    cause,
  });
}

/** The array for reading, with an error for a chunk that has not the size that it must have. */
function readable<D extends zarr.DataType>(
  store: Store,
  { path, metadata }: ArrayLayout<D>,
): zarr.Array<D, { get(key: Key): Promise<Uint8Array | undefined> }> {
  const size = entryBytes[metadata.data_type];
  const expected = size === undefined ? undefined : size * sizeOf(metadata.chunk_grid.configuration.chunk_shape);
  const get = async (key: Key) => {
    const bytes = await store.get(key);
    if (bytes === undefined || expected === undefined || bytes.length === expected) return bytes;
    throw damaged(store, key, `the chunk has ${bytes.length} bytes instead of ${expected}`);
  };
  return new zarr.Array({ get }, path, metadata);
}

/** @throws PushforwardError `store-mismatch` if a chunk cannot be decoded */
async function decoded<T>(store: Store, key: Key, read: Promise<T>): Promise<T> {
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
  store: Store,
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

/**
 * Stores a chunk of texts, which zarrita can read but not write: their number, then for each text its length in bytes and its UTF-8.
 * The numbers have 32 bits, little-endian.
 *
 * @see the `vlen-utf8` codec of the Zarr extensions
 */
export async function writeTexts(
  store: Store,
  array: ArrayLayout<"string">,
  texts: readonly string[],
  ...leading: readonly number[]
): Promise<void> {
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
  await store.set(chunkKey(array, ...leading), bytes);
}
