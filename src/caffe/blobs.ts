import { messageOf, PushforwardError, type Shape, sizeOf } from "../base/index.ts";

/** Numbers of a layer with their shape. Files of the time before shapes give four extents. */
export interface CaffeBlob {
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** The numbers of layers by the names of the layers. */
export type CaffeWeights = ReadonlyMap<string, readonly CaffeBlob[]>;

/** Field numbers of caffe.proto. A layer is in one of three forms, and only its name and its blobs are read. */
const fieldNumbers = {
  net: { layers: 2, layer: 100 },
  layer: { name: 1, blobs: 7 },
  layers: { inner: 1, name: 4, blobs: 6 },
  inner: { name: 1, blobs: 50 },
  blob: { extents: [1, 2, 3, 4], data: 5, shape: 7, doubles: 8 },
  shape: { dim: 1 },
} as const;

/**
 * Reads the weights of a .caffemodel: those of layers as Caffe writes them today, and of both older forms.
 *
 * @throws PushforwardError `model-invalid` if the bytes are no such file or end too early
 * @see https://github.com/BVLC/caffe/blob/master/src/caffe/proto/caffe.proto
 */
export function readWeights(bytes: Uint8Array): Map<string, readonly CaffeBlob[]> {
  if (bytes.length > 8 && bytes[0] === 0x89 && bytes[1] === 0x48 && bytes[2] === 0x44 && bytes[3] === 0x46) {
    throw new PushforwardError("model-invalid", {
      what: "The file holds weights in HDF5 (.caffemodel.h5), which is not read.",
      fix: "Save them in Caffe's own format: in pycaffe, net.save('NET.caffemodel').",
    });
  }
  const weights = reading(bytes, "a .caffemodel", () => {
    const found = new Map<string, readonly CaffeBlob[]>();
    const add = (message: Uint8Array, { name, blobs }: { name: number; blobs: number }) => {
      const fields = fieldsIn(message);
      const own = fields.filter(({ number, bytes }) => number === blobs && bytes !== undefined);
      const [title] = fields.filter(({ number, bytes }) => number === name && bytes !== undefined);
      if (own.length > 0)
        found.set(
          textOf(title?.bytes),
          own.map((field) => blobIn(field.bytes!)),
        );
    };
    for (const { number, bytes: message } of fieldsIn(bytes)) {
      if (message === undefined) continue;
      if (number === fieldNumbers.net.layer) add(message, fieldNumbers.layer);
      if (number !== fieldNumbers.net.layers) continue;
      const inner = fieldsIn(message).find((field) => field.number === fieldNumbers.layers.inner);
      if (inner?.bytes === undefined) add(message, fieldNumbers.layers);
      else add(inner.bytes, fieldNumbers.inner);
    }
    return found;
  });
  if (weights.size > 0) return weights;
  throw new PushforwardError("model-invalid", {
    what: "The file holds no weights of layers.",
    fix: "Name the .prototxt first, then the .caffemodel.",
  });
}

/**
 * Reads a mean image of Caffe (.binaryproto), channels × height × width.
 *
 * @throws PushforwardError `model-invalid` if the bytes are no such file or end too early
 */
export function readMeanImage(bytes: Uint8Array, file?: string): CaffeBlob {
  try {
    return meanImage(bytes);
  } catch (error) {
    throw error instanceof PushforwardError && file !== undefined ? error.at({ file }) : error;
  }
}

function meanImage(bytes: Uint8Array): CaffeBlob {
  const { shape, data } = reading(bytes, "a mean image of Caffe (.binaryproto)", () => blobIn(bytes));
  const inner = shape.length === 4 && shape[0] === 1 ? shape.slice(1) : shape;
  if (inner.length === 3 && sizeOf(inner) === data.length && data.length > 0) return { shape: inner, data };
  throw new PushforwardError("model-invalid", {
    what: `The file holds ${data.length} numbers with the shape [${shape.join(", ")}], which is no picture.`,
    fix: "Name the mean image, as compute_image_mean writes it.",
  });
}

function reading<T>(bytes: Uint8Array, kind: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new PushforwardError("model-invalid", {
      what: `The file is not ${kind}, or it is not complete (${bytes.length} bytes): ${messageOf(cause)}.`,
      fix: "Check that this is the right file, and download it again.",
      cause,
    });
  }
}

const textOf = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

interface WireField {
  readonly number: number;
  /** The bytes of a text, a message or packed numbers, and of a single float or double. */
  readonly bytes: Uint8Array | undefined;
  /** A whole number. */
  readonly value: number;
}

/** Which bytes a field has that is not preceded by its length: 8 of a double, 4 of a float. */
const widths: Readonly<Record<number, number>> = { 1: 8, 5: 4 };

function fieldsIn(bytes: Uint8Array): WireField[] {
  const fields: WireField[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; at < bytes.length; factor *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    throw new RangeError("it ends in the middle of a number");
  };
  while (at < bytes.length) {
    const tag = varint();
    const [number, kind] = [Math.floor(tag / 8), tag % 8];
    if (number === 0) throw new RangeError("its bytes do not follow the format");
    if (kind === 0) {
      fields.push({ number, bytes: undefined, value: varint() });
      continue;
    }
    const length = kind === 2 ? varint() : widths[kind];
    if (length === undefined) throw new RangeError("its bytes do not follow the format");
    if (at + length > bytes.length) throw new RangeError("it ends in the middle of a field");
    fields.push({ number, bytes: bytes.subarray(at, at + length), value: 0 });
    at += length;
  }
  return fields;
}

function blobIn(bytes: Uint8Array): CaffeBlob {
  const { extents, data: floats, shape: shapeField, doubles } = fieldNumbers.blob;
  const fields = fieldsIn(bytes);
  const of = (wanted: number) => fields.filter(({ number }) => number === wanted);
  const shape = of(shapeField).flatMap((field) => extentsIn(field.bytes ?? new Uint8Array()));
  const legacy = extents.map((number) => of(number).at(-1)?.value ?? 0);
  const double = joined(of(doubles));
  const data =
    double.length > 0
      ? Float32Array.from(new Float64Array(new Uint8Array(double).buffer))
      : floatsOf(joined(of(floats)));
  const isLegacy = of(shapeField).length === 0 && extents.some((number) => of(number).length > 0);
  const found = isLegacy ? legacy : shape;
  if (sizeOf(found) !== data.length) {
    throw new RangeError(`a blob of shape [${found.join(", ")}] holds ${data.length} numbers`);
  }
  return { shape: found, data };
}

/** Extents are packed in today's files, and stand apart in some old ones. */
function extentsIn(bytes: Uint8Array): number[] {
  return fieldsIn(bytes)
    .filter(({ number }) => number === fieldNumbers.shape.dim)
    .flatMap(({ bytes: packed, value }) => {
      if (packed === undefined) return [value];
      // A packed list reads like the values of fields without their tags.
      const values: number[] = [];
      let [number, factor] = [0, 1];
      for (const byte of packed) {
        number += (byte & 127) * factor;
        factor *= 128;
        if (byte >= 128) continue;
        values.push(number);
        [number, factor] = [0, 1];
      }
      return values;
    });
}

/** The bytes of a field that a file gives in one piece or in many. */
function joined(fields: readonly WireField[]): Uint8Array {
  if (fields.length === 1) return fields[0]!.bytes ?? new Uint8Array();
  const parts = fields.map(({ bytes }) => bytes ?? new Uint8Array());
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function floatsOf(bytes: Uint8Array): Float32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  return new Float32Array(aligned.buffer, aligned.byteOffset, Math.floor(bytes.length / 4));
}
