import { concatenate, lengthOf } from "./bytes.ts";
import { encodeTensor, fieldHeader, fieldNumber, outside } from "./proto.ts";

/** Files of at least so many bytes are worth the trouble, and weights of at least so many. */
const [LARGE_FILE, LARGE_WEIGHT] = [2 ** 24, 2 ** 16];

/** A field of a message: the bytes from its tag on, and those of its value. */
interface Span {
  readonly number: number;
  readonly start: number;
  readonly value: number;
  readonly end: number;
}

/** The large weights of a file as external data lie there. No file has this name. */
export const IN_MEMORY = ":weights in memory:";

/** A large model in memory, apart from its large weights. */
export interface SplitModel {
  /** The bytes of the model. Its large weights are external data in `IN_MEMORY`: in the bytes that were split. */
  readonly light: Uint8Array;
  /** The same with external data in the model's own file, so that a runtime can map it. */
  readonly inFile: Uint8Array;
  /** The bytes of the file, in their order. */
  readonly pieces: readonly Uint8Array[];
  /** Where each large weight begins in the bytes that were split, and where it begins in the file. */
  readonly moved: ReadonlyMap<number, number>;
}

/**
 * Splits the bytes of a large model. Each large weight becomes external data, so that a runtime can use it where it is. In the bytes it is
 * moved, over its own head, by a few bytes to where an array of numbers may begin. Everything else stays as it is in the file.
 * `undefined`, and the bytes unchanged, for a small model and for bytes that are none.
 *
 * @param file the name of the model's file
 */
export function splitWeights(bytes: Uint8Array, file: string): SplitModel | undefined {
  if (bytes.length < LARGE_FILE) return undefined;
  const weights: Span[] = [];
  let light: Uint8Array;
  let inFile: Uint8Array;
  try {
    light = lightModel(bytes, (span) => {
      weights.push(span);
      return { location: IN_MEMORY, offset: alignedPlace(span.value) };
    });
    inFile = lightModel(bytes, ({ value }) => ({ location: file, offset: value }));
  } catch {
    return undefined; // What is wrong with the bytes is told by whoever reads them.
  }
  const ends = [0, ...weights.map(({ end }) => end)];
  const between = ends.map((end, i) => Uint8Array.from(bytes.subarray(end, weights[i]?.value)));
  const places = weights.map(({ value, end }) => {
    const start = alignedPlace(value);
    bytes.copyWithin(start, value, end);
    return bytes.subarray(start, start + end - value);
  });
  return {
    light,
    inFile,
    pieces: between.flatMap((piece, i) => [piece, ...places.slice(i, i + 1)]),
    moved: new Map(weights.map(({ value }) => [alignedPlace(value), value])),
  };
}

/** Arrays of all types of numbers may begin at a multiple of this. Before large raw bytes there is a head of at least as many bytes. */
const ALIGNMENT = 8;

const alignedPlace = (offset: number): number => offset - (offset % ALIGNMENT);

/** Where the external data of a tensor begin. */
type Refer = (raw: Span) => { readonly location: string; readonly offset: number };

function lightModel(bytes: Uint8Array, refer: Refer): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const field of fieldsIn(bytes, 0, bytes.length)) {
    const isGraph = field.number === fieldNumber("Model", "graph");
    parts.push(...(isGraph ? lightGraph(bytes, field, refer) : [bytes.subarray(field.start, field.end)]));
  }
  return concatenate(parts);
}

function lightGraph(bytes: Uint8Array, graph: Span, refer: Refer): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (const field of fieldsIn(bytes, graph.value, graph.end)) {
    const isWeight = field.number === fieldNumber("Graph", "initializer") && field.end - field.value >= LARGE_WEIGHT;
    parts.push(...(isWeight ? lightTensor(bytes, field, refer) : [bytes.subarray(field.start, field.end)]));
  }
  return [fieldHeader("Model", "graph", lengthOf(parts)), ...parts];
}

function lightTensor(bytes: Uint8Array, tensor: Span, refer: Refer): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (const field of fieldsIn(bytes, tensor.value, tensor.end)) {
    const { number, start, value, end } = field;
    const isRaw = number === fieldNumber("Tensor", "rawData") && end - value >= LARGE_WEIGHT;
    parts.push(isRaw ? encodeTensor(outside({ ...refer(field), length: end - value })) : bytes.subarray(start, end));
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
