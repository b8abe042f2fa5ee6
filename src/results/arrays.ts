import * as zarr from "zarrita";
import { stridesOf } from "../base/index.ts";
import type { ArrayPlan } from "./layout.ts";
import type { Key, Store } from "./store.ts";

type Numeric = zarr.NumberDataType;

function arrayOf<D extends zarr.DataType>(store: Store, { path, metadata }: ArrayPlan<D>): zarr.Array<D, Store> {
  return new zarr.Array(store, path, metadata);
}

/** The key of the chunk at these leading coordinates; the other axes are whole in it. */
export function chunkKey(plan: ArrayPlan<zarr.DataType>, ...leading: readonly number[]): Key {
  return `${plan.path}/c/${coordinates(plan, leading).join("/")}`;
}

function coordinates({ metadata }: ArrayPlan<zarr.DataType>, leading: readonly number[]): number[] {
  return metadata.shape.map((_, axis) => leading[axis] ?? 0);
}

/** The entries of a chunk, the fill value where it is not stored. */
export async function readChunk<D extends zarr.DataType>(
  store: Store,
  plan: ArrayPlan<D>,
  ...leading: readonly number[]
): Promise<zarr.TypedArray<D>> {
  return (await arrayOf(store, plan).getChunk(coordinates(plan, leading))).data;
}

/** The entries of a whole array. */
export async function readAll<D extends zarr.DataType>(store: Store, plan: ArrayPlan<D>): Promise<zarr.TypedArray<D>> {
  return (await zarr.get(arrayOf(store, plan))).data;
}

/** Stores a chunk of numbers; as many as it has entries. */
export async function writeChunk<D extends Numeric>(
  store: Store,
  plan: ArrayPlan<D>,
  data: zarr.TypedArray<D>,
  ...leading: readonly number[]
): Promise<void> {
  const shape = plan.metadata.chunk_grid.configuration.chunk_shape;
  await zarr.set(arrayOf(store, plan), selection(plan, leading), { data, shape, stride: stridesOf(shape) });
}

/** Stores a chunk of one entry, or fills a chunk with it. */
export async function fillChunk<D extends Numeric | "bool">(
  store: Store,
  plan: ArrayPlan<D>,
  value: zarr.Scalar<D>,
  ...leading: readonly number[]
): Promise<void> {
  await zarr.set(arrayOf(store, plan), selection(plan, leading), value);
}

function selection(plan: ArrayPlan<zarr.DataType>, leading: readonly number[]): (zarr.Slice | null)[] {
  const chunk = plan.metadata.chunk_grid.configuration.chunk_shape;
  return chunk.map((extent, axis) => {
    const at = leading[axis];
    return at === undefined ? null : zarr.slice(at * extent, (at + 1) * extent);
  });
}

/**
 * Stores a chunk of texts, which zarrita reads but does not write: their count, then each one's length in bytes and its
 * UTF-8, all counts 32 bits little-endian.
 *
 * @see the `vlen-utf8` codec of the Zarr extensions
 */
export async function writeTexts(
  store: Store,
  plan: ArrayPlan<"string">,
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
  await store.set(chunkKey(plan, ...leading), bytes);
}
