import { type Shape, sizeOf } from "../../base/index.ts";
import { floatTensor, int } from "../build.ts";
import type { Tensor } from "../model.ts";
import { type FloatWriter, inFloats, read } from "./float-writer.ts";
import { dequantized, type FloatRewriting } from "./linear.ts";

/** The numbers in bytes that hold `8 / bits` of them, the first in the lowest bits. */
function unpacked(bytes: ArrayLike<number>, bits: number): Uint8Array {
  const entries = 8 / bits;
  const mask = (1 << bits) - 1;
  return Uint8Array.from({ length: bytes.length * entries }, (_, i) => {
    return (bytes[Math.floor(i / entries)]! >> (bits * (i % entries))) & mask;
  });
}

/** Rows of numbers that are packed apart from each other, `count` of each row. */
export function unpackedRows(bytes: ArrayLike<number>, bits: number, rows: number, count: number): Uint8Array {
  const perRow = bytes.length / rows;
  const all = unpacked(bytes, bits);
  const width = (perRow * 8) / bits;
  return Uint8Array.from({ length: rows * count }, (_, i) => all[Math.floor(i / count) * width + (i % count)]!);
}

const numbersIn = (tensor: Tensor): Float32Array => inFloats(tensor).data as Float32Array;

/** x · W + bias with a constant matrix. */
function multiply(w: FloatWriter, x: string, matrix: Tensor, bias: string, output: string): void {
  const weights = w.constant("weights", matrix);
  if (bias === "") w.add("MatMul", [x, weights], {}, output);
  else w.add("Add", [w.add("MatMul", [x, weights]), bias], {}, output);
}

/** W [K, N] from a function of its row and column. */
function matrixOf(rows: number, columns: number, entry: (k: number, n: number) => number): Tensor {
  const data = new Float32Array(rows * columns);
  for (let k = 0; k < rows; k++) for (let n = 0; n < columns; n++) data[k * columns + n] = entry(k, n);
  return floatTensor([rows, columns], data);
}

/** A · Wᵀ, where W [N, K] has few bits, and a scale and a zero point for each block of a row. */
const matMulNBits: FloatRewriting = (w, node) => {
  const [x = "", ...names] = node.inputs;
  const [codes, scales, zeros, groups] = names.slice(0, 4).map((name) => w.constantOf(name));
  const bias = names[4] ?? "";
  const attributes = read(node);
  const [K, N] = [attributes.int("K", 0), attributes.int("N", 0)];
  const [bits, block] = [attributes.int("bits", 4), attributes.int("block_size", 32)];
  if (
    codes === undefined ||
    scales === undefined ||
    (names[2] && zeros === undefined) ||
    8 % bits !== 0 ||
    attributes.int("weight_prepacked", 0) !== 0
  ) {
    w.keep(node);
    return;
  }
  const blocks = Math.ceil(K / block);
  const width = blocks * block;
  const levels = unpacked(codes.data as Uint8Array, bits);
  const steps = numbersIn(scales);
  const middle = 2 ** (bits - 1);
  const offsets =
    zeros === undefined
      ? undefined
      : zeros.type === "uint8"
        ? unpackedRows(zeros.data as Uint8Array, bits, N, blocks)
        : numbersIn(zeros);
  const groupOf = groups === undefined ? undefined : numbersIn(groups);
  const matrix = matrixOf(K, N, (k, n) => {
    const at = n * blocks + (groupOf?.[k] ?? Math.floor(k / block));
    return (levels[n * width + k]! - (offsets?.[at] ?? middle)) * steps[at]!;
  });
  multiply(w, x, matrix, bias, node.outputs[0]!);
};

/** The numbers of the codes of 4 bits: floats of a sign, two bits of exponent and one of fraction, and quantiles of a normal distribution. */
const bnb4 = [
  [0, 5.208333e-3, 2 / 3, 1, 1 / 3, 0.5, 1 / 6, 0.25],
  [
    -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
    -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
    0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
  ],
] as const;

/** A · Wᵀ, or A · W, where W [N, K] has 4 bits by the tables of bitsandbytes, and a largest magnitude for each block. */
const matMulBnb4: FloatRewriting = (w, node) => {
  const [x = "", ...names] = node.inputs;
  const [codes, largest] = names.map((name) => w.constantOf(name));
  const attributes = read(node);
  const [K, N, block] = [attributes.int("K", 0), attributes.int("N", 0), attributes.int("block_size", 64)];
  if (codes === undefined || largest === undefined) {
    w.keep(node);
    return;
  }
  const isFloat4 = attributes.int("quant_type", 1) === 0;
  const numberOf = (code: number) => (isFloat4 ? (code & 8 ? -1 : 1) * bnb4[0][code & 7]! : bnb4[1][code]!);
  const bytes = codes.data as Uint8Array;
  const sizes = numbersIn(largest);
  const entry = (n: number, k: number) => {
    const place = n * K + k;
    const byte = bytes[place >> 1]!;
    return numberOf(place % 2 === 0 ? byte >> 4 : byte & 15) * sizes[Math.floor(place / block)]!;
  };
  const isTurned = attributes.int("transB", 1) !== 0;
  const matrix = isTurned ? matrixOf(K, N, (k, n) => entry(n, k)) : matrixOf(N, K, entry);
  multiply(w, x, matrix, "", node.outputs[0]!);
};

/** Rows of a table of few bits, which is dequantized as a whole. */
const gatherBlockQuantized: FloatRewriting = (w, node) => {
  const [data = "", indices = "", scales = "", zeros = ""] = node.inputs;
  const attributes = read(node);
  const [codes, steps, offsets] = [data, scales, zeros].map((name) => w.constantOf(name));
  if (codes === undefined || steps === undefined || (zeros !== "" && offsets === undefined)) {
    w.keep(node);
    return;
  }
  const bits = attributes.int("bits", 4);
  const wide = (tensor: Tensor): Tensor => (tensor.type === "uint8" ? spread(tensor, bits) : tensor);
  const middle = codes.type === "uint8" ? 2 ** (bits - 1) : 0;
  const zero = offsets === undefined ? floatTensor([], [middle]) : cut(wide(offsets), steps.shape);
  const axis = attributes.int("quantize_axis", 1);
  const table = dequantized(wide(codes), steps, zero, axis, attributes.int("block_size", 128));
  const [output = ""] = node.outputs;
  const along = { axis: int(attributes.int("gather_axis", 0)) };
  w.add("Gather", [w.constant("table", table), indices], along, output);
};

/** Bytes of several numbers each, as a tensor of single numbers whose last axis is longer. */
function spread({ shape, data }: Tensor, bits: number): Tensor {
  const extents = [...shape.slice(0, -1), (shape.at(-1)! * 8) / bits];
  return { type: "uint8", shape: extents, data: unpacked(data as Uint8Array, bits) };
}

/** The first entries along the last axis, without what fills the last byte. */
function cut(tensor: Tensor, shape: Shape): Tensor {
  const [own, wanted] = [tensor.shape.at(-1)!, shape.at(-1)!];
  if (own === wanted) return tensor;
  const data = Uint8Array.from({ length: sizeOf(shape) }, (_, i) => {
    return (tensor.data as Uint8Array)[Math.floor(i / wanted) * own + (i % wanted)]!;
  });
  return { ...tensor, shape, data };
}

/** Products with, and rows of, constants of few bits, which are constants of floats here. */
export const packedWeights: Readonly<Record<string, FloatRewriting>> = {
  "com.microsoft:GatherBlockQuantized": gatherBlockQuantized,
  "com.microsoft:MatMulBnb4": matMulBnb4,
  "com.microsoft:MatMulNBits": matMulNBits,
};
