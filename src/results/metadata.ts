import type { DataType } from "zarrita";
import { PushforwardError } from "../base/index.ts";
import type { ArrayLayout, Layout } from "./layout.ts";
import { fromAttributes, toAttributes } from "./manifest.ts";
import type { Key, Store } from "./store.ts";
import type { RunManifest } from "./types.ts";

/**
 * The metadata files of all arrays and groups. That of the root is last, because it makes the store a run. Groups also contain the
 * metadata of everything below them ("consolidated"), so that one read opens a group.
 */
export function metadataFiles(manifest: RunManifest, layout: Layout): [Key, Uint8Array][] {
  const { vectors, ...arrays } = layout;
  const rootArrays: ArrayLayout<DataType>[] = Object.values(arrays);
  const children = new Map<Key, object>(rootArrays.map(({ path, metadata }) => [path, metadata]));
  const inTaps = new Map<Key, object>();
  for (const [tap, layouts] of vectors.entries()) {
    if (layouts === undefined) continue;
    const { path, input, k, u, v } = layouts;
    const inner = new Map<Key, object>([input, k, u, v].map((array) => [array.path, array.metadata]));
    inTaps.set(path, group({ tap: manifest.taps[tap]!.name, coordinates: "k" }, path, inner));
    for (const [key, metadata] of inner) inTaps.set(key, metadata);
  }
  if (inTaps.size > 0) children.set("/taps", group({}, "/taps", inTaps));
  for (const [key, metadata] of inTaps) children.set(key, metadata);
  return filesOf({ ...toAttributes(manifest), coordinates: "m n label predicted failed" }, children);
}

/** The metadata files of a root group with these attributes and of all below it. That of the root is last. */
export function filesOf(attributes: object, children: ReadonlyMap<Key, object>): [Key, Uint8Array][] {
  const root: [Key, Uint8Array] = ["/zarr.json", encodeJson(group(attributes, "/", children))];
  return [...[...children].map(([path, node]): [Key, Uint8Array] => [`${path}/zarr.json`, encodeJson(node)]), root];
}

/**
 * The metadata of a group, with the metadata of everything below it by path. Groups in this list have no list of their own, as in files
 * written by Zarr's own library.
 */
export function group(attributes: object, path: Key, children: ReadonlyMap<Key, object>): object {
  const below = path === "/" ? 1 : path.length + 1;
  const listed = [...children].map(([key, node]) => [
    key.slice(below),
    "consolidated_metadata" in node ? { ...node, consolidated_metadata: consolidated({}) } : node,
  ]);
  const metadata = Object.fromEntries(listed) as object;
  return { zarr_format: 3, node_type: "group", attributes, consolidated_metadata: consolidated(metadata) };
}

const consolidated = (metadata: object) => ({ kind: "inline", must_understand: false, metadata });

/** Writes the files that are missing or different, in order. */
export async function writeFiles(store: Store, files: readonly (readonly [Key, Uint8Array])[]): Promise<void> {
  for (const [key, bytes] of files) {
    const there = await store.get(key);
    const isSame = there?.length === bytes.length && there.every((byte, i) => byte === bytes[i]);
    if (!isSame) await store.set(key, bytes);
  }
}

function encodeJson(value: object): Uint8Array {
  const text = JSON.stringify(value, (_, inner: unknown) => (Number.isNaN(inner) ? "NaN" : inner), 2);
  return new TextEncoder().encode(text);
}

/** The parts of the metadata of a root group that are used. */
interface Root {
  readonly attributes?: Readonly<Record<string, unknown>>;
  readonly consolidated_metadata?: {
    readonly metadata?: {
      readonly input?: { readonly chunk_grid?: { readonly configuration?: { readonly chunk_shape?: number[] } } };
    };
  };
}

/** The metadata of a root group; empty if it cannot be read. */
export function rootOf(bytes: Uint8Array): Root {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as Root;
  } catch {
    return {};
  }
}

/**
 * The manifest of a search, a study or a training, as it was stored.
 *
 * @param versions the format versions that this version of Pushforward reads
 * @param from what wrote such folders, for the error: "`pushforward search` wrote"
 * @throws PushforwardError `file-unreadable` if there is nothing; `store-mismatch` if it is something else, or of another version
 */
export async function storedManifest(
  store: Store,
  kind: "search" | "study" | "training",
  versions: readonly number[],
  from: string,
): Promise<Record<string, unknown>> {
  const root = await store.get("/zarr.json");
  if (root === undefined) {
    throw new PushforwardError("file-unreadable", {
      what: `There is no ${kind} here.`,
      where: { file: store.location },
      fix: `Give the folder that ${from}.`,
    });
  }
  const manifest = fromAttributes(rootOf(root).attributes ?? {});
  if (manifest.format !== `pushforward-${kind}` || !versions.some((version) => version === manifest.formatVersion)) {
    throw new PushforwardError("store-mismatch", {
      what: `This Zarr store is not a ${kind} that this version of Pushforward reads.`,
      where: { file: store.location },
      fix: "Choose another folder.",
    });
  }
  return manifest;
}

/**
 * Checks that a folder without a store holds nothing but what a killed writer of one began.
 *
 * @throws PushforwardError `store-mismatch` naming a file of something else
 */
export async function requireOnly(
  store: Store,
  files: readonly (readonly [Key, Uint8Array])[],
  kind: "run" | "search" | "training",
): Promise<void> {
  const ours = new Set(files.map(([key]) => key.split("/")[1]));
  for await (const key of store.list("/")) {
    if (ours.has(key.split("/")[1])) continue;
    throw new PushforwardError("store-mismatch", {
      what: `This folder is not empty, but it does not contain a ${kind}. It contains ${key.slice(1)}.`,
      where: { file: store.location },
      fix: "Choose a new or an empty folder with --out.",
    });
  }
}
