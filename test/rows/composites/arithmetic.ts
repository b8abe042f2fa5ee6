import type { DataType, NumericData } from "../../../src/onnx/index.ts";
import type { OpRow } from "../row.ts";

const EXPONENTS = [2, 0, 3];

/** Exponents of the types of integers, also of those for which ONNX Runtime has no kernel. */
const exponents: readonly (readonly [DataType, NumericData])[] = [
  ["int8", Int8Array.from(EXPONENTS)],
  ["int16", Int16Array.from(EXPONENTS)],
  ["int32", Int32Array.from(EXPONENTS)],
  ["int64", BigInt64Array.from(EXPONENTS, BigInt)],
  ["uint8", Uint8Array.from(EXPONENTS)],
  ["uint16", Uint16Array.from(EXPONENTS)],
  ["uint32", Uint32Array.from(EXPONENTS)],
  ["uint64", BigUint64Array.from(EXPONENTS, BigInt)],
];

export const arithmeticRows: readonly OpRow[] = exponents.map(([type, data]) => ({
  op: "Pow",
  in: { X: { shape: [2, 3], from: "positive" }, Y: { type, shape: [3], data } },
  note: type,
  ...(type === "int32" || type === "int64" ? {} : { withoutForward: "ONNX Runtime has no kernel for this exponent" }),
}));
