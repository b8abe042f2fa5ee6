import type { DataType } from "zarrita";
import type { ArrayPlan, Layout } from "./layout.ts";
import type { Key } from "./store.ts";
import type { RunManifest } from "./types.ts";

/**
 * The metadata files: of each array and group, the root's last, since it makes the store a run. The groups carry that of
 * what is in them ("consolidated"), so that opening a run takes one read.
 */
export function metadataFiles(manifest: RunManifest, layout: Layout): [Key, Uint8Array][] {
  const { columns: unitArrays, vectors, ...arrays } = layout;
  const rootArrays: ArrayPlan<DataType>[] = [...Object.values(arrays), ...Object.values(unitArrays)];
  const children = new Map<Key, object>(rootArrays.map(({ path, metadata }) => [path, metadata]));
  const kept = vectors.flatMap((plans, tap) =>
    plans === undefined ? [] : [{ ...plans, name: manifest.taps[tap]!.name }],
  );
  if (kept.length > 0) children.set("/taps", group({}, "/taps", new Map()));
  for (const { path, name, input, k, u, v } of kept) {
    const inner = new Map<Key, object>([input, k, u, v].map((array) => [array.path, array.metadata]));
    for (const [key, metadata] of inner) children.set(key, metadata);
    children.set(path, group({ tap: name, coordinates: "k" }, path, inner));
  }
  const attributes = { ...manifest, coordinates: "m n label predicted failed" };
  const root: [Key, Uint8Array] = ["/zarr.json", encodeJson(group(attributes, "/", children))];
  return [...[...children].map(([path, node]): [Key, Uint8Array] => [`${path}/zarr.json`, encodeJson(node)]), root];
}

/** A group with the metadata of what is in it, by their paths. */
export function group(attributes: object, path: Key, children: ReadonlyMap<Key, object>): object {
  const below = path === "/" ? 1 : path.length + 1;
  const metadata = Object.fromEntries([...children].map(([key, node]) => [key.slice(below), node]));
  const consolidated = { kind: "inline", must_understand: false, metadata };
  return { zarr_format: 3, node_type: "group", attributes, consolidated_metadata: consolidated };
}

export function encodeJson(value: object): Uint8Array {
  const text = JSON.stringify(value, (_, inner: unknown) => (Number.isNaN(inner) ? "NaN" : inner), 2);
  return new TextEncoder().encode(text);
}
