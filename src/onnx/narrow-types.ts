import type { DataType, NumericData, Tensor } from "./model.ts";

/** Binary floating-point numbers of at most 8 bits. */
export interface NarrowFloat {
  /** Bits of the fraction. */
  readonly fraction: number;
  readonly bias: number;
  /** The largest finite number. */
  readonly largest: number;
  /** What a number beyond the largest becomes where it does not saturate. */
  readonly beyond: number;
}

/**
 * The floating-point types of 8 and 4 bits.
 *
 * @see Micikevicius et al. 2022, "FP8 formats for deep learning"; Noune et al. 2022, "8-bit numerical formats" (those ending in `fnuz`);
 * OCP Microscaling Formats 1.0 (float4e2m1, float8e8m0)
 */
export const narrowFloats = {
  float8e4m3fn: { fraction: 3, bias: 7, largest: 448, beyond: Number.NaN },
  float8e4m3fnuz: { fraction: 3, bias: 8, largest: 240, beyond: Number.NaN },
  float8e5m2: { fraction: 2, bias: 15, largest: 57344, beyond: Number.POSITIVE_INFINITY },
  float8e5m2fnuz: { fraction: 2, bias: 16, largest: 57344, beyond: Number.NaN },
  float4e2m1: { fraction: 1, bias: 1, largest: 6, beyond: 6 },
} as const satisfies Partial<Record<DataType, NarrowFloat>>;

export type NarrowFloatType = keyof typeof narrowFloats;

/** The integer types of fewer than 8 bits, with the type of bytes that holds their numbers, and their least and largest number. */
export const narrowIntegers = {
  int4: { held: "int8", low: -8, high: 7 },
  uint4: { held: "uint8", low: 0, high: 15 },
  int2: { held: "int8", low: -2, high: 1 },
  uint2: { held: "uint8", low: 0, high: 3 },
} as const satisfies Partial<Record<DataType, { held: DataType; low: number; high: number }>>;

export type NarrowInteger = keyof typeof narrowIntegers;

/** Whether a type is one of those of at most 8 bits that came with opset 19 and later, which the runtime takes in files alone. */
export const isNarrow = (type: DataType): boolean =>
  type === "float8e8m0" || Object.hasOwn(narrowFloats, type) || Object.hasOwn(narrowIntegers, type);

/** How many entries a byte holds, for the types that share bytes. */
const perByte: ReadonlyMap<DataType, number> = new Map([
  ["int4", 2],
  ["uint4", 2],
  ["float4e2m1", 2],
  ["int2", 4],
  ["uint2", 4],
]);

/** The number of bytes that entries of a type with several entries in a byte take; `undefined` for other types. */
export function packedBytes(type: DataType, count: number): number | undefined {
  const entries = perByte.get(type);
  return entries && Math.ceil(count / entries);
}

/** The entries of packed bytes, one in each element; the first is in the lowest bits. Signed ones are extended. */
export function unpack(type: DataType, bytes: ArrayLike<number>, count: number): NumericData {
  const entries = perByte.get(type)!;
  const bits = 8 / entries;
  const isSigned = type === "int4" || type === "int2";
  const data = isSigned ? new Int8Array(count) : new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const code = (bytes[Math.floor(i / entries)]! >> (bits * (i % entries))) & ((1 << bits) - 1);
    data[i] = isSigned && code >> (bits - 1) ? code - (1 << bits) : code;
  }
  return data;
}

/** The reverse of `unpack`. */
export function pack(type: DataType, data: ArrayLike<number>): Uint8Array {
  const entries = perByte.get(type)!;
  const bits = 8 / entries;
  const bytes = new Uint8Array(Math.ceil(data.length / entries));
  for (let i = 0; i < data.length; i++) {
    bytes[Math.floor(i / entries)]! |= (data[i]! & ((1 << bits) - 1)) << (bits * (i % entries));
  }
  return bytes;
}

/** The number of each code of a floating-point type of at most 8 bits; `undefined` for other types. */
export function numbersByCode(type: DataType): Float32Array | undefined {
  if (!tables.has(type)) tables.set(type, tableOf(type));
  return tables.get(type);
}

const tables = new Map<DataType, Float32Array | undefined>();

function tableOf(type: DataType): Float32Array | undefined {
  if (type === "float8e8m0") {
    return Float32Array.from({ length: 256 }, (_, code) => (code === 255 ? Number.NaN : 2 ** (code - 127)));
  }
  if (!Object.hasOwn(narrowFloats, type)) return undefined;
  const { fraction, bias, largest, beyond } = narrowFloats[type as NarrowFloatType] as NarrowFloat;
  const bits = type === "float4e2m1" ? 4 : 8;
  const magnitudeOf = (code: number): number => {
    const exponent = code >> fraction;
    const part = (code & ((1 << fraction) - 1)) / (1 << fraction);
    const value = exponent === 0 ? part * 2 ** (1 - bias) : (1 + part) * 2 ** (exponent - bias);
    if (value <= largest) return value;
    return beyond === Number.POSITIVE_INFINITY && part === 0 ? beyond : Number.NaN;
  };
  return Float32Array.from({ length: 2 ** bits }, (_, code) => {
    const sign = code >> (bits - 1);
    if (type.endsWith("fnuz") && code === 0x80) return Number.NaN;
    return (sign ? -1 : 1) * magnitudeOf(code & (2 ** (bits - 1) - 1));
  });
}

/** A tensor of integers of fewer than 8 bits as one of bytes; other tensors are returned unchanged. */
export function inBytes(tensor: Tensor): Tensor {
  const held = bytesFor(tensor.type);
  return held === tensor.type ? tensor : { ...tensor, type: held };
}

/** The type of bytes that holds the numbers of a type of fewer than 8 bits; other types stay. */
export const bytesFor = (type: DataType): DataType =>
  Object.hasOwn(narrowIntegers, type) ? narrowIntegers[type as NarrowInteger].held : type;
