import { floatTensor, type Tensor } from "../../src/onnx/index.ts";
import type { OpRow, Row } from "./row.ts";

const number = (value: number): Tensor => floatTensor([], [value]);

/** The reference is what the derivative is of; `test/onnx/quantized.test.ts` compares the values with ONNX Runtime's. */
const withoutForward = "the reference does not round, as tangents do not";

const quantize = (row: Pick<OpRow, "in"> & Partial<OpRow>): OpRow => ({
  op: "Quantize",
  domain: "pushforward",
  attrs: { derivative: "straight-through" },
  withoutForward,
  ...row,
});

const byte = { zero: number(3), low: number(0), high: number(255) };
const narrow = { zero: number(-1), low: number(-8), high: number(7) };

export const quantizedRows: readonly Row[] = [
  quantize({ in: { x: [2, 3, 4], scale: number(0.05), ...byte } }),
  quantize({ in: { x: [2, 3, 4], scale: number(0.2), ...narrow }, note: "many numbers beyond the range" }),
  quantize({ in: { x: [], scale: number(0.2), ...narrow }, note: "a number" }),
  quantize({ in: { x: [2, 3, 4], scale: { shape: [3, 1], from: "positive" }, ...byte }, weights: ["scale"] }),
  quantize({
    in: { x: [2, 3, 4], scale: { shape: [3, 1], from: "positive" }, ...narrow },
    by: ["x", "scale"],
    note: "by a scale along an axis",
  }),
  quantize({
    in: { x: [2, 3], scale: { shape: [], from: "positive" }, zero: [3], low: number(-2), high: number(1) },
    by: ["scale", "zero"],
    note: "by scale and zero point",
  }),
  {
    op: "QuantizeFloat",
    domain: "pushforward",
    in: { x: [2, 3, 4], two: number(2), fraction: number(3), least: number(-6), largest: number(448) },
    attrs: { derivative: "straight-through" },
    withoutForward,
  },
  {
    op: "QuantizeFloat",
    domain: "pushforward",
    in: { x: [2, 3, 4], two: number(2), fraction: number(1), least: number(0), largest: number(1) },
    attrs: { derivative: "straight-through" },
    withoutForward,
    note: "many numbers beyond the largest",
  },
];
