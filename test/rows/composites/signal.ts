import { floatTensor, intTensor } from "../../../src/onnx/index.ts";
import type { OpRow, RowAttributes } from "../row.ts";

const scalar = (value: number) => intTensor([value], []);

/** Of opset 20, with the length and the axis as inputs. */
const dft = (shape: number[], attrs: RowAttributes = {}, length?: number, axis?: number, note?: string): OpRow => ({
  op: "DFT",
  opset: 20,
  in: {
    X: shape,
    ...(length === undefined && axis === undefined ? {} : { length: length === undefined ? null : scalar(length) }),
    ...(axis === undefined ? {} : { axis: scalar(axis) }),
  },
  attrs,
  ...(note && { note }),
});

/** Of opset 17, with the axis as an attribute. */
const older = (shape: number[], attrs: RowAttributes): OpRow => ({ op: "DFT", opset: 17, in: { X: shape }, attrs });

const stft = (shape: number[], row: Partial<OpRow> & { step: number; length?: number; window?: boolean }): OpRow => {
  const { step, length, window, ...rest } = row;
  const frame = Float32Array.from(
    { length: length ?? 6 },
    (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / 6),
  );
  return {
    op: "STFT",
    in: {
      X: shape,
      step: scalar(step),
      ...(window || length ? { window: window ? floatTensor([frame.length], frame) : null } : {}),
      ...(length ? { length: scalar(length) } : {}),
    },
    ...rest,
  };
};

const halfBack = { withoutForward: "ONNX Runtime takes no half of a spectrum back to a real signal" };

const product = (attrs: RowAttributes, shape: number[], axis: number): OpRow => ({
  op: "CumProd",
  opset: 26,
  in: { X: shape, axis: scalar(axis) },
  attrs,
  withoutForward: "ONNX Runtime has no kernel of it",
});

const einsum = (equation: string, a: number[], b: number[]): OpRow => ({
  op: "Einsum",
  in: { A: a, B: b },
  by: ["A", "B"],
  attrs: { equation },
  withoutForward: "ONNX Runtime takes no ellipses that cover different numbers of axes",
});

/** Longer ones are transformed in steps. */
const longer = (row: OpRow): OpRow => ({
  ...row,
  withoutForward: "ONNX Runtime keeps four digits of transforms whose length is no power of two",
});

export const signalRows: readonly OpRow[] = [
  einsum("...ij,...jk->...ik", [2, 2, 3], [3, 2]),
  einsum("...ij,...jk", [2, 1, 2, 3], [3, 3, 2]),
  einsum("...,...", [2, 1], [3]),
  einsum("b...,...->b...", [2, 2, 3], [3]),
  dft([1, 6, 1]),
  dft([2, 5, 2]),
  dft([1, 8, 1], { onesided: 1 }),
  dft([1, 7, 1], { onesided: 1 }),
  dft([1, 6, 2], { inverse: 1 }),
  dft([1, 6, 1], { inverse: 1 }),
  { ...dft([1, 4, 2], { inverse: 1, onesided: 1 }), ...halfBack },
  { ...dft([1, 4, 2], { inverse: 1, onesided: 1 }, 7), ...halfBack },
  { ...dft([2, 3, 4, 2], { inverse: 1, onesided: 1 }, 8, 2), ...halfBack },
  dft([2, 3, 4, 1], {}, undefined, 1),
  dft([3, 4, 2], {}, undefined, 0),
  dft([2, 3, 4, 2], { inverse: 1 }, undefined, -3),
  dft([1, 6, 1], { onesided: 1 }, 4, undefined, "fewer samples"),
  dft([1, 6, 1], { onesided: 1 }, 9, undefined, "more samples"),
  dft([1, 5, 2], {}, 8, undefined, "more samples"),
  longer(dft([1, 600, 2], {}, undefined, undefined, "in two steps, 24 · 25")),
  longer(dft([1, 600, 2], { inverse: 1 }, undefined, undefined, "in two steps, back")),
  longer(dft([1, 900, 1], { onesided: 1 }, 1030, undefined, "in two steps, 10 · 103, more samples")),
  older([1, 6, 1], { onesided: 1 }),
  older([2, 3, 4, 2], { axis: 2, inverse: 1 }),
  older([2, 3, 4, 1], { axis: -2 }),
  older([2, 3, 4, 1], { axis: 1 }),
  stft([1, 16, 1], { step: 4, length: 8, attrs: { onesided: 1 } }),
  stft([2, 15, 1], { step: 3, window: true }),
  stft([1, 12, 1], { step: 2, length: 6, window: true, attrs: { onesided: 0 } }),
  stft([1, 12, 2], { step: 5, length: 4, attrs: { onesided: 0 } }),
  { ...stft([1, 14, 1], { step: 4, window: true }), by: ["window"], note: "by the window" },
  product({}, [4, 3], 0),
  product({ exclusive: 1 }, [2, 5], -1),
  product({ reverse: 1 }, [2, 7, 2], 1),
  product({ exclusive: 1, reverse: 1 }, [6], 0),
  product({}, [2, 1], 1),
  product({ exclusive: 1 }, [2, 1], 1),
  {
    ...product({}, [6], 0),
    in: { X: floatTensor([6], [2, 0, -1, 0, 3, 1]), axis: scalar(0) },
    note: "with zeros",
  },
];
