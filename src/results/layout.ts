import type { ArrayMetadata, DataType, Scalar } from "zarrita";
import { type Column, columns, quantities, statusWords } from "./columns.ts";
import { storedVectors } from "./manifest.ts";
import { shardingCodecs } from "./shards.ts";
import type { Key } from "./store.ts";
import type { RunManifest, TapRecord } from "./types.ts";

/** One array of a store: its path and its Zarr metadata. */
export interface ArrayLayout<D extends DataType> {
  readonly path: Key;
  readonly metadata: ArrayMetadata<D>;
}

/** A dimension: its name, its extent, and its extent within a chunk. */
export type Dimension = readonly [name: string, extent: number, chunk: number];

/** The layout of an array at a path. Values that are not stored are read as `fill`. */
export function arrayLayout<D extends DataType>(
  path: Key,
  type: D,
  dimensions: readonly Dimension[],
  fill: Scalar<D>,
  attributes: Readonly<Record<string, unknown>>,
): ArrayLayout<D> {
  const codec = type === "string" ? "vlen-utf8" : "bytes";
  return {
    path,
    metadata: {
      zarr_format: 3,
      node_type: "array",
      shape: dimensions.map(([, extent]) => extent),
      data_type: type,
      chunk_grid: { name: "regular", configuration: { chunk_shape: dimensions.map(([, , chunk]) => chunk) } },
      chunk_key_encoding: { name: "default", configuration: { separator: "/" } },
      fill_value: fill,
      codecs: [{ name: codec, configuration: codec === "bytes" ? { endian: "little" } : {} }],
      dimension_names: dimensions.map(([name]) => name),
      attributes,
    },
  };
}

/** Whether the labels of a dimension are numbers. */
export const isNumeric = (array: ArrayLayout<"float64"> | ArrayLayout<"string">): array is ArrayLayout<"float64"> =>
  array.metadata.data_type === "float64";

/** An array whose chunks are shards: each holds inner chunks of this shape, which are read one by one. */
function sharded<D extends DataType>({ path, metadata }: ArrayLayout<D>, inner: readonly number[]): ArrayLayout<D> {
  return { path, metadata: { ...metadata, codecs: shardingCodecs(inner) } };
}

export function wordAttributes(words: readonly string[]) {
  return { flag_values: words.map((_, i) => i), flag_meanings: words.join(" ") };
}

/** The arrays of the group of one tap: the singular vectors that its units store. */
export interface VectorLayouts {
  readonly path: Key;
  readonly input: ArrayLayout<"string">;
  /** [input, vector]: the triplet that a vector belongs to, from 1 like the coordinate `k`; 0 where no vector is stored. */
  readonly k: ArrayLayout<"int32">;
  /** [input, vector, ...tap], the vectors of a unit in one shard */
  readonly u: ArrayLayout<"float32">;
  /** [input, vector, ...source] */
  readonly v: ArrayLayout<"float32">;
}

/**
 * The layout of every array in the store of a run. A chunk never contains two units, so programs that write different units do not
 * disturb each other. Values that are not stored yet are read as NaN, −1, 0 or "". Texts of inputs are in chunks of
 * `together` inputs, the number that the run started with, so that a run that grows adds chunks and never changes one.
 */
export function layoutOf(manifest: RunManifest, together = manifest.inputs.length) {
  const { inputs, taps, from } = manifest;
  const most = Math.max(...taps.map(({ k }) => k));
  const input: Dimension = ["input", inputs.length, 1];
  const unit: readonly Dimension[] = [input, ["tap", taps.length, 1]];
  const triplet: readonly Dimension[] = [...unit, ["k", most, most]];
  const allInputs: Dimension = ["input", inputs.length, together];
  const allTaps: Dimension = ["tap", taps.length, taps.length];
  const sigmaUnit = { units: `tap units per source unit (${manifest.preprocess.unit})` };

  const quantity: Dimension = ["quantity", quantities.length, quantities.length];
  return {
    input: arrayLayout("/input", "string", [allInputs], "", { long_name: "name of the input" }),
    tap: arrayLayout("/tap", "string", [allTaps], "", { long_name: "name of the tap" }),
    k: arrayLayout("/k", "int32", [["k", most, most]], 0, {
      long_name: "number of the singular value; 1 is the largest",
    }),
    m: arrayLayout("/m", "int32", [allTaps], 0, { long_name: "entries of the tap" }),
    n: arrayLayout("/n", "int32", [allTaps], 0, { long_name: "entries of the source" }),
    label: arrayLayout("/label", "string", [allInputs], "", { long_name: "true class" }),
    predicted: arrayLayout("/predicted", "string", [input], "", { long_name: "class that the network gives" }),
    failed: arrayLayout("/failed", "string", [input], "", { long_name: "why the input could not be used" }),
    source: arrayLayout("/source", "float32", [input, ...axes("source", from.shape)], Number.NaN, {
      long_name: "the input as the network takes it",
      units: manifest.preprocess.unit,
    }),
    sigma: arrayLayout("/sigma", "float64", triplet, Number.NaN, { long_name: "singular value", ...sigmaUnit }),
    residual: arrayLayout("/residual", "float64", triplet, Number.NaN, {
      long_name: "(‖Jv − σu‖² + ‖Jᵀu − σv‖²)^½",
      ...sigmaUnit,
    }),
    floors: arrayLayout("/floors", "float64", triplet, Number.NaN, {
      long_name: "residual that rounding, or a disagreement of J and Jᵀ, can cause alone in a triplet",
      ...sigmaUnit,
    }),
    status: arrayLayout("/status", "int8", triplet, -1, { long_name: "status", ...wordAttributes(statusWords) }),
    quantity: arrayLayout("/quantity", "string", [quantity], "", { long_name: "name of the number" }),
    numbers: arrayLayout("/numbers", "float64", [...unit, quantity], Number.NaN, {
      long_name: "numbers of a unit",
      ...Object.fromEntries(quantities.map((name) => [`about_${name}`, columns[name].about])),
      ...Object.fromEntries(
        quantities.flatMap((name) => {
          const { words }: Column = columns[name];
          return words === undefined ? [] : [[`words_${name}`, words.join(" ")]];
        }),
      ),
    }),
    seconds: arrayLayout("/seconds", "float64", unit, Number.NaN, { long_name: columns.seconds.about, units: "s" }),
    unitFailed: arrayLayout("/unit_failed", "string", unit, "", { long_name: "why a unit has no result" }),
    notes: arrayLayout("/notes", "string", unit, "", {
      long_name: "kinks between source and tap by tap, and what the CPU computed in the place of the device, as JSON",
    }),
    done: arrayLayout("/done", "string", unit, "", {
      long_name: "the machine that computed the unit, and the digests of its chunks, as JSON; written last",
    }),
    vectors: taps.map((tap) => vectorLayouts(manifest, tap, together)),
  };
}

export type Layout = ReturnType<typeof layoutOf>;

/** The layout of the vectors of a tap; `undefined` if no vectors are stored. */
function vectorLayouts(manifest: RunManifest, tap: TapRecord, together: number): VectorLayouts | undefined {
  const kept = storedVectors(manifest, tap);
  if (kept === 0) return undefined;
  const path: Key = `/taps/${encodeName(tap.name)}`;
  const { length } = manifest.inputs;
  const vector: readonly Dimension[] = [
    ["input", length, 1],
    ["vector", kept, kept],
  ];
  const whole = (of: ArrayLayout<"float32">) => {
    const [, , ...tensor] = of.metadata.shape;
    return sharded(of, [1, 1, ...tensor]);
  };
  return {
    path,
    input: arrayLayout(`${path}/input`, "string", [["input", length, together]], "", {
      long_name: "name of the input",
    }),
    k: arrayLayout(`${path}/k`, "int32", [vector[0]!, ["vector", kept, kept]], 0, {
      long_name: "number of the singular value; 0 where no vector is kept",
    }),
    u: whole(
      arrayLayout(`${path}/u`, "float32", [...vector, ...axes("tap", tap.shape)], Number.NaN, {
        long_name: "left singular vectors, in the space of the tap",
      }),
    ),
    v: whole(
      arrayLayout(`${path}/v`, "float32", [...vector, ...axes("source", manifest.from.shape)], Number.NaN, {
        long_name: "right singular vectors, in the space of the source",
      }),
    ),
  };
}

/** The axes of a tensor, which is stored in one chunk: `source_0`, `source_1`, ... */
function axes(name: string, shape: readonly number[]): Dimension[] {
  return shape.map((extent, axis) => [`${name}_${axis}`, extent, extent]);
}

/** The longest folder name that file systems allow, in bytes. */
const LONGEST = 255;
/** How many bytes of a longer name remain readable before its hash. */
const READABLE = 200;

/**
 * Encodes a name as one part of a key. Letters, digits, `_`, `-` and inner dots stay; other bytes become `~` and two hex digits. A result
 * that is longer than file systems allow is cut, and `~~` and a hash of the whole name are appended; no other name ends like this.
 */
export function encodeName(name: string): string {
  const toHex = (text: string) =>
    Array.from(new TextEncoder().encode(text), (byte) => `~${byte.toString(16).padStart(2, "0")}`).join("");
  const encoded = name.replace(/[^A-Za-z0-9_.-]+|^[._]|\.$/gu, toHex);
  return encoded.length <= LONGEST ? encoded : `${encoded.slice(0, READABLE)}~~${hashOf(encoded)}`;
}

/** FNV-1a of 128 bits, hexadecimal. */
function hashOf(ascii: string): string {
  let hash = 0x6c62272e07bb014262b821756295c58dn;
  for (let i = 0; i < ascii.length; i++) {
    hash = ((hash ^ BigInt(ascii.charCodeAt(i))) * 0x1000000000000000000013bn) & (2n ** 128n - 1n);
  }
  return hash.toString(16).padStart(32, "0");
}
