import { formatShape, PushforwardError, type Shape, sizeOf } from "../base/index.ts";

/** The numbers of an .npy file as they are, row-major: 64-bit integers as bigints, all others as float64, which holds them. */
export interface ExactArray {
  readonly shape: Shape;
  readonly data: Float64Array | BigInt64Array | BigUint64Array;
}

/** An array of numbers with its shape, row-major. */
export interface NumberArray {
  readonly shape: Shape;
  readonly data: Float32Array;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY
const ALIGNMENT = 64;

/** How to read an entry of each NumPy type. The byte order has already been checked to be little-endian or irrelevant. */
const readers: Readonly<
  Record<string, { readonly bytes: number; readonly read: (view: DataView, at: number) => number | bigint }>
> = {
  f4: { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  f8: { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
  b1: { bytes: 1, read: (view, at) => view.getUint8(at) },
  i1: { bytes: 1, read: (view, at) => view.getInt8(at) },
  i2: { bytes: 2, read: (view, at) => view.getInt16(at, true) },
  i4: { bytes: 4, read: (view, at) => view.getInt32(at, true) },
  i8: { bytes: 8, read: (view, at) => view.getBigInt64(at, true) },
  u1: { bytes: 1, read: (view, at) => view.getUint8(at) },
  u2: { bytes: 2, read: (view, at) => view.getUint16(at, true) },
  u4: { bytes: 4, read: (view, at) => view.getUint32(at, true) },
  u8: { bytes: 8, read: (view, at) => view.getBigUint64(at, true) },
};

/** The arrays that hold what float64 cannot. */
const bigArrays: Readonly<Record<string, typeof BigInt64Array | typeof BigUint64Array>> = {
  i8: BigInt64Array,
  u8: BigUint64Array,
};

/** An extent. Python 2 wrote an L behind large ones. */
const wholeNumber = /^\d+L?$/;

/**
 * Reads a NumPy .npy file (format 1 to 3): float32, float64, integers and booleans, each rounded to float32.
 *
 * @throws PushforwardError what `readExactNpy` throws; `not-finite` if an entry is not a finite float32
 */
export function readNpy(bytes: Uint8Array, file: string): NumberArray {
  const { shape, data: exact } = readExactNpy(bytes, file);
  const data = Float32Array.from(exact as ArrayLike<number | bigint>, Number);
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new PushforwardError("not-finite", {
      what: `Entry ${bad} of this array is ${data[bad]} in float32.`,
      where: { file },
      fix: "Every entry must be a finite float32.",
    });
  }
  return { shape, data };
}

/**
 * Reads a NumPy .npy file (format 1 to 3) without rounding: float32, float64, integers and booleans.
 *
 * @throws PushforwardError `file-unreadable` if it is not an .npy file, is cut off, or has another type, memory order or byte order
 * @see NumPy's documentation, "numpy.lib.format"
 */
export function readExactNpy(bytes: Uint8Array, file: string): ExactArray {
  const fail = (what: string, fix: string): never => {
    throw new PushforwardError("file-unreadable", { what, where: { file }, fix });
  };
  if (bytes.length < 10 || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    fail("This is not a NumPy .npy file.", "Write it with numpy.save(file, array).");
  }
  const { header, start } = readHeader(bytes) ?? fail("The header of this .npy file is cut short.", "Write it again.");

  const descr = /'descr':\s*'([<>|=]?)([a-z]\d+)'/.exec(header);
  const shapeText = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  const [, order, type = ""] = descr ?? [];
  const reader = readers[type];
  if (shapeText === undefined || reader === undefined) {
    return fail(
      `This .npy file holds ${type === "" ? "entries that are not plain numbers" : `the type ${type}`}.`,
      "Convert it with array.astype('float32') before numpy.save.",
    );
  }
  if (order === ">") fail("This .npy file is big-endian.", "Convert it with array.astype('<f4') before numpy.save.");
  if (/'fortran_order':\s*True/.test(header)) {
    fail("This .npy file is in Fortran order.", "Convert it with numpy.ascontiguousarray before numpy.save.");
  }
  const extents = shapeText.split(",").map((extent) => extent.trim());
  if (extents.at(-1) === "") extents.pop();
  const shape = extents.map((extent) => (wholeNumber.test(extent) ? Number.parseInt(extent, 10) : Number.NaN));
  if (!shape.every(Number.isSafeInteger)) {
    fail(
      `The shape of this .npy file, (${shapeText}), is no list of whole numbers.`,
      "Write it again with numpy.save.",
    );
  }
  const count = sizeOf(shape);
  if (bytes.length - start < count * reader.bytes) {
    fail(`This .npy file is cut short: ${formatShape(shape)} entries are announced.`, "Write or copy it again.");
  }

  const view = new DataView(bytes.buffer, bytes.byteOffset + start, bytes.byteLength - start);
  const data = new (bigArrays[type] ?? Float64Array)(count);
  for (let i = 0; i < count; i++) (data as (number | bigint)[] | typeof data)[i] = reader.read(view, i * reader.bytes);
  return { shape, data };
}

function readHeader(bytes: Uint8Array): { header: string; start: number } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const longLength = bytes[6] !== 1;
  const from = longLength ? 12 : 10;
  if (bytes.length < from) return undefined;
  const start = from + (longLength ? view.getUint32(8, true) : view.getUint16(8, true));
  return start > bytes.length ? undefined : { header: new TextDecoder().decode(bytes.subarray(from, start)), start };
}

/** The bytes of a NumPy .npy file (format 1, float32, little-endian). */
export function writeNpy({ shape, data }: NumberArray): Uint8Array {
  if (sizeOf(shape) !== data.length) {
    throw new PushforwardError("shape-mismatch", { what: `${data.length} numbers do not fill ${formatShape(shape)}.` });
  }
  const extents = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${extents}), }`;
  const start = Math.ceil((10 + text.length + 1) / ALIGNMENT) * ALIGNMENT;
  const bytes = new Uint8Array(start + 4 * data.length);
  const view = new DataView(bytes.buffer);
  bytes.set([...MAGIC, 1, 0]);
  view.setUint16(8, start - 10, true);
  bytes.set(new TextEncoder().encode(`${text.padEnd(start - 11)}\n`), 10);
  for (const [i, value] of data.entries()) view.setFloat32(start + 4 * i, value, true);
  return bytes;
}
