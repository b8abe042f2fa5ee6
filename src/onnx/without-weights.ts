import { concatenate, lengthOf } from "./bytes.ts";
import { EXTERNAL, encodeTensor, fieldHeader, fieldNumber } from "./proto.ts";

/** Files of at least so many bytes are worth the trouble, and weights of at least so many. */
const [LARGE_FILE, LARGE_WEIGHT] = [2 ** 26, 2 ** 16];

/** A field of a message: the bytes from its tag on, and those of its value. */
interface Span {
  readonly number: number;
  readonly start: number;
  readonly value: number;
  readonly end: number;
}

/**
 * The bytes of a large model with its large weights left out: each becomes external data that lies in the model's own file, so that a
 * runtime can map it. Everything else stays as it is, byte for byte. `undefined` for a small model, and for bytes that are none.
 *
 * @param location the name of the model's file
 */
export function withoutWeights(bytes: Uint8Array, location: string): Uint8Array | undefined {
  if (bytes.length < LARGE_FILE) return undefined;
  try {
    const parts: Uint8Array[] = [];
    for (const field of fieldsIn(bytes, 0, bytes.length)) {
      const isGraph = field.number === fieldNumber("Model", "graph");
      parts.push(...(isGraph ? lightGraph(bytes, field, location) : [bytes.subarray(field.start, field.end)]));
    }
    return concatenate(parts);
  } catch {
    return undefined; // What is wrong with the bytes is told by whoever reads them.
  }
}

function lightGraph(bytes: Uint8Array, graph: Span, location: string): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (const field of fieldsIn(bytes, graph.value, graph.end)) {
    const isWeight = field.number === fieldNumber("Graph", "initializer") && field.end - field.value >= LARGE_WEIGHT;
    parts.push(...(isWeight ? lightTensor(bytes, field, location) : [bytes.subarray(field.start, field.end)]));
  }
  return [fieldHeader("Model", "graph", lengthOf(parts)), ...parts];
}

function lightTensor(bytes: Uint8Array, tensor: Span, location: string): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (const { number, start, value, end } of fieldsIn(bytes, tensor.value, tensor.end)) {
    const isRaw = number === fieldNumber("Tensor", "rawData") && end - value >= LARGE_WEIGHT;
    const place = { location, offset: String(value), length: String(end - value) };
    const externalData = Object.entries(place).map(([key, text]) => ({ key, value: text }));
    parts.push(isRaw ? encodeTensor({ externalData, dataLocation: EXTERNAL }) : bytes.subarray(start, end));
  }
  return [fieldHeader("Graph", "initializer", lengthOf(parts)), ...parts];
}

/** The fields of the message between two offsets. @throws Error where the bytes are no message */
function* fieldsIn(bytes: Uint8Array, from: number, to: number): Generator<Span> {
  let at = from;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; at < to && factor < 2 ** 70; factor *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw new Error("a number does not end");
  };
  while (at < to) {
    const start = at;
    const tag = varint();
    const [number, kind] = [Math.floor(tag / 8), tag % 8];
    let value = at;
    if (kind === 0) varint();
    else if (kind === 1) at += 8;
    else if (kind === 5) at += 4;
    else if (kind === 2) {
      const length = varint();
      value = at;
      at += length;
    } else throw new Error("a field is of an unknown kind");
    if (at > to) throw new Error("a field ends after its message");
    yield { number, start, value, end: at };
  }
}
