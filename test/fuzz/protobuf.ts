import { join, mutateBytes } from "./bytes.ts";
import { type Edit, integers, LARGEST, type Mutator, pick, repeats, texts } from "./edits.ts";

/** A field of a message whose format is not known. What reads like a message is one. */
interface Field {
  readonly number: number;
  readonly wire: number;
  readonly value: bigint | Uint8Array | readonly Field[];
}

/** Longer values are weights and not messages. */
const LONGEST = 2 ** 16;
const DEEPEST = 12;

function varintAt(bytes: Uint8Array, from: number): { readonly value: bigint; readonly end: number } | undefined {
  let value = 0n;
  for (let i = 0; i < 10 && from + i < bytes.length; i++) {
    const byte = bytes[from + i]!;
    value |= BigInt(byte & 127) << BigInt(7 * i);
    if (byte < 128) return { value, end: from + i + 1 };
  }
  return undefined;
}

/** The fields of a message; `undefined` if the bytes are none. */
function fieldsOf(bytes: Uint8Array, depth = 0): Field[] | undefined {
  const fields: Field[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = varintAt(bytes, at);
    if (tag === undefined || tag.value < 8n || tag.value > 2n ** 32n) return undefined;
    const [number, wire] = [Number(tag.value >> 3n), Number(tag.value & 7n)];
    at = tag.end;
    if (wire === 0) {
      const found = varintAt(bytes, at);
      if (found === undefined) return undefined;
      fields.push({ number, wire, value: found.value });
      at = found.end;
      continue;
    }
    const own = wire === 2 ? varintAt(bytes, at) : undefined;
    const length = wire === 1 ? 8 : wire === 5 ? 4 : Number(own?.value ?? -1n);
    at = own?.end ?? at;
    if (length < 0 || at + length > bytes.length) return undefined;
    const value = bytes.subarray(at, at + length);
    const isText = value.every((byte) => byte >= 0x20 && byte < 0x7f);
    const inner =
      wire === 2 && !isText && length <= LONGEST && depth < DEEPEST ? fieldsOf(value, depth + 1) : undefined;
    fields.push({ number, wire, value: inner ?? value });
    at += length;
  }
  return fields;
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Uint8Array.from([...bytes, Number(rest)]);
}

function encoded(fields: readonly Field[]): Uint8Array {
  return join(
    fields.flatMap(({ number, wire, value }) => {
      const tag = varint(BigInt(number * 8 + wire));
      if (typeof value === "bigint") return [tag, varint(value)];
      const bytes = value instanceof Uint8Array ? value : encoded(value);
      return wire === 2 ? [tag, varint(BigInt(bytes.length)), bytes] : [tag, bytes];
    }),
  );
}

/** A field, and the place of it: the fields that it stands among, from the outermost message on. */
interface Place {
  readonly field: Field;
  readonly path: readonly number[];
}

const placesIn = (fields: readonly Field[], path: readonly number[] = []): Place[] =>
  fields.flatMap((field, i) => [
    { field, path: [...path, i] },
    ...(Array.isArray(field.value) ? placesIn(field.value, [...path, i]) : []),
  ]);

/** The fields with that at a place replaced by others. */
function replaced(fields: readonly Field[], [i, ...deeper]: readonly number[], by: readonly Field[]): Field[] {
  return fields.flatMap((field, at) => {
    if (at !== i) return [field];
    if (deeper.length === 0) return by;
    return [{ ...field, value: replaced(field.value as readonly Field[], deeper, by) }];
  });
}

type Change = (field: Field, other: Field, edit: Edit) => readonly Field[];

const asBytes = ({ value }: Field): Uint8Array =>
  value instanceof Uint8Array ? value : typeof value === "bigint" ? varint(value) : encoded(value);

/** The value of a field, changed as its kind can be. */
function changed(field: Field, edit: Edit): Field {
  const { wire, value } = field;
  if (typeof value === "bigint") {
    return { ...field, value: edit.other % 3 === 0 ? BigInt(edit.value % 40) : pick(integers, edit.value) };
  }
  if (wire === 2 && value instanceof Uint8Array && edit.other % 2 === 0) {
    return { ...field, value: Buffer.from(pick(texts, edit.value)) };
  }
  const bytes = asBytes(field);
  return { ...field, value: mutateBytes(bytes, { ...edit, how: edit.value, at: edit.other }, [bytes]) };
}

const nested = ({ number }: Field, inner: Field, times: number): Field => {
  let field = inner;
  for (let i = 0; i < times; i++) field = { number, wire: 2, value: [field] };
  return field;
};

const changes: readonly Change[] = [
  () => [],
  (field) => [field, field],
  (field, _, edit) => [changed(field, edit)],
  (field, _, edit) => [changed(field, edit)],
  (field, other) => [{ ...field, wire: other.wire, value: other.value }],
  (field, other) => [{ ...field, wire: other.wire, value: other.value }],
  (field, other) => [field, other],
  (_, other) => [other],
  (field, other) => [{ ...field, number: other.number }],
  (field, _, { value }) => {
    const times = Math.min(pick(repeats, value), Math.ceil(LARGEST / (asBytes(field).length + 2)), 20_000);
    return new Array<Field>(times).fill(field);
  },
  (field, other, { value }) => [nested(field, other, pick([1, 2, 20, 99, 120, 500], value))],
  (field, _, { value }) => [{ ...field, number: 1 + (value % 30) }],
];

/** Changes one field of a message, at any depth; bytes that are no message are changed as bytes. */
export const mutateMessage: Mutator = (bytes, edit, others) => {
  const fields = fieldsOf(bytes);
  if (fields === undefined || fields.length === 0) return mutateBytes(bytes, edit, others);
  const places = placesIn(fields);
  const { field, path } = pick(places, edit.at);
  const own = edit.other % 5 === 0 ? undefined : pick(places, edit.other).field;
  const strange = own ?? pick(placesIn(fieldsOf(pick(others, edit.value)) ?? fields), edit.other).field;
  return encoded(replaced(fields, path, pick(changes, edit.how)(field, strange, edit)));
};
