import { PushforwardError } from "../../../base/index.ts";

/** The kinds of arrays that a packed file may hold. */
const kinds = { f32: Float32Array, f64: Float64Array, u8: Uint8Array } as const;
type Kind = keyof typeof kinds;

/** What stands in the JSON in the place of an array. */
interface Place {
  readonly packed: Kind;
  readonly offset: number;
  readonly length: number;
}

/**
 * A value of JSON whose numbers may stand in typed arrays, as one file: the length of the JSON in 4 bytes, the JSON, and then the
 * arrays as they are in memory, little-endian, each on a multiple of 8 bytes.
 */
export function packArrays(value: unknown): Uint8Array {
  const parts: Uint8Array[] = [];
  let offset = 0;
  const json = JSON.stringify(value, (_key, entry: unknown) => {
    const kind = kindOf(entry);
    if (kind === undefined) return entry;
    const array = entry as Float32Array | Float64Array | Uint8Array;
    const place: Place = { packed: kind, offset, length: array.length };
    parts.push(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    offset += padded(array.byteLength);
    return place;
  });
  const text = new TextEncoder().encode(json);
  const start = padded(4 + text.length);
  const bytes = new Uint8Array(start + offset);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 4);
  let at = start;
  for (const part of parts) {
    bytes.set(part, at);
    at += padded(part.length);
  }
  return bytes;
}

/**
 * The value that `packArrays` packed. Its arrays are views of the bytes.
 *
 * @throws PushforwardError `file-unreadable` if the bytes are not a packed file
 */
export function unpackArrays(bytes: Uint8Array<ArrayBuffer>): unknown {
  const length = bytes.length < 4 ? -1 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const start = bytes.byteOffset + padded(4 + length);
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(4, 4 + length));
    return JSON.parse(text, (_key, entry: unknown) => {
      if (!isPlace(entry)) return entry;
      return new kinds[entry.packed](bytes.buffer, start + entry.offset, entry.length);
    });
  } catch (cause) {
    throw new PushforwardError("file-unreadable", {
      what: "A stored file of the page cannot be read.",
      fix: "Build the site again: npm run explorer.",
      cause,
    });
  }
}

function kindOf(entry: unknown): Kind | undefined {
  for (const [kind, type] of Object.entries(kinds)) if (entry instanceof type) return kind as Kind;
  return undefined;
}

const padded = (bytes: number): number => Math.ceil(bytes / 8) * 8;

function isPlace(value: unknown): value is Place {
  return typeof value === "object" && value !== null && "packed" in value && (value.packed as string) in kinds;
}
