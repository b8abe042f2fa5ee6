/**
 * How the value of a field is written: as a number of variable length, as 8 bytes, as a length followed by that many
 * bytes, or as 4 bytes.
 */
type Kind = "varint" | "fixed64" | "bytes" | "fixed32";

/** A field of a Protobuf message, with its place in the bytes. */
export interface Field {
  readonly number: number;
  readonly kind: Kind;
  /** The offset at which the value's bytes end. In a file that was cut off, it may lie beyond the end of the file. */
  readonly start: number;
  readonly end: number;
}

const kinds: Readonly<Record<number, Kind>> = { 0: "varint", 1: "fixed64", 2: "bytes", 5: "fixed32" };

/** At most this many fields are read, which is enough to distinguish formats. */
const MOST = 10_000;

/**
 * The outermost fields of a Protobuf message whose format need not be known; `undefined` if the bytes are not a Protobuf
 * message. The last field may be cut off.
 */
export function fieldsOf(bytes: Uint8Array): Field[] | undefined {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number | undefined => {
    let value = 0;
    for (let shift = 0; shift < 70 && at < bytes.length; shift += 7) {
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return undefined;
  };
  while (at < bytes.length && fields.length < MOST) {
    const tag = varint();
    const kind = kinds[(tag ?? 7) & 7];
    const number = Math.floor((tag ?? 0) / 8);
    if (kind === undefined || number === 0 || number >= 2 ** 29) return undefined;
    let start = at;
    if (kind === "varint" && varint() === undefined) return undefined;
    if (kind === "bytes") {
      const length = varint();
      if (length === undefined) return undefined;
      start = at;
      at += length;
    }
    if (kind === "fixed64") at += 8;
    if (kind === "fixed32") at += 4;
    fields.push({ number, kind, start, end: at });
  }
  return fields.length === 0 ? undefined : fields;
}
