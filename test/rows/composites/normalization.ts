import type { OpRow, RowAttributes } from "../row.ts";

const inTraining = (shape: number[], attrs: RowAttributes, row: Partial<OpRow> = {}): OpRow => ({
  op: "BatchNormalization",
  in: {
    X: shape,
    scale: [shape[1]!],
    B: [shape[1]!],
    mean: [shape[1]!],
    var: { shape: [shape[1]!], from: "positive" },
  },
  opset: 15,
  outputs: 3,
  ...row,
  attrs: { training_mode: 1, ...attrs },
});

export const normalizationRows: readonly OpRow[] = [
  inTraining([3, 2, 2, 2], {}),
  inTraining([4, 3], { epsilon: 0.1, momentum: 0.5 }),
  inTraining([3, 2, 4], { momentum: 0.7 }, { by: ["X", "scale", "B", "mean", "var"], opset: 14 }),
];
