import { intTensor } from "../../../src/onnx/index.ts";
import type { OpRow } from "../row.ts";

const tensorScatter = (row: Partial<OpRow>): OpRow => ({
  op: "TensorScatter",
  in: { cache: [2, 1, 4, 3], update: [2, 1, 2, 3], starts: intTensor([1, 2]) },
  by: ["cache", "update"],
  opset: 24,
  ...row,
});

export const scatterRows: readonly OpRow[] = [
  tensorScatter({}),
  tensorScatter({ in: { cache: [2, 1, 4, 3], update: [2, 1, 2, 3] }, note: "from the start" }),
  tensorScatter({
    attrs: { mode: "circular" },
    in: { cache: [2, 4, 2], update: [2, 3, 2], starts: intTensor([3, 0]) },
  }),
  tensorScatter({ attrs: { axis: 1 }, in: { cache: [2, 4, 2], update: [2, 1, 2], starts: intTensor([3, 1]) } }),
  tensorScatter({
    attrs: { axis: -1, mode: "linear" },
    in: { cache: [1, 5], update: [1, 2], starts: intTensor([2]) },
    by: ["update"],
  }),
];
