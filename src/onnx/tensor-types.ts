import type { DataType, NumericData, Tensor, TensorData } from "./model.ts";
import { numbersByCode } from "./narrow-types.ts";

/** A constructor of typed arrays, which takes a buffer or a length. */
export interface NumericArray {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): NumericData;
}

/**
 * The element types: the code in the format, the typed array of the entries, and the field for entries that are not raw
 * bytes.
 */
export const dataTypes = {
  float32: { code: 1, array: Float32Array, field: "floatData" },
  uint8: { code: 2, array: Uint8Array, field: "int32Data" },
  int8: { code: 3, array: Int8Array, field: "int32Data" },
  uint16: { code: 4, array: Uint16Array, field: "int32Data" },
  int16: { code: 5, array: Int16Array, field: "int32Data" },
  int32: { code: 6, array: Int32Array, field: "int32Data" },
  int64: { code: 7, array: BigInt64Array, field: "int64Data" },
  string: { code: 8, array: undefined, field: "stringData" },
  bool: { code: 9, array: Uint8Array, field: "int32Data" },
  float16: { code: 10, array: Uint16Array, field: "int32Data" },
  float64: { code: 11, array: Float64Array, field: "doubleData" },
  uint32: { code: 12, array: Uint32Array, field: "uint64Data" },
  uint64: { code: 13, array: BigUint64Array, field: "uint64Data" },
  bfloat16: { code: 16, array: Uint16Array, field: "int32Data" },
  float8e4m3fn: { code: 17, array: Uint8Array, field: "int32Data" },
  float8e4m3fnuz: { code: 18, array: Uint8Array, field: "int32Data" },
  float8e5m2: { code: 19, array: Uint8Array, field: "int32Data" },
  float8e5m2fnuz: { code: 20, array: Uint8Array, field: "int32Data" },
  uint4: { code: 21, array: Uint8Array, field: "int32Data" },
  int4: { code: 22, array: Int8Array, field: "int32Data" },
  float4e2m1: { code: 23, array: Uint8Array, field: "int32Data" },
  float8e8m0: { code: 24, array: Uint8Array, field: "int32Data" },
  uint2: { code: 25, array: Uint8Array, field: "int32Data" },
  int2: { code: 26, array: Int8Array, field: "int32Data" },
} as const satisfies Record<DataType, { code: number; array: NumericArray | undefined; field: string }>;

const byCode = new Map<number, DataType>(Object.entries(dataTypes).map(([type, { code }]) => [code, type as DataType]));

/** The element type of a code of the format; `undefined` for types that this project cannot read (complex numbers). */
export const dataTypeOf = (code: number): DataType | undefined => byCode.get(code);

/** The entries of a floating-point tensor of any width as float32. A float32 array is returned itself. */
export function toFloat32Array({ type, data }: Tensor): Float32Array {
  if (data instanceof Float32Array) return data;
  if (type === "float16") return fromHalves(data as Uint16Array);
  const floats = room(data.length);
  const numbers = numbersByCode(type);
  if (type === "bfloat16") {
    const words = new Uint32Array(floats.buffer);
    for (let i = 0; i < words.length; i++) words[i] = (data[i] as number) << 16;
  } else if (numbers !== undefined) for (let i = 0; i < floats.length; i++) floats[i] = numbers[data[i] as number]!;
  else floats.set(data as Float64Array);
  return floats;
}

/** From so many entries on, converted weights lie in memory that threads can share, so that the runtime takes them from there. */
const LARGE = 2 ** 18;

const room = (length: number): Float32Array =>
  length < LARGE || typeof SharedArrayBuffer === "undefined"
    ? new Float32Array(length)
    : new Float32Array(new SharedArrayBuffer(Float32Array.BYTES_PER_ELEMENT * length));

/** IEEE 754 binary16 to binary32: the exponent's bias grows by 112, and the fraction by 13 bits. */
function fromHalves(halves: Uint16Array): Float32Array {
  const floats = room(halves.length);
  const bits = new Uint32Array(floats.buffer);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i] as number;
    const sign = (half & 0x8000) << 16;
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) {
      floats[i] = (sign === 0 ? 1 : -1) * fraction * 2 ** -24;
    } else {
      bits[i] = sign | ((exponent === 0x1f ? 0xff : exponent + 112) << 23) | (fraction << 13);
    }
  }
  return floats;
}

/** Numbers in a floating-point type, each rounded to nearest, and beyond the largest one to an infinity. */
export function fromFloat32Array(numbers: Float32Array, type: DataType): TensorData {
  if (type === "float32") return numbers;
  if (type === "float64") return Float64Array.from(numbers);
  const words = new Uint32Array(Float32Array.from(numbers).buffer);
  if (type === "bfloat16") return Uint16Array.from(words, (word) => (word + 0x8000) >>> 16);
  return Uint16Array.from(
    words,
    (word, i) => ((word >>> 16) & 0x8000) | halfOf(word & 0x7fffffff, Math.abs(numbers[i]!)),
  );
}

/**
 * The bits of a positive number as binary16, from its bits as binary32; below 2^-14 a binary16 counts in steps of
 * 2^-24, and from 65520 on it is infinite.
 */
function halfOf(word: number, value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  if (value >= 65520) return 0x7c00;
  return value >= 2 ** -14 ? (word - (112 << 23) + 0x1000) >>> 13 : Math.round(value * 2 ** 24);
}
