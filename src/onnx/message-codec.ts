import protobuf from "protobufjs/minimal.js";

/** The fields of a message: `type*` is a repeated field, and `type**` a packed one. The numbers are those of the format. */
export type FieldNumbers = Readonly<Record<string, readonly [type: string, number: number]>>;

/** A message in JavaScript. Fields that are absent in the bytes are absent here. */
type Message = Record<string, unknown>;

type Reader = protobuf.Reader;
type Writer = protobuf.Writer;

/** Reads and writes the messages of a format. */
export interface MessageCodec<Name extends string> {
  /** @throws Error, RangeError where the bytes end too early, if they are no such message */
  decode(name: Name, bytes: Uint8Array): object;
  encode(name: Name, message: object): Uint8Array;
}

const [VARINT, FIXED64, LENGTH_DELIMITED, FIXED32] = [0, 1, 2, 5];

/** How values of a type are read and written, one by one and packed. */
interface Scalar {
  readonly wire: number;
  readonly read: (reader: Reader) => unknown;
  readonly write: (writer: Writer, value: never) => Writer;
  readonly readPacked?: (reader: Reader, values: number[]) => unknown;
  readonly writePacked?: (writer: Writer, values: number[]) => Writer;
}

const scalars: Readonly<Record<string, Scalar>> = {
  float: {
    wire: FIXED32,
    read: (r) => r.float(),
    write: (w, value) => w.float(value),
    readPacked: (r, values) => r.floats(values),
    writePacked: (w, values) => w.floats(values),
  },
  double: {
    wire: FIXED64,
    read: (r) => r.double(),
    write: (w, value) => w.double(value),
    readPacked: (r, values) => r.doubles(values),
    writePacked: (w, values) => w.doubles(values),
  },
  int32: {
    wire: VARINT,
    read: (r) => r.int32(),
    write: (w, value) => w.int32(value),
    readPacked: (r, values) => r.int32s(values),
    writePacked: (w, values) => w.int32s(values),
  },
  int64: {
    wire: VARINT,
    read: (r) => r.int64(),
    write: (w, value) => w.int64(value),
    readPacked: (r, values) => r.int64s(values),
    writePacked: (w, values) => w.int64s(values),
  },
  uint64: {
    wire: VARINT,
    read: (r) => r.uint64(),
    write: (w, value) => w.uint64(value),
    readPacked: (r, values) => r.uint64s(values),
    writePacked: (w, values) => w.uint64s(values),
  },
  string: { wire: LENGTH_DELIMITED, read: (r) => r.string(), write: (w, value) => w.string(value) },
  bytes: { wire: LENGTH_DELIMITED, read: (r) => r.bytes(), write: (w, value) => w.bytes(value) },
};

interface Field extends Scalar {
  readonly name: string;
  readonly isRepeated: boolean;
  readonly isPacked: boolean;
  /** The message type, for a field that holds messages. */
  readonly inner: MessageType | undefined;
  /** What precedes a value, and all values of a packed field. */
  readonly tag: number;
  readonly packedTag: number;
}

/** Messages within messages may lie this deep, as in the decoders of Google. */
const DEEPEST = 100;

/** A type of message. Its fields are known after the types of all messages exist, because messages contain each other. */
class MessageType {
  #fields: readonly Field[] = [];
  readonly #byNumber: (Field | undefined)[] = [];

  /** @param fields in the order of their numbers */
  setFields(fields: readonly Field[]): void {
    this.#fields = fields;
    for (const field of fields) this.#byNumber[field.tag >>> 3] = field;
  }

  /** Reads up to `end` into `message`; a message may come in several parts. */
  decode(reader: Reader, end: number, depth: number, message: Message = {}): Message {
    if (depth > DEEPEST) throw new Error("max depth exceeded");
    if (end > reader.len) throw new RangeError("index out of range");
    const around = reader.len;
    reader.len = end;
    while (reader.pos < end) {
      const tag = reader.tag();
      const field = this.#byNumber[tag >>> 3];
      if (field === undefined || !readField(reader, field, tag & 7, message, depth))
        reader.skipType(tag & 7, depth, tag >>> 3);
    }
    if (reader.pos !== end) throw new RangeError("index out of range");
    reader.len = around;
    return message;
  }

  encode(message: Message, writer: Writer, depth: number): Writer {
    if (depth > DEEPEST) throw new Error("max depth exceeded");
    for (const field of this.#fields) {
      const value = message[field.name];
      if (value !== undefined) writeField(writer, field, value, depth);
    }
    return writer;
  }
}

/** Whether the field was read; it is not if it is written in another way than its type says. */
function readField(reader: Reader, field: Field, wire: number, message: Message, depth: number): boolean {
  const { name, inner, isRepeated, readPacked } = field;
  const isWhole = wire === (field.tag & 7);
  if (!isWhole && !(isRepeated && readPacked !== undefined && wire === LENGTH_DELIMITED)) return false;
  if (!isRepeated) {
    message[name] =
      inner === undefined ? field.read(reader) : readInner(reader, inner, depth, message[name] as Message | undefined);
    return true;
  }
  let values = message[name] as unknown[] | undefined;
  if (values === undefined) {
    values = [];
    message[name] = values;
  }
  if (inner !== undefined) values.push(readInner(reader, inner, depth));
  else if (isWhole) values.push(field.read(reader));
  else readPacked!(reader, values as number[]);
  return true;
}

function readInner(reader: Reader, inner: MessageType, depth: number, message?: Message): Message {
  const size = reader.size();
  return inner.decode(reader, reader.pos + size, depth + 1, message);
}

function writeField(writer: Writer, field: Field, value: unknown, depth: number): void {
  const { tag, inner } = field;
  if (!field.isRepeated) {
    if (inner === undefined) field.write(writer.uint32(tag), value as never);
    else inner.encode(value as Message, writer.uint32(tag).fork(), depth + 1).ldelim();
    return;
  }
  const values = value as ArrayLike<unknown>;
  if (values.length === 0) return;
  if (field.isPacked) {
    field.writePacked!(writer.uint32(field.packedTag), values as number[]);
    return;
  }
  for (let i = 0; i < values.length; i++) {
    if (inner === undefined) field.write(writer.uint32(tag), values[i] as never);
    else inner.encode(values[i] as Message, writer.uint32(tag).fork(), depth + 1).ldelim();
  }
}

/** In place of the reading and writing of a scalar, for fields that hold messages. */
const noScalar: Scalar = { wire: LENGTH_DELIMITED, read: () => undefined, write: (writer) => writer };

/**
 * A codec for messages as Protobuf writes them in its second edition, in which a field that contains its default value differs from an
 * absent field. It goes through a table and generates no code, because a page in a browser may forbid that.
 */
export function messageCodec<Name extends string>(messages: Readonly<Record<Name, FieldNumbers>>): MessageCodec<Name> {
  const described = Object.entries<FieldNumbers>(messages);
  const types = new Map(described.map(([name]) => [name, new MessageType()]));
  for (const [name, fields] of described) {
    const list = Object.entries(fields).map(([field, [written, number]]): Field => {
      const type = written.replaceAll("*", "");
      const scalar = scalars[type] ?? noScalar;
      return {
        ...scalar,
        name: field,
        inner: types.get(type),
        isRepeated: written.endsWith("*"),
        isPacked: written.endsWith("**"),
        tag: ((number << 3) | scalar.wire) >>> 0,
        packedTag: ((number << 3) | LENGTH_DELIMITED) >>> 0,
      };
    });
    types.get(name)!.setFields(list.sort((a, b) => a.tag - b.tag));
  }
  return {
    decode(name, bytes) {
      const reader = protobuf.Reader.create(bytes);
      return types.get(name)!.decode(reader, reader.len, 0);
    },
    encode: (name, message) =>
      types
        .get(name)!
        .encode(message as Message, protobuf.Writer.create(), 0)
        .finish(),
  };
}

/** The bytes that precede the value of a field with `length` bytes, for messages that are assembled from parts. */
export const headerOf = (number: number, length: number): Uint8Array =>
  protobuf.Writer.create()
    .uint32((number << 3) | LENGTH_DELIMITED)
    .uint32(length)
    .finish();
